"""What is in deploy/ goes with the service as it is."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from pymongo import AsyncMongoClient

DEPLOY = Path(__file__).parents[2] / "deploy"


async def test_the_database_user_may_use_each_collection_that_there_is(
    sample_client: httpx.AsyncClient, mongodb_uri: str
) -> None:
    async with AsyncMongoClient(mongodb_uri) as database:
        made = set(await database["test_samples"].list_collection_names())
    assert sample_client is not None  # whose service has made them
    serves = json.loads((DEPLOY / "mongodb/roles.json").read_text())["recovery-plan-serve"]
    assert {name for item in serves for name in item["collections"]} - {""} == made


def test_the_database_user_can_only_add_to_the_audit() -> None:
    serves = json.loads((DEPLOY / "mongodb/roles.json").read_text())["recovery-plan-serve"]
    (of_audit,) = [item["actions"] for item in serves if "audit" in item["collections"]]
    assert not {"update", "remove", "dropCollection", "collMod"} & set(of_audit)


@pytest.mark.parametrize("file", ["compose.yaml", "compose.tls.yaml"])
def test_the_service_is_confined(file: str) -> None:
    services: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOY / file).read_text())["services"]
    ours = [service for service in services.values() if "build" in service]
    assert ours
    for service in ours:
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
    assert "\nUSER 10001:10001\n" in (DEPLOY / "Dockerfile").read_text()
