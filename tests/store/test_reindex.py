"""Reindexing, and what is told of parameters that wait for it, on both drivers."""

import asyncio
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymongo import AsyncMongoClient, MongoClient

from service.fhir.outcome import OutcomeError
from service.settings import Settings
from service.store import readiness, reindex
from service.store.document import IndexedType
from service.store.driver import Driver, DriverName
from service.store.readiness import Readiness, note_definitions
from service.store.reindex import CannotReindex, count_stale
from service.store.resources import ResourceStore
from tests.store.conftest import SECONDS, OpenStore
from tests.support.app import client_of
from tests.support.service import COMMAND, PATIENCE, free_port, running

PLAN = {
    "resourceType": "CarePlan",
    "status": "active",
    "intent": "plan",
    "title": "Swim again",
    "subject": {"reference": "Patient/1"},
    "contained": [{"resourceType": "Goal", "id": "g", "lifecycleStatus": "active", "description": {"text": "Swim"}}],
}
SIMPLE = {key: value for key, value in PLAN.items() if key != "contained"}
Document = dict[str, Any]


@pytest.fixture
def ours(indexed_types: dict[str, IndexedType]) -> IndexedType:
    return indexed_types["CarePlan"]


@pytest.fixture
def older(ours: IndexedType) -> IndexedType:
    """What an earlier release made of a plan: less, in another form, and something that is not kept any more."""
    parameters = {code: form for code, form in ours.parameters.items() if code != "intent"} | {"status": "other"}

    def indexer(resource: Any) -> Document:
        return {"search": {"status": "ACTIVE"}, "words": [], "order": {"status": {"least": "ACTIVE"}}, "contained": []}

    return replace(ours, indexer=indexer, definitions="older", parameters=parameters)


@pytest.fixture
def sync(mongodb_uri: str, opened: OpenStore) -> Iterator[Any]:
    """The same plans, to write to while a coroutine does not wait."""
    with MongoClient[Document](mongodb_uri) as client:
        yield client[opened.database.name]["CarePlan"]


def written_by(opened: OpenStore, indexed: IndexedType) -> ResourceStore:
    return ResourceStore(opened.driver, {"CarePlan": indexed}, opened.clock, SECONDS)


async def store_older(opened: OpenStore, older: IndexedType, *names: str) -> None:
    await note_definitions(opened.driver, "CarePlan", older)
    for name in names:
        await written_by(opened, older).insert("CarePlan", name, PLAN, "POST")


async def documents(opened: OpenStore) -> list[Document]:
    return await opened.database["CarePlan"].find().sort("_id").to_list(None)


def disturbed(indexed: IndexedType, disturb: Callable[[Any], None]) -> IndexedType:
    """Return ``indexed`` with something done each time that a resource has been read and is not written yet."""

    def indexer(resource: Any) -> Document:
        disturb(resource)
        return indexed.indexer(resource)

    return replace(indexed, indexer=indexer)


async def test_a_document_is_then_what_a_write_would_have_made(
    opened: OpenStore, ours: IndexedType, older: IndexedType
) -> None:
    await store_older(opened, older, "a", "b")
    store = written_by(opened, older)
    current = await store.read("CarePlan", "b")
    assert current is not None
    await store.bury(current)
    buried = (await documents(opened))[1]
    counted: list[int] = []
    assert await count_stale(opened.driver, "CarePlan", ours) == 1
    await reindex.reindex(opened.driver, "CarePlan", ours, counted.append)
    await opened.store.insert("CarePlan", "c", PLAN, "POST")
    first, second, third = await documents(opened)
    assert second == buried
    assert sum(counted) == 1
    assert await count_stale(opened.driver, "CarePlan", ours) == 0
    for own in ("_id", "body", "resource"):
        assert (first.pop(own) == third.pop(own)) is False
    assert first == third


async def test_more_than_a_batch_is_indexed(
    opened: OpenStore, ours: IndexedType, older: IndexedType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reindex, "BATCH", 3)
    await store_older(opened, older, *(f"n{number}" for number in range(10)))
    counted: list[int] = []
    await reindex.reindex(opened.driver, "CarePlan", ours, counted.append)
    assert counted == [3, 3, 3, 1]
    assert len(await opened.found("CarePlan", status="active", intent="plan")) == 10


async def test_a_resource_that_changes_meanwhile_is_left_to_its_writer(
    opened: OpenStore, ours: IndexedType, older: IndexedType, sync: Any
) -> None:
    await store_older(opened, older, "a", "b")
    newer = {"version": 2, "definitions": ours.definitions, "search": {"status": "draft"}, "words": ["x"]}

    def write(resource: Any) -> None:
        if resource["id"] == "b":
            sync.update_one({"_id": "b"}, {"$set": newer})

    await reindex.reindex(opened.driver, "CarePlan", disturbed(ours, write), lambda _: None)
    first, second = await documents(opened)
    assert (first["version"], first["search"]["status"]) == (1, "active")
    assert {key: second[key] for key in newer} == newer


async def test_what_an_older_service_writes_meanwhile_is_indexed_too(
    opened: OpenStore, ours: IndexedType, older: IndexedType, sync: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reindex, "_PAUSE", 0.0)
    await store_older(opened, older, "m")

    def write(resource: Any) -> None:
        if resource["id"] == "m" and sync.count_documents({}) == 1:
            (known,) = sync.find({"_id": "m"})
            sync.insert_many([known | {"_id": "a"}, known | {"_id": "z"}])
            sync.update_one({"_id": "m"}, {"$set": {"version": 2}})

    await reindex.reindex(opened.driver, "CarePlan", disturbed(ours, write), lambda _: None)
    assert [item["definitions"] for item in await documents(opened)] == [ours.definitions] * 3
    assert set(await opened.found("CarePlan", status="active")) == {"a", "m", "z"}


async def test_a_service_that_keeps_writing_by_other_definitions_is_named_as_the_reason(
    opened: OpenStore, ours: IndexedType, older: IndexedType, sync: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reindex, "_PAUSE", 0.0)
    await store_older(opened, older, "a")

    def write(_: Any) -> None:
        sync.update_one({"_id": "a"}, {"$inc": {"version": 1}})

    with pytest.raises(CannotReindex, match="a service with other definitions keeps writing"):
        await reindex.reindex(opened.driver, "CarePlan", disturbed(ours, write), lambda _: None)


async def test_a_resource_that_cannot_be_indexed_is_named_and_the_others_are_kept(
    opened: OpenStore, ours: IndexedType, older: IndexedType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reindex, "BATCH", 2)
    await store_older(opened, older, "a", "b", "c", "d")

    def fail(resource: Any) -> None:
        if resource["id"] == "d":
            raise ValueError(resource["title"])

    with pytest.raises(CannotReindex) as raised:
        await reindex.reindex(opened.driver, "CarePlan", disturbed(ours, fail), lambda _: None)
    assert str(raised.value) == "CarePlan/d cannot be indexed (ValueError); what was done is kept"
    assert await count_stale(opened.driver, "CarePlan", ours) == 2


async def test_a_database_that_fails_is_told_in_one_line(
    driver_name: DriverName, settings: Settings, ours: IndexedType
) -> None:
    driver = Driver(driver_name, str(settings.mongodb_uri), settings.mongodb_database)
    plan = {"_id": "a", "version": 1, "definitions": "older", "body": json.dumps(PLAN).encode()}
    await driver.collection("behind").insert_one(plan)
    await driver.database.command({"create": "CarePlan", "viewOn": "behind", "pipeline": []})  # cannot be written to
    sentence = r"^CarePlan: the database failed \(BulkWriteError\); what was done is kept, so run this again$"
    with pytest.raises(CannotReindex, match=sentence):
        await reindex.reindex(driver, "CarePlan", ours, lambda _: None)
    await driver.database.client.drop_database(settings.mongodb_database)
    await driver.close()


async def test_a_new_store_waits_for_nothing(opened: OpenStore, indexed_types: dict[str, IndexedType]) -> None:
    ready = Readiness(opened.driver, indexed_types)
    await opened.store.insert("CarePlan", "a", PLAN, "POST")
    for name, indexed in indexed_types.items():
        assert await ready.pending(name) == []
        await ready.require(name, [*indexed.parameters, "_id", "_text"])


async def test_what_the_older_definitions_say_alike_is_ready(
    opened: OpenStore, indexed_types: dict[str, IndexedType], older: IndexedType
) -> None:
    await store_older(opened, older, "a")
    ready = Readiness(opened.driver, indexed_types)
    assert await ready.pending("CarePlan") == ["intent", "status"]
    await ready.require("CarePlan", ["patient", "_text", "_id"])
    await ready.require("Goal", ["lifecycle-status"])
    await ready.require("ValueSet", ["status"])
    with pytest.raises(OutcomeError) as raised:
        await ready.require("CarePlan", ["status", "patient", "intent"])
    assert raised.value.status == 503
    assert raised.value.headers == {"Retry-After": "60"}
    assert [issue.expression for issue in raised.value.issues] == ["http.intent", "http.status"]


async def test_documents_of_definitions_that_nobody_noted_are_ready_for_nothing(
    opened: OpenStore, indexed_types: dict[str, IndexedType], older: IndexedType
) -> None:
    await written_by(opened, older).insert("CarePlan", "a", PLAN, "POST")
    ready = Readiness(opened.driver, indexed_types)
    assert set(await ready.pending("CarePlan")) == {*indexed_types["CarePlan"].parameters, *readiness.SHARED} - {"_id"}
    await note_definitions(opened.driver, "CarePlan", older)
    assert await ready.pending("CarePlan") == ["intent", "status"]


async def test_the_store_is_asked_again_only_now_and_then(
    opened: OpenStore,
    indexed_types: dict[str, IndexedType],
    ours: IndexedType,
    older: IndexedType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(readiness.time, "monotonic", lambda: now[0])
    ready = Readiness(opened.driver, indexed_types)

    async def is_ready() -> bool:
        try:
            await ready.require("CarePlan", ["status"])
        except OutcomeError:
            return False
        return True

    assert await is_ready()
    await store_older(opened, older, "a")
    now[0] += 9.9
    assert await is_ready()
    now[0] += 0.2
    assert not await is_ready()
    await reindex.reindex(opened.driver, "CarePlan", ours, lambda _: None)
    now[0] += 0.9
    assert not await is_ready()
    now[0] += 0.2
    assert await is_ready()


async def test_how_many_are_waiting_is_counted_only_so_far(
    opened: OpenStore, indexed_types: dict[str, IndexedType], older: IndexedType, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store_older(opened, older, *(f"n{number}" for number in range(5)))
    await opened.store.insert("CarePlan", "a", PLAN, "POST")

    async def told() -> str:
        with pytest.raises(OutcomeError) as raised:
            await Readiness(opened.driver, indexed_types).require("CarePlan", ["status"])
        return raised.value.issues[0].diagnostics

    assert "is not indexed yet in 5 of about 6 resources" in await told()
    monkeypatch.setattr(readiness, "_MOST_COUNTED", 4)
    assert "is not indexed yet in 4 or more of about 6 resources" in await told()


async def test_stale_documents_are_found_and_told_apart_by_an_index(
    opened: OpenStore, ours: IndexedType, older: IndexedType
) -> None:
    await store_older(opened, older, "a")
    for number in range(50):
        await opened.store.insert("CarePlan", f"n{number:02}", PLAN, "POST")
    stale = {"definitions": {"$nin": [None, ours.definitions]}}
    commands = (
        {"find": "CarePlan", "filter": stale},
        {"distinct": "CarePlan", "key": "definitions", "query": {"definitions": {"$gt": ""}}},
    )
    for command in commands:
        told = await opened.database.command("explain", command, verbosity="executionStats")
        assert "definitions having definitions" in str(told["queryPlanner"]["winningPlan"])
        assert told["executionStats"]["totalKeysExamined"] <= 3


def run(settings: Settings, *arguments: str, uri: str | None = None) -> tuple[int, list[str], list[str]]:
    """Run ``recovery-plan reindex`` and return its exit code and what it says, on stdout and on stderr."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RECOVERY_")}
    environment["RECOVERY_MONGODB_DATABASE"] = settings.mongodb_database
    if uri is not None:
        environment["RECOVERY_MONGODB_URI"] = uri
    ended = subprocess.run(
        [*COMMAND, "reindex", *arguments], capture_output=True, text=True, timeout=PATIENCE, env=environment
    )
    return ended.returncode, ended.stdout.splitlines(), ended.stderr.splitlines()


async def test_the_command_tells_how_far_it_is_and_how_fast(settings: Settings) -> None:
    uri = str(settings.mongodb_uri)
    async with client_of(settings) as client, AsyncMongoClient[Document](uri) as mongo:
        for name in ("a", "b", "c"):
            assert (await client.put(f"/CarePlan/{name}", json=SIMPLE | {"id": name})).status_code == 201
        plans = mongo[settings.mongodb_database]["CarePlan"]
        await plans.update_many({"_id": {"$ne": "c"}}, {"$set": {"definitions": "older", "search": {}, "words": []}})
        code, told, errors = await asyncio.to_thread(run, settings, uri=uri)
        assert (code, errors) == (0, [])
        assert told[0] == "CarePlan: 2 of 3 to index"
        assert re.fullmatch(r"CarePlan: \d+ a second", told[1])
        others = ("Goal", "RiskAssessment", "Provenance", "Subscription")
        assert told[2:] == [f"{name}: 0 of 0 to index" for name in others]
        found = await client.get("/CarePlan?status=active&_elements=id")
        assert {entry["resource"]["id"] for entry in found.json()["entry"]} == {"a", "b", "c"}


def test_the_embedded_database_is_reindexed_beside_its_service_and_without(settings: Settings, tmp_path: Path) -> None:
    database = {"RECOVERY_MONGODB_DATABASE": settings.mongodb_database}
    with running(tmp_path, **database) as service:
        plans = f"{service.await_ready()}/fhir/R4/CarePlan"
        assert httpx.put(f"{plans}/a", json=SIMPLE | {"id": "a"}).status_code == 201
        code, told, errors = run(settings, "--data", str(tmp_path))
        assert (code, told[0], errors) == (0, "CarePlan: 0 of 1 to index", [])
        assert httpx.get(f"{plans}/a").status_code == 200
        assert service.end(signal.SIGTERM) == 0
    code, told, errors = run(settings, "--data", str(tmp_path))
    assert (code, told[0], errors) == (0, "CarePlan: 0 of 1 to index", [])


def test_a_database_that_is_not_there_is_told_in_one_line(settings: Settings) -> None:
    code, told, errors = run(settings, uri=f"mongodb://127.0.0.1:{free_port()}/?serverSelectionTimeoutMS=200")
    assert (code, told, len(errors)) == (1, [], 1)
    assert "cannot be reached" in errors[0]
