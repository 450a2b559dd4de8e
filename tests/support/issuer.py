"""Tokens for tests, and a small OAuth 2.0 / SMART authorisation server on this machine that gives them out."""

import json
import time
from functools import cache
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, Key, RSAKey

ISSUER = "urn:example:issuer"
AUDIENCE = "urn:example:recovery-plan"


@cache
def signing_key(kid: str = "usual", kind: str = "EC") -> Key:
    """Return a private key that is the same for the same words, for as long as the tests run."""
    if kind == "RSA":
        return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})


def key_set(*keys: Key) -> dict[str, Any]:
    """Return the public JWK Set of ``keys``."""
    return {"keys": [key.as_dict(private=False) for key in keys]}


def token_settings(folder: Path, *keys: Key) -> dict[str, Any]:
    """Return the settings of a service that accepts tokens of ``keys``, or else those of `mint`."""
    file = folder / "issuer-keys.json"
    file.write_text(json.dumps(key_set(*(keys or (signing_key(),)))))
    return {"auth": "jwt", "issuer": ISSUER, "audience": AUDIENCE, "jwks_file": file}


def mint(
    scope: str | None = None,
    *,
    key: Key | None = None,
    algorithm: str = "ES256",
    header: dict[str, Any] | None = None,
    minutes: float = 120,
    **claims: Any,
) -> str:
    """Return a signed token: ``mint("patient/*.rs", patient="a", clearance="R")``.

    Claims that are None are left out, those of every token too (iss, aud, sub, client_id, iat, exp).
    It is good for longer than all tests take, as some mint theirs before the first one runs.
    ``key`` and ``algorithm`` sign it; ``header`` is added to its head, from which None takes a member.
    """
    key, now = key or signing_key(), int(time.time())
    usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "tester", "client_id": "tests", "iat": now}
    told = {**usual, "exp": now + int(minutes * 60), "scope": scope, **claims}
    head = {"alg": algorithm, "kid": key.kid, "typ": "at+jwt", **(header or {})}
    return jwt.encode(
        {name: value for name, value in head.items() if value is not None},
        {name: value for name, value in told.items() if value is not None},
        key,
        algorithms=[algorithm],
        default_type=None,
    )


def bearer(scope: str | None = None, **how: Any) -> dict[str, str]:
    """Return the header of a request with a token that `mint` mints."""
    return {"Authorization": f"Bearer {mint(scope, **how)}"}
