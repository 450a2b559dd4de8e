"""Settings of the service: environment variables with the prefix ``RECOVERY_``."""

import difflib
import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, FilePath, ValidationError, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from service.authentication_settings import AuthenticationSettings

PREFIX = "RECOVERY_"
_ADDRESS = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")
_HOST = re.compile(r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:\d{1,5})?")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?")


class WrongSetting(Exception):  # noqa: N818 - the name says what it is
    """A setting cannot be used; the message is one line that names the variable and holds no secret."""


IPNetwork = IPv4Network | IPv6Network


def _listed(value: Any) -> tuple[str, ...]:
    return tuple(str(item).strip() for item in (value.split(",") if isinstance(value, str) else value))


def _networks(value: Any) -> tuple[IPNetwork, ...]:
    try:
        return tuple(ip_network(item) for item in _listed(value))
    except ValueError as error:
        raise ValueError("these are addresses or networks such as 10.0.0.0/8, with commas between") from error


Networks = Annotated[tuple[IPNetwork, ...], NoDecode, BeforeValidator(_networks)]


class Settings(AuthenticationSettings):
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
    max_import_bytes: int = Field(
        default=1_000_000_000, gt=0, description="Largest $import in bytes, each line of which is a request like others"
    )
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
    job_hours: float = Field(
        default=24,
        gt=0,
        le=8_760,
        description="Hours for which an export or an import, and what came of it, is kept after it got further last",
    )
    export_file_resources: int = Field(
        default=100_000,
        gt=0,
        le=10_000_000,
        description="Most resources in one file of an export; where there are more, a type has several files",
    )
    export_to: str | None = Field(
        default=None,
        pattern=r"^(file:///|s3://[a-z0-9.-]+(/|$))",
        description="Where exports are written, such as file:///exports or s3://bucket/prefix (the bucket as AWS_* "
        "variables say); unset means that the service itself gives their files to who asked for them",
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
    measure: FilePath | None = Field(
        default=None,
        description="JSON file of an adapted Measure of the recovery-orientation audit, which is published and carried "
        "out instead of ours; unset means ours",
    )
    require_label: bool = Field(
        default=False,
        description="Refuse what clients write without a confidentiality label in meta.security (422)",
    )
    patient_bases: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="FHIR addresses, with commas between, whose Patient/1 is the same person as ours",
    )

    trusted_proxies: Networks = Field(
        default=(),
        description="Addresses or networks, with commas between, of the proxies whose Forwarded or X-Forwarded-* "
        "headers tell the client, the scheme, the host and the prefix; of all others they are ignored",
    )
    rate_limit: int | None = Field(
        default=None,
        gt=0,
        description="Most requests of one client in a minute, to each worker process; unset means no limit",
    )
    receive_seconds: float = Field(
        default=60, gt=0, description="Seconds in which a request has to arrive whole; its head in a third of them"
    )
    answer_seconds: float = Field(
        default=300, gt=0, description="Seconds after which a request that is not answered, or not taken, is given up"
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Origins, with commas between, whose pages a browser lets call this service; unset means none",
    )
    tls_certificate: FilePath | None = Field(
        default=None,
        description="PEM file of the certificate chain; with it the service speaks TLS (1.2 or newer) only",
    )
    tls_key: FilePath | None = Field(default=None, description="PEM file of the key of the certificate")
    log: Literal["text", "json"] = Field(default="text", description="Log lines as text for people, or JSON for tools")
    access_log: bool = Field(
        default=False, description="Log a line for each request: method, shape of the address, status, milliseconds"
    )
    metrics_from: Networks = Field(
        default=("127.0.0.0/8", "::1"),
        validate_default=True,
        description="Addresses or networks, with commas between, that may read /metrics",
    )

    subscription_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Hosts, each with its port unless that is the usual one, with commas between, to which "
        "subscriptions may be delivered, such as reports.example.org,10.0.0.5:8443; unset means none",
    )
    subscription_heartbeat: float = Field(
        default=600,
        ge=1,
        description="Seconds of silence after which a receiver gets an empty ping that says that all is well",
    )
    subscription_days: float = Field(
        default=7,
        gt=0,
        le=365,
        description="Days for which a receiver that fails is tried again; then its subscription is off",
    )

    audit: Literal["strict", "off"] = Field(
        default="strict",
        description="strict: nothing is answered before it is recorded who asked for what and saw what; off: no record",
    )
    audit_key: str | None = Field(
        default=None,
        min_length=32,
        description="Secret of the chain of the audit, at least 32 characters, the same for all processes; unset means "
        "one that `recovery-plan serve` makes and keeps in DATA/audit.key",
        repr=False,
    )
    audit_heads: Path | None = Field(
        default=None,
        description="Directory where each process notes the last event that it has recorded; unset means "
        "DATA/audit-heads with `recovery-plan serve`",
    )
    audit_days: float = Field(default=0, ge=0, description="Days for which the audit is kept; 0 means for ever")

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

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _are_origins(cls, value: Any) -> Any:
        origins = _listed(value)
        if not all(map(_ORIGIN.fullmatch, origins)):
            raise ValueError("these are origins such as https://app.example.org, with commas between and no path")
        return origins

    @field_validator("subscription_hosts", mode="before")
    @classmethod
    def _are_hosts(cls, value: Any) -> Any:
        hosts = tuple(host.lower() for host in _listed(value))
        if not all(map(_HOST.fullmatch, hosts)):
            raise ValueError("these are hosts such as reports.example.org or 10.0.0.5:8443, with commas between")
        return hosts

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("RECOVERY_TLS_CERTIFICATE and RECOVERY_TLS_KEY are given together or not at all")
        return self

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
