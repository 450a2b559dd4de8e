"""Opaque page tokens: where a page begins and what it shows, signed, and bound to the query that they belong to."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from hashlib import sha256

import bson

from service.fhir.outcome import Issue, OutcomeError
from service.store.place import Place
from service.store.reading import Moment

_SIGNATURE_BYTES = 16
_FORM = b"2"
"""Changed whenever the content is, so that a token of another form is no token."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a page after the first needs to know; all of it may be left out."""

    place: Place | None = None
    """Where it begins, None for the first page."""
    moment: Moment | None = None
    """Whose state it shows."""
    total: int | None = None
    """How many matches there were then."""
    until: int | None = None
    """When what it may show was last changed, at the latest; in microseconds since 1970."""


def page_token(secret: bytes, query: str, token: Token) -> str:
    """Return the text of ``token`` for a page of the search that ``query`` describes."""
    place = [token.place.backward, token.place.source, *token.place.values] if token.place else None
    moment = token.moment.timestamp if token.moment else None
    payload = bson.encode({"": [place, moment, token.total, token.until]})
    return _text(_signature(secret, query, payload) + payload)


def read_page_token(secret: bytes, query: str, text: str) -> Token:
    """Return the token; raises OutcomeError where it was changed, is of another form or belongs to another query."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError):
        raw = b""
    if _text(raw) != text:  # the decoder skips what is no Base64
        raw = b""
    signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
    if not payload or not hmac.compare_digest(signature, _signature(secret, query, payload)):
        sentence = "The page token was not made by this service for this query; start again from the first page"
        raise OutcomeError(Issue("page-token", sentence, "http._page"))
    place, moment, total, until = bson.decode(payload)[""]
    return Token(
        Place(tuple(place[2:]), place[1], place[0]) if place else None, Moment(moment) if moment else None, total, until
    )


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _signature(secret: bytes, query: str, payload: bytes) -> bytes:
    return hmac.digest(secret, _FORM + query.encode() + b"\0" + payload, sha256)[:_SIGNATURE_BYTES]
