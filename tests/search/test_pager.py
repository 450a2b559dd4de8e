"""Following ``next`` finds each match exactly once, as it was at the first page, whatever is written meanwhile."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from service.settings import Settings
from tests.support.app import client_of
from tests.support.resources import entry, send, transaction

BASE = "https://pager.example.org"
HELD = 120
WRITERS = 4
DAYS = [f"2026-{month:02}-{day:02}" for month in range(1, 13) for day in (3, 17)]


def plan(name: str, chance: random.Random) -> dict[str, Any]:
    """Return a plan of which only some match, and whose every sort value differs from one version to the next."""
    made: dict[str, Any] = {
        "resourceType": "CarePlan",
        "id": name,
        "status": chance.choice(["active", "active", "active", "draft"]),
        "intent": chance.choice(["plan", "order", "proposal"]),
        "subject": {"reference": f"Patient/{chance.randrange(5)}"},
        "title": str(chance.random()),
    }
    if chance.random() < 0.8:
        made["period"] = {"start": chance.choice(DAYS)}
    if chance.random() < 0.7:
        codes = chance.sample(["hope", "identity", "meaning", "connectedness"], 2)
        made["category"] = [{"coding": [{"code": code}]} for code in codes]
    return made


class Writers:
    """Clients that insert, update and delete, and know what is stored whenever they rest."""

    def __init__(self, client: httpx.AsyncClient, seed: int) -> None:
        self._client = client
        self._chance = random.Random(seed)
        self._made = HELD
        self._turns = asyncio.Semaphore(WRITERS)
        self._done = asyncio.Condition()
        self.stored: dict[str, dict[str, Any]] = {}
        self._written = 0

    async def fill(self) -> None:
        plans = [plan(f"p{number}", self._chance) for number in range(HELD)]
        entries = [entry("PUT", f"CarePlan/{item['id']}", item) for item in plans]
        answer = await send(self._client, transaction(*entries))
        assert answer.status_code == 200, answer.text
        found = resources((await self._client.get(f"/CarePlan?_count={HELD}")).json())
        self.stored = {item["id"]: item for item in found}

    async def write(self, share: int) -> None:
        """Write without end; each writer has ids of its own."""
        while True:
            async with self._turns:
                await self._once(share)
            async with self._done:
                self._written += 1
                self._done.notify_all()

    @asynccontextmanager
    async def resting(self) -> AsyncIterator[None]:
        """Wait for what is being written, and let nobody begin."""
        for _ in range(WRITERS):
            await self._turns.acquire()
        yield
        for _ in range(WRITERS):
            self._turns.release()

    async def go_on(self, times: int) -> None:
        """Return when so many more writes are done."""
        enough = self._written + times
        async with self._done:
            await self._done.wait_for(lambda: self._written >= enough)

    async def _once(self, share: int) -> None:
        mine = [name for name in self.stored if int(name[1:]) % WRITERS == share]
        act = self._chance.random()
        if act < 0.4 or not mine:
            self._made += WRITERS
            await self._put(f"p{self._made + share}")
        elif act < 0.75:
            await self._put(self._chance.choice(mine))
        else:
            name = self._chance.choice(mine)
            assert (await self._client.delete(f"/CarePlan/{name}")).status_code in (200, 204)
            del self.stored[name]

    async def _put(self, name: str) -> None:
        answer = await self._client.put(f"/CarePlan/{name}", json=plan(name, self._chance))
        assert answer.status_code in (200, 201), answer.text
        self.stored[name] = answer.json()


@pytest.fixture
async def client(mongodb_uri: str, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(settings.model_copy(update={"base_url": BASE})) as found:
        yield found


def next_of(bundle: dict[str, Any]) -> str | None:
    found = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
    return found[0].removeprefix(f"{BASE}/fhir/R4") if found else None


def is_active(resource: dict[str, Any]) -> bool:
    return bool(resource["status"] == "active")


def is_of_somebody(resource: dict[str, Any]) -> bool:
    return bool(resource["subject"]["reference"] == "Patient/1")


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("CarePlan?status=active", is_active),
        ("CarePlan?status=active&_sort=_id", is_active),
        ("CarePlan?status=active&_sort=-_id", is_active),
        ("CarePlan?status=active&_sort=date", is_active),
        ("CarePlan?status=active&_sort=-date,intent", is_active),
        ("CarePlan?status=active&_sort=intent,-date,_id", is_active),
        ("CarePlan?status=active&_sort=category", is_active),
        ("CarePlan?status=active&_sort=-category", is_active),
        ("CarePlan?status=active&_sort=-_lastUpdated", is_active),
        ("Patient/1/CarePlan?_sort=-date", is_of_somebody),
        ("?_type=CarePlan,Goal&patient=Patient/1", is_of_somebody),
    ],
)
async def test_a_pager_visits_each_match_once_while_others_write(
    client: httpx.AsyncClient, query: str, fits: Callable[[dict[str, Any]], bool]
) -> None:
    writers = Writers(client, seed=sum(map(ord, query)))
    await writers.fill()
    tasks = [asyncio.create_task(writers.write(share)) for share in range(WRITERS)]
    try:
        for count in (5, 40):
            await check_a_walk(client, writers, f"/{query}", count, fits)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ended), ended


async def check_a_walk(
    client: httpx.AsyncClient, writers: Writers, address: str, count: int, fits: Callable[[dict[str, Any]], bool]
) -> None:
    """Hold what a walk finds against what was stored, in which version and order, when its first page was asked for."""
    async with writers.resting():
        page = (await client.get(f"{address}&_count={count}")).json()
        at_once = resources((await client.get(f"{address}&_count=1000")).json())
        matching = {name: item for name, item in writers.stored.items() if fits(item)}
    assert {item["id"]: item for item in at_once} == matching
    visited = resources(page)
    while (following := next_of(page)) is not None:
        await writers.go_on(10)
        answer = await client.get(following)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        visited += resources(page)
    assert visited == at_once
    assert len(visited) <= count or {name: item for name, item in writers.stored.items() if fits(item)} != matching


def resources(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in bundle["entry"]]
