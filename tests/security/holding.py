"""Services that hold the world of these tests, or of it only what one client may see."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import orjson
from pymongo import AsyncMongoClient

from service.app import create_app
from service.settings import Settings
from tests.security.judge import Versions
from tests.security.world import DELETED, LISTED_BASE, LOWERED, everything

_FIRST = datetime(2025, 3, 1, 9, tzinfo=UTC)
TYPES = ("CarePlan", "Goal", "RiskAssessment", "Provenance")

Seen = set[tuple[str, str, int]]
Contents = dict[str, list[dict[str, Any]]]


@asynccontextmanager
async def service(settings: Settings, **parts: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the service in this process that ``settings`` describe."""
    app = create_app(settings, **parts)
    transport = httpx.ASGITransport(app)
    headers = {"Content-Type": "application/fhir+json"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://testserver/fhir/R4", headers=headers) as client,
    ):
        yield client


async def load(uri: str, database: str) -> Versions:
    """Put everything there is into a database, and return the versions of each resource as they are served."""
    wanted: list[str] = []
    moments = (_FIRST + timedelta(minutes=number) for number in count())
    settings = Settings(
        mongodb_uri=uri,
        mongodb_database=database,
        base_url="http://testserver",
        patient_bases=LISTED_BASE,
        narrative="off",
    )
    async with service(settings, clock=lambda: next(moments), new_id=lambda: wanted.pop()) as client:
        found: dict[tuple[str, str], list[Any]] = {}
        for versions in everything():
            first = versions[0]
            key = first["resourceType"], first["id"]
            for version in versions:
                wanted[:] = [first["id"]]
                await _write(client, *key, version, versions)
            history = (await client.get(f"/{key[0]}/{key[1]}/_history?_count=99")).json()
            found[key] = [item.get("resource") for item in reversed(history["entry"])]
            assert len(found[key]) == len(versions), key
    return found


async def _write(
    client: httpx.AsyncClient, name: str, resource_id: str, version: dict[str, Any], versions: list[dict[str, Any]]
) -> None:
    path = f"/{name}/{resource_id}"
    if version is DELETED:
        response = await client.delete(path)
    elif version is LOWERED:
        labels = {"security": versions[0]["meta"]["security"]}
        body = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": labels}]}
        response = await client.post(f"{path}/$meta-delete", json=body)
    elif name == "Provenance":
        response = await client.post(f"/{name}", content=orjson.dumps(version))
    else:
        response = await client.put(path, content=orjson.dumps(version))
    assert response.is_success, response.text


async def contents(uri: str, database: str) -> Contents:
    """Return all resources and versions that a database holds."""
    async with AsyncMongoClient(uri) as mongo:
        names = [f"{name}{end}" for name in TYPES for end in ("", "_history")]
        return {name: await mongo[database][name].find().sort("_id", 1).to_list() for name in names}


async def fill(uri: str, database: str, world: Contents, seen: Seen | None = None) -> None:
    """Make a database hold ``world``, or of it only the versions that are ``seen``, and nothing else."""
    async with AsyncMongoClient(uri, w="majority") as mongo:
        for name, documents in world.items():
            resource_type = name.removesuffix("_history")
            kept = [each for each in documents if seen is None or (resource_type, *_version(each)) in seen]
            await mongo[database][name].delete_many({})
            if kept:
                await mongo[database][name].insert_many(kept)


def _version(document: dict[str, Any]) -> tuple[str, int]:
    key = document["_id"]
    return (key["id"], key["version"]) if isinstance(key, dict) else (key, document["version"])
