"""Tokens for trying out: signed with a key in the data directory, accepted where no issuer is configured."""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from service.secret_file import made_once
from service.settings import Settings, WrongSetting

ISSUER = "urn:recovery-plan:development"
AUDIENCE = "urn:recovery-plan:service"
KEY = "token-key.json"
"""The private key: whoever can read it can be anybody."""
KEY_SET = "token-key-set.json"
_ALGORITHM = "ES256"


@dataclass(frozen=True)
class Wanted:
    """What a token is to say; the scopes follow from the rest where they are not given."""

    patient: str | None = None
    user: str | None = None
    scope: str | None = None
    clearances: Sequence[str] = ()
    purposes: Sequence[str] = ()
    minutes: int = 60


def accept_development_tokens(data: Path, settings: Settings) -> bool:
    """Let this process and its workers accept them if tokens are needed and no issuer is named; return whether they do.

    Raises WrongSetting where the key cannot be kept in ``data``.
    """
    if settings.auth != "jwt" or settings.issuer is not None:
        return False
    if _ALGORITHM not in settings.token_algorithms:
        raise WrongSetting(f"RECOVERY_TOKEN_ALGORITHMS lacks {_ALGORITHM}, which development tokens are signed with")
    public = {"keys": [_key(data).as_dict(private=False)]}
    (data / KEY_SET).write_text(json.dumps(public), encoding="utf-8")
    os.environ["RECOVERY_ISSUER"] = ISSUER
    os.environ["RECOVERY_AUDIENCE"] = AUDIENCE
    os.environ["RECOVERY_JWKS_FILE"] = str((data / KEY_SET).absolute())
    return True


def development_token(data: Path, wanted: Wanted, settings: Settings) -> str:
    """Return a token that a service on ``data`` accepts; raises WrongSetting where a real issuer is configured."""
    if settings.issuer is not None:
        raise WrongSetting(f"RECOVERY_ISSUER is {settings.issuer}: tokens come from there, and none from here")
    now = int(time.time())
    context = {"patient": wanted.patient, "fhirUser": wanted.user, "purpose_of_use": list(wanted.purposes)}
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": wanted.user or "development",
        "client_id": "recovery-plan-token",
        "iat": now,
        "exp": now + wanted.minutes * 60,
        "scope": wanted.scope or _scope(wanted),
        settings.clearance_claim: list(wanted.clearances),
        **{name: value for name, value in context.items() if value},
    }
    key = _key(data)
    return jwt.encode({"alg": _ALGORITHM, "kid": key.kid, "typ": "at+jwt"}, claims, key, [_ALGORITHM])


def _scope(wanted: Wanted) -> str:
    """Return the scopes for all types, those of SMART for who is named."""
    kinds = {"patient": wanted.patient, "user": wanted.user}
    return " ".join(f"{kind}/*.cruds" for kind, named in kinds.items() if named) or "system/*.cruds"


def _key(data: Path) -> ECKey:
    """Return the key in ``data``, which is made where it is missing; raises WrongSetting where it cannot be."""
    file = data / KEY
    try:
        return ECKey.import_key(json.loads(made_once(file, _new_key)))
    except OSError as error:
        raise WrongSetting(f"the key of development tokens cannot be kept in {file}: {error.strerror}") from error
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise WrongSetting(f"{file} holds no key of development tokens; delete it to have one made") from error


def _new_key() -> str:
    return json.dumps(ECKey.generate_key("P-256", auto_kid=True).as_dict(private=True))
