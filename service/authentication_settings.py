"""Settings by which clients are known: whose tokens are accepted, and with which keys they are verified."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode

ASYMMETRIC = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signature algorithms that may be accepted: none of them takes what everybody knows for a secret key."""

_HERE = re.compile(r"127(\.\d{1,3}){3}|\[::1\]|[A-Za-z][A-Za-z0-9_-]*", re.ASCII)
_ADDRESS = re.compile(r"(https?)://([^\s/?#@:\[]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?(/[^\s#]*)?")
_INTROSPECTION = ("introspection_url", "introspection_client_id", "introspection_client_secret")
_OF_AN_ISSUER = ("audience", "openid_configuration_url", "jwks_url", "jwks_file", *_INTROSPECTION)


def is_trustworthy(url: str) -> bool:
    """Return whether what is found at ``url`` can be relied on: https, or http on this machine or to a bare name.

    A name without dots is that of this machine or of a container beside this one, and leads nowhere else.
    """
    match = _ADDRESS.fullmatch(url)
    return match is not None and (match[1] == "https" or _HERE.fullmatch(match[2]) is not None)


class AuthenticationSettings(BaseSettings):
    """Those of the settings that say who is let in; a combination that cannot work is refused."""

    auth: Literal["none", "jwt"] = Field(
        default="none", description="Whether clients need a bearer token (jwt), or everything is open to all (none)"
    )
    allow_unauthenticated: bool = Field(
        default=False, description="Whether RECOVERY_AUTH=none may listen on other addresses than those of this machine"
    )
    issuer: str | None = Field(
        default=None,
        pattern=r"^[!-~]{1,500}$",
        description="The authorisation server: the iss of its tokens; unset with RECOVERY_AUTH=jwt means development "
        "tokens of `recovery-plan token`",
    )
    audience: str | None = Field(
        default=None, pattern=r"^[!-~]{1,500}$", description="What the aud of a token has to name: this service"
    )
    openid_configuration_url: str | None = Field(
        default=None,
        description="Where the issuer describes itself; unset means /.well-known/openid-configuration below it",
    )
    jwks_url: str | None = Field(
        default=None, description="Where the issuer's keys are; unset means where its description says"
    )
    jwks_file: Path | None = Field(
        default=None, description="A file with the issuer's public keys (a JWK Set), instead of an address"
    )
    token_algorithms: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("RS256", "ES256", "RS384", "ES384"),
        description="Signature algorithms that are accepted, with commas between",
    )
    token_leeway_seconds: int = Field(
        default=30, ge=0, le=300, description="Seconds by which the issuer's clock may differ from ours"
    )
    clearance_claim: str = Field(
        default="clearance",
        pattern=r"^[!-~]{1,200}$",
        description="The claim that names the security labels that a client may see",
    )
    introspection_url: str | None = Field(
        default=None, description="Where the issuer tells of tokens that are no JSON Web Tokens; unset refuses these"
    )
    introspection_client_id: str | None = Field(default=None, description="Who this service is to the introspection")
    introspection_client_secret: str | None = Field(default=None, description="Its secret there", repr=False)

    @field_validator("token_algorithms", mode="before")
    @classmethod
    def _are_algorithms(cls, value: Any) -> Any:
        names = value.split(",") if isinstance(value, str) else value
        names = tuple(str(name).strip() for name in names)
        if not set(names) <= set(ASYMMETRIC):
            raise ValueError(f"these are names with commas between, of {', '.join(ASYMMETRIC)}")
        return names

    @field_validator("openid_configuration_url", "jwks_url", "introspection_url")
    @classmethod
    def _is_trustworthy(cls, url: str | None) -> str | None:
        if url is not None and not is_trustworthy(url):
            raise ValueError("this is an address with https, or with http on this machine or a name without dots")
        return url

    @model_validator(mode="after")
    def _can_work_together(self) -> Self:
        if complaint := self._complaint():
            raise ValueError(complaint)
        return self

    def _complaint(self) -> str | None:
        """Return why these settings contradict each other, if they do."""
        of_issuer = [f"RECOVERY_{name}".upper() for name in _OF_AN_ISSUER if getattr(self, name) is not None]
        if self.auth == "none" and (self.issuer or of_issuer):
            name = "RECOVERY_ISSUER" if self.issuer else of_issuer[0]
            return f"{name} is set, but RECOVERY_AUTH is none and everything would be open; set RECOVERY_AUTH=jwt"
        if self.auth == "jwt" and self.allow_unauthenticated:
            return "RECOVERY_ALLOW_UNAUTHENTICATED goes with RECOVERY_AUTH=none alone"
        if self.issuer is None and of_issuer:
            return f"{of_issuer[0]} needs RECOVERY_ISSUER"
        if self.issuer is not None and self.audience is None:
            return "RECOVERY_ISSUER needs RECOVERY_AUDIENCE, or tokens for other services would be accepted"
        if self.jwks_url is not None and self.jwks_file is not None:
            return "RECOVERY_JWKS_URL and RECOVERY_JWKS_FILE exclude each other"
        if len({getattr(self, name) is None for name in _INTROSPECTION}) > 1:
            return " and ".join(f"RECOVERY_{name}".upper() for name in _INTROSPECTION) + " belong together"
        if self.issuer is not None and self.jwks_url is None and self.jwks_file is None and not self.describes_itself:
            return "RECOVERY_ISSUER is no address with https, so RECOVERY_JWKS_URL or RECOVERY_JWKS_FILE is needed"
        return None

    @property
    def describes_itself(self) -> bool:
        """Whether the issuer can be asked where its keys and endpoints are."""
        return self.issuer is not None and (self.openid_configuration_url is not None or is_trustworthy(self.issuer))
