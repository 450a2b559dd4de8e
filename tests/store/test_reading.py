"""Reads at one moment: what is written meanwhile is not seen, and what is too long ago is refused."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from bson.timestamp import Timestamp
from pymongo import IndexModel

from service.fhir.outcome import OutcomeError
from service.search.predicate import All
from service.search.source import SortKey, Source
from service.store.explained import Explained, explain
from service.store.reading import Moment, PastMomentError, Reading
from tests.store.conftest import SECONDS, OpenStore

GOAL = {"resourceType": "Goal", "lifecycleStatus": "active", "subject": {"reference": "Patient/1"}}
GOALS = [Source("Goal", All(), (SortKey("_id"),))]
BOTH = [*GOALS, Source("CarePlan", All(), (SortKey("_id"),))]
HISTORY = "minSnapshotHistoryWindowInSeconds"
LOOKUP = {"from": "RiskAssessment", "localField": "plan", "foreignField": "_id", "as": "found"}


def reading(opened: OpenStore, at: Moment | None = None, explained: list[Explained] | None = None) -> Reading:
    return Reading(opened.driver, None, at, SECONDS, explained)


async def ids(reading: Reading, collection: str = "Goal") -> list[str]:
    found = await reading.find(collection, {}, sort={"_id": 1}, limit=10, projection={"_id": 1})
    return [each["_id"] for each in found]


async def insert(opened: OpenStore, *names: str) -> None:
    for name in names:
        await opened.store.insert("Goal", name, GOAL, "POST")


@pytest.fixture
async def short_history(opened: OpenStore) -> AsyncIterator[None]:
    """A server that forgets at once what was replaced."""
    admin = opened.database.client.admin
    before = (await admin.command({"getParameter": 1, HISTORY: 1}))[HISTORY]
    await admin.command({"setParameter": 1, HISTORY: 0})
    yield
    await admin.command({"setParameter": 1, HISTORY: before})


async def test_all_reads_see_the_moment_of_the_first(opened: OpenStore) -> None:
    await insert(opened, "a")
    first = reading(opened)
    assert first.moment is None
    assert await ids(first) == ["a"]
    moment = first.moment
    assert moment is not None
    assert moment.seconds == moment.timestamp.time
    await insert(opened, "b")
    joined = [{"$match": {}}, {"$unionWith": {"coll": "CarePlan"}}, {"$lookup": LOOKUP}, {"$project": {"_id": 1}}]
    assert await first.aggregate("Goal", joined, 10) == [{"_id": "a"}]
    assert (await ids(first), first.moment) == (["a"], moment)
    assert await ids(reading(opened, moment)) == ["a"]
    assert await ids(reading(opened)) == ["a", "b"]


async def test_what_was_just_written_is_seen(opened: OpenStore) -> None:
    for number in range(10):
        await insert(opened, f"{number}")
        assert len(await ids(reading(opened))) == number + 1


async def test_an_aggregation_gives_as_many_as_are_asked_for(opened: OpenStore) -> None:
    await insert(opened, "a", "b", "c")
    for limit in (1, 3, 4):
        found = await reading(opened).aggregate("Goal", [{"$sort": {"_id": 1}}, {"$project": {"_id": 1}}], limit)
        assert [each["_id"] for each in found] == ["a", "b", "c"][:limit]


async def test_a_collection_that_does_not_exist_is_empty_and_tells_no_moment(opened: OpenStore) -> None:
    await insert(opened, "a")
    read = reading(opened)
    assert await ids(read, "Nothing") == []
    assert await read.aggregate("Nothing", [{"$match": {}}], 1) == []
    assert await ids(read) == ["a"]
    assert read.moment is not None


async def test_reads_side_by_side_see_one_moment(opened: OpenStore) -> None:
    await insert(opened, "a")
    read = reading(opened)

    async def one(position: int) -> list[str]:
        found = await ids(read, "Nothing" if position == 0 else "Goal")
        await insert(opened, f"b{position}")
        return found

    reads = [lambda position=position: one(position) for position in range(5)]
    assert await read.each(reads) == [[], ["a", "b0"], ["a", "b0"], ["a", "b0"], ["a", "b0"]]


async def test_reads_in_a_transaction_see_what_it_sees(opened: OpenStore) -> None:
    async with opened.driver.session() as session:
        await opened.driver.start_transaction(session)
        await opened.database["Goal"].insert_one({"_id": "a"}, session=session)
        read = Reading(opened.driver, session, None, SECONDS)
        assert await read.each([lambda: ids(read), lambda: ids(read)]) == [["a"], ["a"]]
        assert await read.aggregate("Goal", [{"$lookup": LOOKUP}], 5) == [{"_id": "a", "found": []}]
        assert read.moment is None
        await session.abort_transaction()
    assert await ids(reading(opened)) == []


@pytest.mark.parametrize("timestamp", [Timestamp(1, 1), Timestamp(1_500_000_000, 1), Timestamp(2**32 - 1, 1)])
async def test_a_moment_before_all_that_is_kept_or_in_the_future_is_out_of_reach(
    opened: OpenStore, timestamp: Timestamp
) -> None:
    await insert(opened, "a")
    moment = Moment(timestamp)
    with pytest.raises(PastMomentError):
        await ids(reading(opened, moment))
    with pytest.raises(PastMomentError):
        await opened.store.search(GOALS, 10, at=moment)
    with pytest.raises(PastMomentError):
        await opened.store.count(BOTH, at=moment)


@pytest.mark.usefixtures("short_history")
async def test_a_moment_that_the_server_keeps_no_longer_is_out_of_reach(opened: OpenStore) -> None:
    await insert(opened, "a", "b")
    page = await opened.store.search(GOALS, 1)
    await insert(opened, "c")
    with pytest.raises(PastMomentError):
        await opened.store.search(GOALS, 1, page.after, at=page.moment)
    assert [item.id for item in (await opened.store.search(GOALS, 5, page.after)).matches] == ["b", "c"]


@pytest.mark.usefixtures("short_history")
async def test_a_search_whose_own_moment_is_lost_reads_again(opened: OpenStore) -> None:
    await insert(opened, "a", "b")
    over = asyncio.Event()

    async def write() -> None:
        number = 0
        while not over.is_set():
            number += 1
            await opened.database["Goal"].update_one({"_id": "a"}, {"$set": {"number": number}})

    writer = asyncio.create_task(write())
    for _ in range(20):
        page = await opened.store.search(BOTH, 10)
        assert [item.id for item in page.matches] == ["a", "b"]
    over.set()
    await writer


async def test_searches_while_indexes_are_made_do_not_fail(opened: OpenStore) -> None:
    await insert(opened, "a")
    for number in range(10):
        name = ("Goal", "CarePlan")[number % 2]
        model = IndexModel([("number", 1)], name=f"of the test {number}")
        _, *pages = await asyncio.gather(
            opened.database[name].create_indexes([model]), *(opened.store.search(BOTH, 10) for _ in range(4))
        )
        pages.append(await opened.store.search(BOTH, 10))
        assert [[item.id for item in page.matches] for page in pages] == [["a"]] * 5
        assert await opened.store.count(BOTH) == 1
        await opened.database[name].drop_index(model.document["name"])
        assert await opened.store.count(BOTH) == 1


async def test_a_search_whose_moment_is_always_lost_is_503(opened: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lost(*_: Any, **__: Any) -> Any:
        raise PastMomentError

    monkeypatch.setattr(Reading, "find", lost)
    monkeypatch.setattr(opened.store, "_search_seconds", 0.1)
    with pytest.raises(OutcomeError) as refused:
        await opened.store.search(GOALS, 10)
    assert (refused.value.status, refused.value.issues[0].rule) == (503, "database-unavailable")


async def test_explanations_tell_of_lookups_and_unions(opened: OpenStore) -> None:
    await insert(opened, *(f"{number}" for number in range(8)))
    explained: list[Explained] = []
    lookup = {"$lookup": LOOKUP | {"localField": "_id"}}
    scan = {"$lookup": LOOKUP | {"from": "Goal", "localField": "_id", "foreignField": "version"}}
    sort = {"$sort": {"_id": 1}}
    for stages in ([sort, lookup], [sort, scan], [sort, {"$unionWith": {"coll": "Goal", "pipeline": [sort]}}]):
        await reading(opened, explained=explained).aggregate("Goal", stages, 20)
    looked_up, scanned, united = explained
    assert (looked_up.indexes, looked_up.collection_scan) == (("_id_",), False)
    assert (looked_up.documents_examined, looked_up.returned) == (8, 8)
    assert scanned.collection_scan
    assert (united.documents_examined, united.returned) == (16, 16)
    assert '{"pipeline": [{"$sort": {"_id": 1}}, {"$lookup"' in looked_up.query


async def test_what_an_explanation_has_no_time_to_count_is_not_told(opened: OpenStore) -> None:
    await opened.database["Goal"].insert_many([{"_id": f"{number}", "words": ["a" * 100]} for number in range(500)])
    every = {"$map": {"input": {"$range": [0, 3000]}, "in": {"$lt": ["$$this", 0]}}}
    command = {"find": "Goal", "filter": {"$expr": {"$anyElementTrue": every}}, "sort": {"_id": 1}}
    told = await explain(opened.driver, command, "Goal", 1)
    assert (told.indexes, told.collection_scan) == (("_id_",), False)
    assert (told.keys_examined, told.documents_examined, told.returned, told.milliseconds) == (None,) * 4
