"""OAuth 2.0 Token Introspection, for tokens that only their issuer understands (https://www.rfc-editor.org/rfc/rfc7662)."""

import asyncio
import time
from typing import Any

import httpx

from service.security.fetch import fetch_object
from service.security.refusal import TokenRefused, issuer_unavailable
from service.security.remembered import Remembered

MOST_AT_ONCE = 16
PATIENCE = 5.0
REMEMBERED = 30.0
"""Seconds for which the answer that a token is not active is remembered."""


class Introspection:
    """Asks the authorisation server, to which this service is ``client_id``."""

    def __init__(self, url: str, client_id: str, client_secret: str, issuer: str) -> None:
        self._url = url
        self._login = httpx.BasicAuth(client_id, client_secret)
        self._issuer = issuer
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)
        self._inactive: Remembered[bool] = Remembered()

    async def claims(self, token: str) -> dict[str, Any]:
        """Return what the authorisation server says of ``token``; raises TokenRefused, or OutcomeError 503."""
        if self._inactive.of(token, now := time.monotonic()):
            raise TokenRefused("The token is not active")
        try:
            async with asyncio.timeout(PATIENCE), self._turns:
                told = await fetch_object(self._url, {"token": token, "token_type_hint": "access_token"}, self._login)
        except (httpx.HTTPError, OSError, ValueError):
            raise issuer_unavailable() from None
        if told.get("active") is not True:
            self._inactive.add(token, True, now + REMEMBERED)
            raise TokenRefused("The token is not active")
        return {"iss": self._issuer, **told}
