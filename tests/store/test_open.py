"""Opening a store that an earlier or a later version of the service has used, or another process uses now."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pymongo import ASCENDING, IndexModel

from service.settings import Settings
from service.store import open as opening
from service.store.document import IndexedType
from service.store.driver import Driver
from service.store.indexes import Index
from service.store.open import FORMAT, NewerFormatError, check_format, prepare

STATUS = Index(("search.status", "_id"), ("search.status",))
PATIENT = Index(("search.patient", "_id"), ("search.patient",))


@pytest.fixture
async def driver(mongodb_uri: str, settings: Settings) -> AsyncIterator[Driver]:
    driver = Driver("pymongo", mongodb_uri, settings.mongodb_database)
    yield driver
    await driver.database.client.drop_database(settings.mongodb_database)
    await driver.close()


def goals(*indexes: Index) -> dict[str, IndexedType]:
    return {"Goal": IndexedType(lambda _: {}, "none", {}, indexes)}


async def indexes_of_goals(driver: Driver) -> dict[str, Any]:
    found = await driver.collection("Goal").index_information()
    return {name: index for name, index in found.items() if name != "_id_"}


async def test_what_is_missing_is_made_and_what_is_there_stays(driver: Driver) -> None:
    await prepare(driver, goals(STATUS))
    before = await indexes_of_goals(driver)
    await driver.collection("Goal_history").drop_indexes()  # as a store of an older service has none
    await prepare(driver, goals(STATUS, PATIENT))
    after = await indexes_of_goals(driver)
    assert list(before) == ["search.status _id having search.status"]
    assert list(after) == [*before, "search.patient _id having search.patient"]
    assert after["search.patient _id having search.patient"] == {
        "v": 2,
        "key": [("search.patient", 1), ("_id", 1)],
        "partialFilterExpression": {"search.patient": {"$exists": True}},
    }
    assert list(await driver.collection("Goal_history").index_information()) == ["_id_", "lastUpdated _id"]


async def test_an_index_in_an_older_form_stays_beside_the_new_one(driver: Driver) -> None:
    """An older service that runs on may need it; the operator drops it."""
    old = IndexModel([("search.status", ASCENDING), ("_id", ASCENDING)])
    await driver.collection("Goal").create_indexes([old])
    await prepare(driver, goals(STATUS))
    assert list(await indexes_of_goals(driver)) == ["search.status_1__id_1", "search.status _id having search.status"]


async def test_an_index_of_the_same_form_under_another_name_will_do(driver: Driver) -> None:
    same = IndexModel(
        [("search.status", ASCENDING), ("_id", ASCENDING)],
        name="by_hand",
        partialFilterExpression={"search.status": {"$exists": True}},
    )
    turned = IndexModel(
        [("_id", ASCENDING), ("search.patient", ASCENDING)],
        partialFilterExpression={"search.patient": {"$exists": True}},
    )
    await driver.collection("Goal").create_indexes([same, turned])
    await prepare(driver, goals(STATUS, PATIENT))
    assert set(await indexes_of_goals(driver)) == {
        "by_hand",
        "_id_1_search.patient_1",
        "search.patient _id having search.patient",
    }


async def test_several_workers_may_open_an_empty_store_at_once(
    driver: Driver, indexed_types: dict[str, IndexedType]
) -> None:
    await asyncio.gather(*(prepare(driver, indexed_types) for _ in range(4)))
    for name, indexed in indexed_types.items():
        assert len(await driver.collection(name).index_information()) == 1 + len(indexed.indexes)


async def test_the_making_of_indexes_is_told_of_and_stops_no_write(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = driver.collection("Goal")
    await collection.insert_many([{"search": {"status": "active", "patient": f"Patient/{n}"}} for n in range(10_000)])
    monkeypatch.setattr(opening, "_PATIENCE", 0.001)
    told: list[str] = []
    making = asyncio.create_task(prepare(driver, goals(STATUS, PATIENT), told.append))
    written = 0
    while not making.done():
        await collection.insert_one({"search": {"status": "active", "patient": "Patient/new"}})
        written += 1
    await making
    first, *_, last = [sentence for sentence in told if sentence.startswith("Goal: ")]
    assert re.fullmatch(r"Goal: indexes are made over about 10\d{3} documents; reads and writes go on meanwhile", first)
    assert re.fullmatch(r"Goal: indexes are made over about 10\d{3} documents: done after \d+ s", last)
    found = await collection.count_documents({"search.patient": "Patient/new"}, hint=PATIENT.model.document["name"])
    assert found == written > 0


async def test_what_is_made_at_once_is_not_told_of(driver: Driver) -> None:
    told: list[str] = []
    await prepare(driver, goals(STATUS), told.append)
    assert told == []


async def test_store_of_a_newer_format_is_refused(driver: Driver) -> None:
    await check_format(driver)
    await driver.collection("service").update_one({"_id": "format"}, {"$set": {"version": FORMAT + 1}})
    with pytest.raises(NewerFormatError, match=f"format {FORMAT + 1}"):
        await prepare(driver, {})
