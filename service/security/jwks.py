"""The keys with which an authorisation server signs (https://www.rfc-editor.org/rfc/rfc7517)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from service.security.fetch import fetch_object
from service.security.kept import Kept
from service.security.refusal import TokenRefused, issuer_unavailable
from service.security.strict_json import read_object

logger = logging.getLogger(__name__)

MOST_KEYS = 100
SHORTEST_RSA = 2048
PublicKey = RSAKey | ECKey | OKPKey
KeySet = dict[str | None, list[PublicKey]]
"""By ``kid``, which two keys of different kinds may share."""


class Keys:
    """The key set whose JSON ``load`` returns, renewed when it is old or a token names a key that is not in it."""

    def __init__(self, load: Callable[[], Awaitable[dict[str, Any]]], **kept: Any) -> None:
        async def key_set() -> KeySet:
            return read_key_set(await load())

        self._kept = Kept("The key set of the authorisation server", key_set, **kept)

    async def key(self, kid: str | None, algorithm: str) -> PublicKey:
        """Return the key that a token names and that is for ``algorithm``.

        Raises TokenRefused where there is none, or OutcomeError 503 where that cannot be found out.
        """
        found = _fitting(await self._kept.value(), kid, algorithm)
        if not found:
            await self._kept.refresh()
            found = _fitting(await self._kept.value(), kid, algorithm)
        if len(found) == 1:
            return found[0]
        if not found and self._kept.is_failing:
            raise issuer_unavailable()
        raise TokenRefused("The token is signed with a key that the issuer does not publish, or names none")


def from_url(url: str) -> Callable[[], Awaitable[dict[str, Any]]]:
    """Return what fetches the key set at ``url``."""
    return lambda: fetch_object(url)


def from_file(file: Path) -> Callable[[], Awaitable[dict[str, Any]]]:
    """Return what reads the key set in ``file``."""

    async def load() -> dict[str, Any]:
        return read_object(await asyncio.to_thread(file.read_bytes))

    return load


def read_key_set(value: dict[str, Any]) -> KeySet:
    """Return the public keys for signatures in a JWK Set; raises ValueError where it is none.

    What else it holds is left out: other uses, symmetric keys, private keys, weak keys, kinds that nobody here knows.
    """
    listed = value.get("keys")
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise ValueError(f"this is no key set of at most {MOST_KEYS} keys")
    found: KeySet = {}
    for item in listed:
        key = _public_key(item)
        if key is not None:
            found.setdefault(key.kid, []).append(key)
    if not found:
        raise ValueError("the key set has no public key for signatures")
    return found


def _public_key(item: Any) -> PublicKey | None:
    if not isinstance(item, dict) or item.get("use", "sig") != "sig" or "verify" not in item.get("key_ops", ["verify"]):
        return None
    if "d" in item or "k" in item:
        logger.warning("The key set publishes a key that is secret; it is not used")
        return None
    if item.get("kty") == "RSA" and len(str(item.get("n"))) * 6 < SHORTEST_RSA:
        return None  # of which the library would warn at each renewal
    try:
        key = JWKRegistry.import_key(item)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if isinstance(key, RSAKey) and key.public_key.key_size >= SHORTEST_RSA:
        return key
    return key if isinstance(key, (ECKey, OKPKey)) else None


def _fitting(keys: KeySet | None, kid: str | None, algorithm: str) -> list[PublicKey]:
    """Return the keys of the name, or all where a token names none, that are for ``algorithm``."""
    if keys is None:
        return []
    named = keys.get(kid, []) if kid is not None else [key for item in keys.values() for key in item]
    return [key for key in named if key.alg in (None, algorithm) and _suits(key, algorithm)]


def _suits(key: PublicKey, algorithm: str) -> bool:
    return bool(JWSRegistry.filter_algorithms(key, [algorithm]))
