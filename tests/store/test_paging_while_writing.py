"""Pages while others write: each match of the first page's moment comes once, whatever happens after it."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from service.search.source import SortKey, Source
from service.store.faults import MovedOnError
from service.store.pages import Page
from service.store.place import Place
from service.store.reading import Moment, Reading
from tests.store.conftest import SECONDS, OpenStore
from tests.store.plans import ACTIVE, CHANGED, DATE, ID, STATUS, WITH_GOAL, down, expected_order, goal, plan, source

PLANS = 90
ORDERS: dict[str, tuple[SortKey, ...]] = {
    "id": (),
    "value": (STATUS,),
    "date that some lack": (DATE,),
    "change, latest first": (down(CHANGED),),
    "date and value": (down(DATE), STATUS),
}


@dataclass
class Busy:
    """A store that four writers change all the time."""

    opened: OpenStore
    written: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    over: bool = False

    async def search(self, sources: Sequence[Source], place: Place | None, at: Moment | None) -> Page:
        """Return a page of seven, with four writes done for each."""
        async with asyncio.timeout(30):
            for _ in range(4):
                await self.written.acquire()
        return await self.opened.store.search(sources, 7, place, at=at)

    async def pages(self, sources: Sequence[Source]) -> list[Page]:
        """Return all pages as of the first."""
        pages = [await self.search(sources, None, None)]
        while pages[-1].after:
            pages.append(await self.search(sources, pages[-1].after, pages[0].moment))
        return pages

    async def write(self, writer: int) -> None:
        """Insert, change and delete plans and goals until it is over."""
        chance = random.Random(writer)
        for number in itertools.takewhile(lambda _: not self.over, itertools.count()):
            self.opened.clock.move(milliseconds=7)
            with contextlib.suppress(MovedOnError):  # another writer was faster
                await self._write_once(f"{writer}-{number}", chance)
                self.written.release()

    async def _write_once(self, name: str, chance: random.Random) -> None:
        store, resource = self.opened.store, plan(chance.randrange(PLANS))
        current = await store.read("CarePlan", f"{chance.randrange(PLANS):03}")
        assert current is not None
        if chance.random() < 0.3:
            await store.insert("CarePlan", f"{chance.randrange(PLANS):03}-{name}", resource, "POST")
            await store.insert("Goal", f"{chance.randrange(PLANS):02}-{name}", goal(1), "POST")
        elif chance.random() < 0.4 and not current.deleted:
            await store.bury(current)
        else:
            await store.replace(current, resource, "PUT")


@pytest.fixture
async def busy(opened: OpenStore) -> AsyncIterator[Busy]:
    for number in range(PLANS):
        await opened.store.insert("CarePlan", f"{number:03}", plan(number), "POST")
        if number % 3 == 0:
            opened.clock.move(seconds=1)
            await opened.store.insert("Goal", f"{number:02}", goal(number), "POST")
    busy = Busy(opened)
    writers = [asyncio.create_task(busy.write(writer)) for writer in range(4)]
    yield busy
    busy.over = True
    await asyncio.gather(*writers)


async def state(busy: Busy, collection: str, at: Moment | None) -> list[dict[str, Any]]:
    """Return what was stored at a moment and not deleted."""
    reading = Reading(busy.opened.driver, None, at, SECONDS)
    shown = {"search": 1, "words": 1, "deleted": 1}
    found = await reading.find(collection, {}, sort={"_id": 1}, limit=10_000, projection=shown)
    return [each for each in found if not each["deleted"]]


def names(pages: list[Page]) -> list[tuple[str, str]]:
    return [(item.id, item.type) for page in pages for item in page.matches]


@pytest.mark.parametrize("name", ORDERS)
async def test_every_match_of_the_first_moment_comes_once(busy: Busy, name: str) -> None:
    sources = [source("CarePlan", *ORDERS[name])]
    pages = await busy.pages(sources)
    moment = pages[0].moment
    then = await state(busy, "CarePlan", moment)
    expected = expected_order((*ORDERS[name], ID), then)
    assert [item.id for page in pages for item in page.matches] == expected
    assert await busy.opened.store.count(sources, at=moment) == len(expected)
    assert await state(busy, "CarePlan", None) != then
    page = pages[-1]
    for same in reversed(pages[:-1]):
        page = await busy.search(sources, page.before, moment)
        assert page.matches == same.matches
    assert page.before is None


@pytest.mark.parametrize("keys", [(), (CHANGED,)])
async def test_several_sources_show_one_moment(busy: Busy, keys: Sequence[SortKey]) -> None:
    sources = [source("Goal", *keys), source("CarePlan", *keys, predicate=ACTIVE)]
    pages = await busy.pages(sources)
    goals, plans = [await state(busy, name, pages[0].moment) for name in ("Goal", "CarePlan")]
    every = [each | {"_id": (each["_id"], 0, "Goal")} for each in goals]
    every += [each | {"_id": (each["_id"], 1, "CarePlan")} for each in plans if each["search"]["status"] == "active"]
    assert names(pages) == [(name, of_type) for name, _, of_type in expected_order((*keys, ID), every)]


async def test_chains_are_followed_at_the_moment_of_the_first_page(busy: Busy) -> None:
    pages = await busy.pages([source("CarePlan", DATE, predicate=WITH_GOAL)])
    goals = {f"goal=Goal/{each['_id']}" for each in await state(busy, "Goal", pages[0].moment)}
    plans = await state(busy, "CarePlan", pages[0].moment)
    linked = [each for each in plans if goals.intersection(each["words"])]
    assert [name for name, _ in names(pages)] == expected_order((DATE, ID), linked)
    assert linked


async def test_pages_without_a_moment_never_repeat_an_id(busy: Busy) -> None:
    sources = [source("CarePlan")]
    page = await busy.search(sources, None, None)
    found = [item.id for item in page.matches]
    while page.after and len(found) < 300:  # plans may come as fast as they are read
        page = await busy.search(sources, page.after, None)
        found += [item.id for item in page.matches]
    assert found == sorted(set(found))
