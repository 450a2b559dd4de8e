"""A worker that is killed in the middle of an import: another goes on, and nothing is done twice or not at all."""

import asyncio
import os
import re
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from pymongo import AsyncMongoClient

from service.background.jobs import JobRunner
from service.background.running import running
from service.settings import Settings
from service.store.jobs import LEASE
from service.store.open import JOBS
from tests.support.access import Whole, service_for
from tests.support.resources import goal

LINES = 400
WORKER = """
import asyncio
from service.app import from_environment

async def live():
    app = from_environment()
    async with app.router.lifespan_context(app):
        await asyncio.Event().wait()

asyncio.run(live())
"""


@asynccontextmanager
async def worker(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """Give another process of the service, which nobody asks for anything; it is killed at the end."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("RECOVERY_")},
        "RECOVERY_MONGODB_URI": str(settings.mongodb_uri),
        "RECOVERY_MONGODB_DATABASE": settings.mongodb_database,
        "RECOVERY_AUDIT_KEY": str(settings.audit_key),
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, env=environment)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()


async def await_lines(client: httpx.AsyncClient, address: str, wanted: int) -> None:
    """Return when so many lines of an import are stored."""
    async with asyncio.timeout(60):
        while True:
            told = re.match(r"\d+", (await client.get(address)).headers.get("x-progress", ""))
            if told and int(told[0]) >= wanted:
                return
            await asyncio.sleep(0.005)


async def test_an_import_outlives_its_worker(mongodb_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(mongodb_uri=mongodb_uri, mongodb_database=f"test_{uuid.uuid4().hex[:12]}")
    body = b"\n".join(orjson.dumps(goal(id=f"g{number}")) for number in range(LINES))
    with monkeypatch.context() as patch:
        patch.setattr("service.background.jobs.AT_ONCE", 0)  # this process leaves jobs to others
        patch.setattr("service.interactions.bulk_import.lines.MOST_LINES", 10)
        async with service_for(settings, Whole()) as (client, context):
            headers = {"Content-Type": "application/fhir+ndjson"}
            address = (await client.post("$import", content=body, headers=headers)).headers["content-location"]
            async with worker(settings):
                await await_lines(client, address, LINES // 8)
            assert (await client.get(address)).status_code == 202
            patch.undo()
            async with (
                AsyncMongoClient(mongodb_uri) as server,
                running(JobRunner(context.jobs, lambda _: context).run()),
            ):
                lapsed = {"$set": {"renewed": datetime.now(UTC) - timedelta(seconds=LEASE + 1)}}
                await server[settings.mongodb_database][JOBS].update_many({}, lapsed)
                await check(client, address)
                await server.drop_database(settings.mongodb_database)


async def check(client: httpx.AsyncClient, address: str) -> None:
    async with asyncio.timeout(60):
        while True:
            answer = await client.get(address)
            if answer.status_code != 202:
                break
            await asyncio.sleep(0.02)
    assert answer.json()["output"] == [{"type": "Goal", "count": LINES}]
    assert answer.json()["error"] == []
    names = {f"Goal/g{number}/_history/1" for number in range(LINES)}
    found = (await client.get("Goal/_history?_count=1000")).json()["entry"]
    assert sorted(locations(found)) == sorted(names)
    events = (await client.get("AuditEvent?action=E&_count=1000")).json()["entry"]
    assert names <= {name for each in events for name in originated(each["resource"])}


def locations(entries: list[dict[str, Any]]) -> list[str]:
    resources = [each["resource"] for each in entries]
    return [f"Goal/{each['id']}/_history/{each['meta']['versionId']}" for each in resources]


def originated(event: dict[str, Any]) -> set[str]:
    """Return the versions that an AuditEvent says were stored as the first ones."""
    entities = [each for each in event["entity"] if each.get("lifecycle", {}).get("code") == "1"]
    return {each["what"]["reference"] for each in entities}
