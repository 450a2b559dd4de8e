"""What an authorisation server says of itself (https://openid.net/specs/openid-connect-discovery-1_0.html)."""

import time
from collections.abc import Callable
from typing import Any

from service.authentication_settings import is_trustworthy
from service.security.fetch import fetch_object
from service.security.kept import Kept
from service.security.refusal import issuer_unavailable

WELL_KNOWN = "/.well-known/openid-configuration"


class AuthorizationServer:
    """The issuer, whose description is at ``url``."""

    def __init__(self, issuer: str, url: str | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._url = url or issuer.rstrip("/") + WELL_KNOWN
        self._kept = Kept("The description of the authorisation server", self._load, clock)

    async def description(self) -> dict[str, Any]:
        """Return the description; raises OutcomeError 503 where it cannot be had."""
        found = await self._kept.value()
        if found is None:
            raise issuer_unavailable()
        return found

    async def key_set(self) -> dict[str, Any]:
        """Return the key set that the description names; raises ValueError or httpx.HTTPError where there is none."""
        described = await self._kept.value()
        address = described.get("jwks_uri") if described else None
        if not isinstance(address, str):
            raise ValueError("the issuer does not say where its keys are")
        return await fetch_object(address)

    async def _load(self) -> dict[str, Any]:
        described = await fetch_object(self._url)
        if described.get("issuer") != self._issuer:
            raise ValueError("it describes another issuer")
        for name in ("authorization_endpoint", "token_endpoint"):
            if not isinstance(address := described.get(name, ""), str) or (address and not is_trustworthy(address)):
                raise ValueError(f"its {name} is no address with https")
        return described
