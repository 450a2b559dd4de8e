"""Following ``next`` finds each version of the first page's moment exactly once, whatever is written meanwhile."""

import asyncio
import random
from typing import Any

import httpx

from tests.support.resources import care_plan, created, goal

WRITERS = 4
HELD = 30
MADE = {"CarePlan": care_plan, "Goal": goal}

Version = tuple[str, int]
"""The address of a resource, and the number of one of its versions."""


class Writers:
    """Clients that insert, update and delete, each among resources of its own."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._chance = random.Random(5)
        self._turns = asyncio.Semaphore(WRITERS)
        self._written = asyncio.Semaphore(0)
        self.newest: dict[str, int] = {}
        """By the address of each resource the number of its current version, as writes were answered."""

    async def fill(self) -> None:
        for _ in range(HELD):
            await self._create()
        for number in range(2 * HELD):
            await self._change(number % WRITERS)

    async def write(self, share: int) -> None:
        """Write without end."""
        while True:
            async with self._turns:
                await (self._create() if self._chance.random() < 0.2 else self._change(share))
            self._written.release()

    async def rest(self) -> None:
        """Wait for what is being written, and let nobody begin."""
        for _ in range(WRITERS):
            await self._turns.acquire()

    async def go_on(self, times: int) -> None:
        """Return when so many more writes are done."""
        for _ in range(times):
            await self._written.acquire()

    def rested(self) -> None:
        for _ in range(WRITERS):
            self._turns.release()

    async def _create(self) -> None:
        name = self._chance.choice(list(MADE))
        made = await created(self._client, MADE[name]())
        self.newest[f"{name}/{made['id']}"] = 1

    async def _change(self, share: int) -> None:
        mine = [address for position, address in enumerate(self.newest) if position % WRITERS == share]
        address = self._chance.choice(mine)
        name, _, resource_id = address.partition("/")
        if self._chance.random() < 0.3:
            answer = await self._client.delete(f"/{address}")
        else:
            changed = MADE[name](id=resource_id, language=f"en-x-{self._chance.getrandbits(32):08x}")
            answer = await self._client.put(f"/{address}", json=changed)
        assert answer.status_code in (200, 201, 204), answer.text
        self.newest[address] = number_of(answer.headers["etag"])


def number_of(etag: str) -> int:
    return int(etag.removeprefix('W/"').removesuffix('"'))


def versions(bundle: dict[str, Any]) -> list[Version]:
    found = [("/".join(item["fullUrl"].rsplit("/", 2)[1:]), item["response"]["etag"]) for item in bundle["entry"]]
    return [(address, number_of(etag)) for address, etag in found]


def every(newest: dict[str, int]) -> set[Version]:
    return {(address, number) for address, last in newest.items() for number in range(1, last + 1)}


def of_plans(newest: dict[str, int]) -> set[Version]:
    return every({address: last for address, last in newest.items() if address.startswith("CarePlan/")})


def current(newest: dict[str, int]) -> set[Version]:
    return set(newest.items())


WALKS = (("/CarePlan/_history", 5, of_plans), ("/_history", 12, every), ("/_history?_at=2126", 7, current))


async def test_a_walker_visits_each_version_once_while_others_write(client: httpx.AsyncClient) -> None:
    writers = Writers(client)
    await writers.fill()
    tasks = [asyncio.create_task(writers.write(share)) for share in range(WRITERS)]
    try:
        for address, count, told in WALKS:
            await check_a_walk(client, writers, address, count, told)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ended), ended


async def check_a_walk(client: httpx.AsyncClient, writers: Writers, address: str, count: int, told: Any) -> None:
    """Hold what a walk finds against what had been stored when its first page was asked for, and its way back."""
    await writers.rest()
    first = (await client.get(address, params={"_count": str(count), **httpx.URL(address).params})).json()
    expected = told(writers.newest)
    writers.rested()
    pages = [first]
    while following := link(pages[-1], "next"):
        await writers.go_on(4)
        answer = await client.get(following)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
    visited = [version for page in pages for version in versions(page)]
    assert len(visited) == len(set(visited))
    assert set(visited) == expected
    times = [item["response"]["lastModified"] for page in pages for item in page["entry"]]
    assert times == sorted(times, reverse=True)
    assert told(writers.newest) != expected
    before = await client.get(link(pages[-1], "prev") or "")
    assert versions(before.json()) == versions(pages[-2])


def link(bundle: dict[str, Any], relation: str) -> str | None:
    return next((each["url"] for each in bundle["link"] if each["relation"] == relation), None)
