"""Opaque page tokens: where a page begins, signed, and bound to the query that it belongs to."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from hashlib import sha256
from typing import Any

import bson

from service.fhir.outcome import Issue, OutcomeError

_SIGNATURE_BYTES = 16


def page_token(secret: bytes, query: str, place: list[Any]) -> str:
    """Return the token for the page after ``place`` of the search that ``query`` describes."""
    payload = bson.encode({"place": place})
    return _text(_signature(secret, query, payload) + payload)


def read_page_token(secret: bytes, query: str, token: str) -> list[Any]:
    """Return the place in ``token``; raises OutcomeError where it was changed or belongs to another query."""
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (Base64Error, ValueError):
        raw = b""
    if _text(raw) != token:  # the decoder skips what is no Base64
        raw = b""
    signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
    if not payload or not hmac.compare_digest(signature, _signature(secret, query, payload)):
        sentence = "The page token was not made by this service for this query; start again from the first page"
        raise OutcomeError(Issue("page-token", sentence, "http._page"))
    place: list[Any] = bson.decode(payload)["place"]
    return place


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _signature(secret: bytes, query: str, payload: bytes) -> bytes:
    return hmac.digest(secret, query.encode() + b"\0" + payload, sha256)[:_SIGNATURE_BYTES]
