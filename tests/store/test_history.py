"""Histories against a plain list of all that was ever stored, on both drivers."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.fhir.outcome import OutcomeError
from service.store.document import Stored, to_history
from service.store.explained import Explained
from service.store.history import EVERY, Versions, Within
from service.store.resources import ResourceStore
from tests.store.conftest import START, OpenStore
from tests.store.plans import goal, plan

TYPES = ("CarePlan", "Goal")
MADE = {"CarePlan": plan, "Goal": goal}
MINUTE = timedelta(minutes=1)


@dataclass
class Log:
    """A store, and all versions that it was given."""

    opened: OpenStore
    versions: list[Stored] = field(default_factory=list)

    async def write(self, resource_type: str, resource_id: str, number: int = 0, *, delete: bool = False) -> Stored:
        """Store the next version of a resource, or its deletion."""
        store, resource = self.opened.store, MADE[resource_type](number)
        current = self.current(resource_type, resource_id)
        if current is None:
            written = await store.insert(resource_type, resource_id, resource, "POST")
        elif delete and not current.deleted:
            written = await store.bury(current)
        else:
            written = await store.replace(current, resource, "PUT")
        self.versions.append(written)
        return written

    async def stop_in_between(self, resource_type: str, resource_id: str) -> None:
        """Do the first half of an update."""
        if current := self.current(resource_type, resource_id):
            key, content = to_history(current)
            history = self.opened.database[f"{resource_type}_history"]
            await history.update_one({"_id": key}, {"$setOnInsert": content}, upsert=True)

    def current(self, resource_type: str, resource_id: str) -> Stored | None:
        return next(
            (each for each in reversed(self.versions) if (each.type, each.id) == (resource_type, resource_id)), None
        )

    def expected(self, types: tuple[str, ...], within: Within, resource_id: str | None = None) -> list[Stored]:
        """Return what a history is to tell."""
        found = [each for each in self.versions if each.type in types and resource_id in (None, each.id)]
        found = [each for each in found if self._is_within(each, within)]
        return sorted(found, key=lambda each: (each.last_updated, each.type, each.id), reverse=True)

    def _is_within(self, version: Stored, within: Within) -> bool:
        if within.since is not None and version.last_updated < within.since:
            return False
        if within.at is None:
            return True
        start, end = within.at
        ends = [each.last_updated for each in self.versions if self._succeeds(each, version)]
        return version.last_updated <= end and all(each > start for each in ends)

    @staticmethod
    def _succeeds(later: Stored, version: Stored) -> bool:
        return (later.type, later.id, later.version) == (version.type, version.id, version.version + 1)

    async def instance(self, within: Within, count: int) -> list[Versions]:
        """Return the pages of the history of CarePlan/a, having compared them with those on the way back."""
        return await both_ways(lambda place, first: self._of_one(within, count, place, first))

    async def _of_one(self, within: Within, count: int, place: Any, first: Versions | None) -> Versions:
        newest = {"newest": first.newest} if first and first.newest else {}
        page = await self.opened.store.versions("CarePlan", "a", count, place, within=within, **newest)
        assert page is not None
        return page

    async def of_types(self, types: tuple[str, ...], within: Within, count: int) -> list[Versions]:
        """Return the pages of the history of types, having compared them with those on the way back."""

        async def read(place: Any, first: Versions | None) -> Versions:
            at = first.moment if first else None
            return await self.opened.store.history(types, count, place, within=within, at=at)

        return await both_ways(read)


async def both_ways(read: Any) -> list[Versions]:
    pages = [await read(None, None)]
    while pages[-1].after:
        pages.append(await read(pages[-1].after, pages[0]))
    back = [pages[-1]]
    while back[-1].before:
        back.append(await read(back[-1].before, pages[0]))
    assert [page.versions for page in reversed(back)] == [page.versions for page in pages]
    return pages


def told(pages: list[Versions]) -> list[Stored]:
    return [version for page in pages for version in page.versions]


@pytest.fixture
def log(opened: OpenStore) -> Log:
    return Log(opened)


TIMES = st.integers(-2, 30).map(lambda number: START.replace(microsecond=0) + timedelta(milliseconds=number * 50))
"""Around the times at which the writes below are made."""
PERIODS = st.tuples(TIMES, TIMES).map(lambda ends: (min(ends), max(ends)))
WITHIN = st.builds(Within, st.none() | TIMES, st.none() | PERIODS)
STEP = st.tuples(
    st.sampled_from(TYPES),
    st.sampled_from("ab"),
    st.sampled_from(["write", "write", "delete", "stop in between"]),
    st.sampled_from([0, 0, 50, 100]),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(STEP, min_size=1, max_size=14),
    asked=st.lists(st.tuples(WITHIN, st.integers(1, 5)), min_size=1, max_size=4),
)
async def test_any_history_is_what_a_plain_list_says(opened: OpenStore, steps: Any, asked: Any) -> None:
    for name in TYPES:
        for collection in (name, f"{name}_history"):
            await opened.database[collection].delete_many({})
    log, opened.clock.now = Log(opened), START.replace(microsecond=0)
    for number, (name, resource_id, act, milliseconds) in enumerate([("CarePlan", "a", "write", 0), *steps]):
        opened.clock.move(milliseconds=milliseconds)
        if act == "stop in between":
            await log.stop_in_between(name, resource_id)
        else:
            await log.write(name, resource_id, number, delete=act == "delete")
    for within, count in asked:
        assert told(await log.of_types(TYPES, within, count)) == log.expected(TYPES, within)
        assert told(await log.of_types(("CarePlan",), within, count)) == log.expected(("CarePlan",), within)
        assert told(await log.instance(within, count)) == log.expected(("CarePlan",), within, "a")


async def test_versions_of_one_time_are_told_in_one_order_however_they_are_paged(log: Log) -> None:
    for resource_id in ("b", "a", "c"):
        for name in ("Goal", "CarePlan"):
            await log.write(name, resource_id)
    order = [(name, resource_id) for name in ("Goal", "CarePlan") for resource_id in "cba"]
    for count in range(1, 8):
        assert [(each.type, each.id) for each in told(await log.of_types(TYPES, EVERY, count))] == order


async def test_histories_of_ids_with_one_start_are_kept_apart(log: Log) -> None:
    for name in ("a", "a-", "a1", "b"):
        await log.write("CarePlan", name)
        await log.write("CarePlan", name, 1)
    assert [(each.id, each.version) for each in told(await log.instance(EVERY, 10))] == [("a", 2), ("a", 1)]


async def test_a_version_after_a_deletion_says_so_for_good(log: Log) -> None:
    for number in range(4):
        await log.write("CarePlan", "a", number, delete=number == 1)
        log.opened.clock.move(seconds=1)
    assert [each.created for each in told(await log.instance(EVERY, 10))] == [False, True, False, True]
    assert [each.created for each in told(await log.of_types(TYPES, EVERY, 1))] == [False, True, False, True]


async def test_pages_of_one_resource_stay_with_the_newest_version_of_the_first(log: Log) -> None:
    for number in range(5):
        await log.write("CarePlan", "a", number)
    store = log.opened.store
    first = await store.versions("CarePlan", "a", 2)
    assert first is not None
    await log.write("CarePlan", "a", 6)
    second = await store.versions("CarePlan", "a", 2, first.after, newest=5)
    assert second is not None
    assert (second.newest, [each.version for each in second.versions]) == (6, [3, 2])
    again = await store.versions("CarePlan", "a", 2, second.before, newest=5)
    assert again is not None
    assert (again.versions, again.before) == (first.versions, None)


async def test_who_saw_what_is_current_sees_the_rest_of_it_after_its_moment_is_gone(log: Log) -> None:
    """What was current when a time to come was asked for is told, though it was replaced before that time."""
    for resource_id in "abc":
        log.opened.clock.move(seconds=1)
        await log.write("CarePlan", resource_id)
    seen = int(log.opened.clock.now.timestamp()) * 1_000_000
    later = Within(at=(START + 60 * MINUTE, START + 61 * MINUTE))
    first = await log.opened.store.history(TYPES, 1, within=later)
    then = log.expected(TYPES, later)
    for resource_id in "abc":
        log.opened.clock.move(seconds=1)
        await log.write("CarePlan", resource_id, 1)
    rest = await log.opened.store.history(TYPES, 10, first.after, within=later.seen_at(seen))
    assert [*first.versions, *rest.versions] == then
    assert later.seen_at(None) == later
    assert Within(since=START).seen_at(seen) == Within(since=START)


async def explained(log: Log, within: Within = EVERY, count: int = 20, types: tuple[str, ...] = ()) -> list[Explained]:
    """Return what the database did for a page of the history of CarePlan/a, or of types."""
    store = log.opened.store.explaining()
    if types:
        await store.history(types, count, within=within)
    else:
        await store.versions("CarePlan", "a", count, within=within)
    return store.explained


async def fill(log: Log, resources: int, versions: int) -> None:
    """Store resources of several versions, the last of every tenth a deletion, without the service."""
    kept: list[dict[str, Any]] = []
    current: list[dict[str, Any]] = []
    for number in range(resources):
        written = [
            _document(number, version, START + (number + version * resources) * MINUTE)
            for version in range(1, versions + 1)
        ]
        kept += [
            {**each, "_id": {"id": each["_id"], "version": each.pop("version")}} for each in map(dict, written[:-1])
        ]
        last = written[-1]
        if number % 10 == 0:
            last = {**last, "deleted": True}
        else:
            last |= {"deleted": False, "search": {"_lastUpdated": {"lo": _micro(last["lastUpdated"])}}}
        current.append(last)
    await log.opened.database["CarePlan"].insert_many(current)
    await log.opened.database["CarePlan_history"].insert_many(kept)


def _document(number: int, version: int, moment: datetime) -> dict[str, Any]:
    return {"_id": f"p{number:04}", "version": version, "lastUpdated": moment, "method": "PUT", "body": b"{}"}


def _micro(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


async def test_the_history_of_a_resource_costs_the_same_however_many_others_there_are(log: Log) -> None:
    for number in range(20):
        await log.write("CarePlan", "a", number)
    (alone,) = await explained(log)
    await fill(log, 300, 5)
    (among_others,) = await explained(log)
    assert (alone.documents_examined, alone.returned) == (20, 20)
    assert (among_others.documents_examined, among_others.keys_examined) == (
        alone.documents_examined,
        alone.keys_examined,
    )
    assert not among_others.collection_scan
    (page,) = await explained(log, count=3)
    assert page.documents_examined == 5


async def test_a_page_of_the_history_of_types_reads_little_more_than_it_shows(log: Log) -> None:
    await fill(log, 300, 5)
    for within in (EVERY, Within(since=START + 400 * MINUTE)):
        told = await explained(log, within, 20, TYPES)
        assert sum(each.documents_examined or 0 for each in told) <= 63, told
    told = await explained(log, Within(at=(START + 700 * MINUTE, START + 800 * MINUTE)), 20, TYPES)
    assert not any(each.collection_scan for each in told), told
    living, buried, earlier = await explained(log, EVERY, 400, ("CarePlan",))
    assert living.indexes == ("search._lastUpdated.lo _id search._lastUpdated.hi having search._lastUpdated.lo",)
    assert buried.indexes == ("lastUpdated _id having deleted",)
    assert earlier.indexes == ("lastUpdated _id",)
    assert [each.documents_examined for each in (living, buried, earlier)] == [270, 30, 401]


async def test_a_history_that_takes_too_long_is_503(log: Log) -> None:
    await fill(log, 300, 5)
    store = ResourceStore(log.opened.driver, log.opened.store._types, log.opened.clock, 0.001)
    with pytest.raises(OutcomeError) as refused:
        await store.history(("CarePlan",), 1000, within=Within(at=(START + 800 * MINUTE, START + 800 * MINUTE)))
    assert (refused.value.status, refused.value.issues[0].rule) == (503, "search-too-costly")
