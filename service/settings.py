"""Settings of the service: environment variables with the prefix ``RECOVERY_``."""

import difflib
import os
import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "RECOVERY_"
_ADDRESS = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")


class WrongSetting(Exception):  # noqa: N818 - the name says what it is
    """A setting cannot be used; the message is one line that names the variable and holds no secret."""


class Settings(BaseSettings):
    """Every setting with its default; a wrong one raises ``pydantic.ValidationError``."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    mongodb_uri: str | None = Field(
        default=None, description="Connection string; unset means the embedded MongoDB", repr=False
    )
    mongodb_database: str = Field(
        default="recovery_plan", pattern=r"^[A-Za-z0-9_-]{1,38}$", description="Name of the database"
    )
    mongodb_driver: Literal["pymongo", "motor"] = Field(default="pymongo", description="Driver: pymongo or motor")
    base_url: str | None = Field(
        default=None,
        description="Public address of the service, without /fhir/R4; unset means each request's own",
    )
    page_secret: str | None = Field(
        default=None,
        description="Key that signs page tokens; unset means one kept in the database",
        repr=False,
    )
    max_body_bytes: int = Field(default=16_000_000, gt=0, description="Largest request body in bytes")
    max_bundle_entries: int = Field(default=1_000, gt=0, description="Most entries in a batch or transaction")
    default_page_size: int = Field(
        default=20, gt=0, description="Matches or versions on a page when _count is not given"
    )
    max_page_size: int = Field(default=1_000, gt=0, description="Largest _count that is accepted")
    search_seconds: float = Field(
        default=10.0, gt=0, description="Seconds that a search may take in the database before it is stopped"
    )
    explain: bool = Field(
        default=False,
        description="Whether searches may ask with _explain=true how the database does them; unset means yes with the "
        "embedded MongoDB, else no",
    )
    require_if_match: bool = Field(
        default=False, description="Refuse updates and deletes without If-Match (400 as R4's concurrency section says)"
    )
    idempotency_hours: float = Field(
        default=24,
        gt=0,
        le=8_760,
        description="Hours for which a write that is sent again with the same Idempotency-Key gets the first answer",
    )
    max_conditional_delete: int = Field(
        default=1,
        gt=0,
        le=1_000,
        description="Most resources that one conditional delete may delete; where more match it is refused with 412",
    )
    profiles: Literal["claimed", "always", "off"] = Field(
        default="claimed",
        description="Which resources are held to the recovery profiles: those that claim one, all, or none",
    )
    references: Literal["recovery", "always", "never"] = Field(
        default="recovery",
        description="Where a CarePlan, Goal or RiskAssessment of this server that is referred to has to exist: "
        "in resources held to a recovery profile, in all, or in none",
    )
    narrative: Literal["recovery", "always", "off"] = Field(
        default="recovery",
        description="Which resources without text the service writes one for: those with recovery fields, all, or none",
    )
    patient_bases: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="FHIR addresses, with commas between, whose Patient/1 is the same person as ours",
    )

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, text: str | None) -> str | None:
        if text is None:
            return None
        if not _ADDRESS.fullmatch(text):
            raise ValueError("this is an address such as https://plans.example.org")
        if "/fhir/" in text + "/":
            raise ValueError("this is the address before /fhir/R4, such as https://plans.example.org")
        return text

    @field_validator("patient_bases", mode="before")
    @classmethod
    def _are_addresses(cls, value: Any) -> Any:
        bases = value.split(",") if isinstance(value, str) else value
        bases = tuple(str(base).strip().rstrip("/") for base in bases)
        if not all(map(_ADDRESS.fullmatch, bases)):
            raise ValueError("these are addresses such as https://records.example.org/fhir, with commas between")
        return bases

    @model_validator(mode="after")
    def _page_sizes_agree(self) -> Self:
        if self.default_page_size > self.max_page_size:
            raise ValueError("RECOVERY_DEFAULT_PAGE_SIZE is larger than RECOVERY_MAX_PAGE_SIZE")
        return self


def read_settings() -> Settings:
    """Return the environment's settings; raises WrongSetting for a wrong value or an unknown variable.

    An unknown one, and an empty connection string, is refused because a misspelt ``RECOVERY_MONGODB_URI`` would
    otherwise start a service that writes to another database than was meant.
    """
    known = [f"{PREFIX}{name}".upper() for name in Settings.model_fields]
    for variable in sorted(os.environ):
        if variable.upper().startswith(PREFIX) and variable.upper() not in known:
            near = difflib.get_close_matches(variable.upper(), known, n=1)
            hint = f": did you mean {near[0]}?" if near else ""
            raise WrongSetting(f"{variable} is not a setting of this service{hint}")
    if os.environ.get(f"{PREFIX}MONGODB_URI") == "":
        raise WrongSetting("RECOVERY_MONGODB_URI is empty; unset it for the embedded MongoDB")
    try:
        return Settings()
    except ValidationError as error:
        raise WrongSetting("; ".join(_words(issue["loc"], issue["msg"]) for issue in error.errors())) from error


def _words(location: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ")
    return f"{PREFIX}{str(location[0]).upper()}: {text}" if location else text
