"""What a token says of its client (https://www.rfc-editor.org/rfc/rfc9068, and SMART App Launch for the context)."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from joserfc.errors import ExpiredTokenError, InvalidClaimError, MissingClaimError
from joserfc.jwt import JWTClaimsRegistry

from service.fhir.reference import is_id, parse_reference
from service.security.client import Client
from service.security.refusal import TokenRefused

LONGEST_CLAIM = 2_000
MOST_ITEMS = 500
_NOT_ACCESS_TOKENS = ("ID", "Refresh", "Offline", "Logout")
"""What Keycloak calls those of its tokens that are not for services."""
_WRONG = {
    "iss": "The token is from another issuer",
    "aud": "The token is not meant for this service",
    "nbf": "The token is not valid yet",
    "iat": "The token is not valid yet",
}
_WORD = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""A scope, as RFC 6749 has it."""


@dataclass(frozen=True)
class Expected:
    """Whose tokens are accepted, for whom, and with how much difference between clocks."""

    issuer: str
    audience: str
    leeway: float = 30
    clearance_claim: str = "clearance"
    now: Callable[[], float] = time.time


def accepted(claims: dict[str, Any], expected: Expected) -> Client:
    """Return the client that ``claims`` describe and raise TokenRefused unless they are as ``expected``."""
    _check(claims, expected)
    if claims.get("typ") in _NOT_ACCESS_TOKENS:
        raise TokenRefused("This is not an access token")
    if claims.get("cnf") is not None:
        raise TokenRefused("The token is bound to a key of its client, which cannot be checked here")
    client_id = _text(claims, "client_id") or _text(claims, "azp")
    subject = _text(claims, "sub")
    if subject is None and client_id is None:
        raise TokenRefused("The token names neither a subject nor a client")
    return Client(
        issuer=expected.issuer,
        client_id=client_id,
        subject=subject,
        user=_user(claims),
        patient=_patient(claims),
        scopes=_words(claims, "scope" if claims.get("scope") is not None else "scp"),
        clearances=frozenset(_words(claims, expected.clearance_claim)),
        purposes=_words(claims, "purpose_of_use"),
    )


def _check(claims: dict[str, Any], expected: Expected) -> None:
    rules = JWTClaimsRegistry(
        int(expected.now()),
        int(expected.leeway),
        iss={"essential": True, "value": expected.issuer},
        aud={"essential": True, "value": expected.audience},
        exp={"essential": True},
    )
    try:
        rules.validate(claims)
    except ExpiredTokenError:
        raise TokenRefused("The token has expired") from None
    except MissingClaimError:
        raise TokenRefused("The token lacks iss, aud or exp") from None
    except InvalidClaimError as error:
        raise TokenRefused(_WRONG.get(error.claim, "A claim of the token is not of its form")) from None


def _text(claims: dict[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_CLAIM or not value.isprintable():
        raise _wrong(name)
    return value


def _words(claims: dict[str, Any], name: str) -> tuple[str, ...]:
    """Return the words of a claim: a text with spaces between them, or a list."""
    value = claims.get(name)
    if value is None:
        return ()
    words = value.split(" ") if isinstance(value, str) else value
    if not isinstance(words, list) or len(words) > MOST_ITEMS:
        raise _wrong(name)
    if not all(isinstance(word, str) and (not word or _WORD.fullmatch(word)) for word in words):
        raise _wrong(name)
    return tuple(dict.fromkeys(word for word in words if word))


def _user(claims: dict[str, Any]) -> str | None:
    value = _text(claims, "fhirUser")
    if value is not None and parse_reference(value) is None:
        raise _wrong("fhirUser")
    return value


def _patient(claims: dict[str, Any]) -> str | None:
    """Return the id of the patient in context, or the absolute reference."""
    value = _text(claims, "patient")
    if value is None or is_id(value):
        return value
    reference = parse_reference(value)
    if reference is None or reference.type != "Patient" or reference.version is not None:
        raise _wrong("patient")
    return value if reference.base else reference.id


def _wrong(name: str) -> TokenRefused:
    return TokenRefused(f"The claim {name} is not of the form that it has to be")
