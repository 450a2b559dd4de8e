"""What is counted is the state of things at the end of the period, whatever was written after it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from service.app import create_app
from service.reporting.measures.evaluation import evaluate
from service.reporting.measures.results import Results
from service.settings import Settings
from service.store.state import StateOf
from tests.measures.support import MONTH, audit, flat, states
from tests.measures.traits import Drawn
from tests.measures.written import Json, Writer

OCTOBER, NOVEMBER = datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)


class Clock:
    """A clock that goes on by a millisecond whenever somebody looks."""

    now = OCTOBER

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[tuple[httpx.AsyncClient, Clock, Any]]:
    clock = Clock()
    chosen = settings.model_copy(update={"profiles": "off", "references": "never", "narrative": "off"})
    app: ASGIApp = create_app(chosen, clock=clock)
    async with (
        app.router.lifespan_context(app),  # type: ignore[attr-defined]
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver/fhir/R4") as client,
    ):
        yield client, clock, app.endpoint.context.store  # type: ignore[attr-defined]


async def put(client: httpx.AsyncClient, resources: list[Json]) -> None:
    entries = [
        {"resource": item, "request": {"method": "PUT", "url": f"{item['resourceType']}/{item['id']}"}}
        for item in resources
    ]
    headers = {"Content-Type": "application/fhir+json"}
    answer = await client.post("/", json={"resourceType": "Bundle", "type": "batch", "entry": entries}, headers=headers)
    refused = [item["response"] for item in answer.json()["entry"] if item["response"]["status"][:2] != "20"]
    assert refused == []


async def counted(store: Any) -> Results:
    return await evaluate(audit(), MONTH, lambda name: store.state(StateOf(name, MONTH.moment)))


async def test_what_is_written_after_the_period_changes_nothing(world: tuple[httpx.AsyncClient, Clock, Any]) -> None:
    client, clock, store = world
    resources = list(Writer(3).resources(Drawn(3, people=12)))
    expected = flat(await evaluate(audit(), MONTH, states(resources)))
    await put(client, resources)
    assert flat(await counted(store)) == expected
    clock.now = NOVEMBER
    changed: list[Json] = [
        item | ({"lifecycleStatus": "cancelled"} if item["resourceType"] == "Goal" else {"status": "entered-in-error"})
        for item in resources[::2]
    ]
    await put(client, changed)
    for item in resources[1::4]:
        deleted = await client.delete(f"/{item['resourceType']}/{item['id']}")
        assert deleted.status_code == 204
    await put(client, list(Writer(4).resources(Drawn(4, people=5))))
    assert flat(await counted(store)) == expected


async def test_whoever_reads_a_plan_meanwhile_has_a_turn_every_few_milliseconds() -> None:
    resources = list(Writer(6).resources(Drawn(6, people=60)))
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    await evaluate(audit(), MONTH, states(resources))
    task.cancel()
    assert turns > 5
