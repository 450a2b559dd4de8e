"""Settings of the service: environment variables with the prefix ``RECOVERY_``."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting with its default; a wrong one raises ``pydantic.ValidationError``."""

    model_config = SettingsConfigDict(env_prefix="RECOVERY_", extra="ignore", frozen=True)

    mongodb_uri: str | None = Field(None, description="Connection string; unset means the embedded MongoDB")
    mongodb_database: str = Field("recovery_plan", description="Name of the database")
    mongodb_driver: Literal["pymongo", "motor"] = Field("pymongo", description="Driver: pymongo or motor")
    base_url: str | None = Field(None, description="Public address of the service, without /fhir/R4; unset means the address of each request")
    page_secret: str | None = Field(None, description="Key that signs page tokens; unset means one kept in the database")
    max_body_bytes: int = Field(16_000_000, gt=0, description="Largest request body in bytes")
    max_bundle_entries: int = Field(1_000, gt=0, description="Most entries in a batch or transaction")
    default_page_size: int = Field(20, gt=0, description="Matches on a page when _count is not given")
    max_page_size: int = Field(1_000, gt=0, description="Largest _count that is accepted")
    if_match_required: bool = Field(False, description="Refuse updates without If-Match (412 as R4's concurrency section says)")
