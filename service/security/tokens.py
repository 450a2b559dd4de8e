"""Bearer tokens: JSON Web Tokens that are verified here, others where their issuer is asked.

JWS https://www.rfc-editor.org/rfc/rfc7515, JWT best practices https://www.rfc-editor.org/rfc/rfc8725.
"""

import re
from base64 import urlsafe_b64decode
from collections.abc import Collection
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from service.security.claims import Expected, accepted
from service.security.client import Client
from service.security.introspection import Introspection
from service.security.jwks import Keys
from service.security.refusal import TokenRefused
from service.security.remembered import Remembered
from service.security.strict_json import read_object

LONGEST_TOKEN = 8_192
REMEMBERED = 60.0
"""Seconds for which a token that was verified is not verified again."""
_JWT = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}")
_TYPES = (None, "jwt", "at+jwt", "application/at+jwt")
_UNSAFE_HEADERS = ("crit", "b64")


class Tokens:
    """Tells whose a token is."""

    def __init__(
        self, expected: Expected, keys: Keys, algorithms: Collection[str], introspection: Introspection | None = None
    ) -> None:
        self._expected = expected
        self._keys = keys
        self._algorithms = tuple(algorithms)
        self._introspection = introspection
        self._registry = jws.JWSRegistry(algorithms=self._algorithms, strict_check_header=False)
        self._registry.max_header_length = LONGEST_TOKEN
        self._known: Remembered[Client] = Remembered()

    async def client(self, token: str) -> Client:
        """Return the client whose token it is.

        Raises TokenRefused, or OutcomeError 503 where the authorisation server is needed and does not answer.
        """
        if len(token) > LONGEST_TOKEN:
            raise TokenRefused(f"A token has at most {LONGEST_TOKEN} characters here")
        now = self._expected.now()
        known = self._known.of(token, now)
        if known is not None:
            return known
        claims = await self._claims(token)
        client = accepted(claims, self._expected)
        self._known.add(token, client, min(now + REMEMBERED, claims["exp"] + self._expected.leeway))
        return client

    async def _claims(self, token: str) -> dict[str, Any]:
        if _JWT.fullmatch(token):
            return await self._signed(token)
        if self._introspection is None:
            raise TokenRefused("The token is not a signed JSON Web Token")
        return await self._introspection.claims(token)

    async def _signed(self, token: str) -> dict[str, Any]:
        """Return the claims of a token whose signature is good."""
        algorithm, kid = self._header(token)
        key = await self._keys.key(kid, algorithm)
        try:
            verified = jws.deserialize_compact(token, key, [algorithm], self._registry)
            return read_object(verified.payload)
        except (JoseError, ValueError):
            raise TokenRefused("The signature or the content of the token is not good") from None

    def _header(self, token: str) -> tuple[str, str | None]:
        """Return algorithm and key id of what a token says of itself, before any of it is known to be true."""
        encoded = token.partition(".")[0]
        try:
            header = read_object(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
        except ValueError:
            raise TokenRefused("The head of the token cannot be read") from None
        algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ")
        if not isinstance(algorithm, str) or algorithm not in self._algorithms:
            raise TokenRefused("The token is signed with an algorithm that is not accepted")
        if not isinstance(kid, str | None) or any(name in header for name in _UNSAFE_HEADERS):
            raise TokenRefused("The head of the token is not understood")
        if (kind.lower() if isinstance(kind, str) else kind) not in _TYPES:
            raise TokenRefused("This is not an access token")
        return algorithm, kid
