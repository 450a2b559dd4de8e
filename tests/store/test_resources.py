"""Reads, writes, versions, searches and transactions of the store, on both drivers."""

import asyncio
import gc
from itertools import pairwise
from typing import Any

import pytest
from bson.decimal128 import Decimal128

from service.fhir import json
from service.fhir.datetimes import instant
from service.fhir.outcome import OutcomeError
from service.store import faults, members, transactions
from service.store.document import to_history
from service.store.driver import Driver
from service.store.faults import ExistsError, MovedOnError
from service.store.resources import ResourceStore
from tests.store.conftest import SECONDS, START, OpenStore

FORTY_DIGITS = "0.1234567890123456789012345678901234567890"


def plan(**members: Any) -> dict[str, Any]:
    subject = {"reference": "Patient/1"}
    return {"resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": subject} | members


def assessment(*probabilities: str) -> dict[str, Any]:
    predictions = ",".join(f'{{"probabilityDecimal":{text}}}' for text in probabilities)
    found = json.parse(f"[{predictions}]".encode())
    subject = {"reference": "Patient/1"}
    return {"resourceType": "RiskAssessment", "status": "final", "subject": subject, "prediction": found}


async def versions(opened: OpenStore, resource_id: str) -> list[int]:
    found = await opened.store.versions("CarePlan", resource_id, 1000)
    return [item.version for item in found.versions] if found else []


async def test_what_is_inserted_is_read_with_its_identity_in_front(opened: OpenStore) -> None:
    inserted = await opened.store.insert("CarePlan", "a", plan(title="x"), "POST")
    read = await opened.store.read("CarePlan", "a")
    assert read == inserted
    assert read.version == 1
    assert read.method == "POST"
    assert read.last_updated == START.replace(microsecond=123_000)
    assert read.body is not None
    assert list(json.parse(read.body))[:3] == ["resourceType", "id", "meta"]
    assert json.parse(read.body)["meta"] == {"versionId": "1", "lastUpdated": "2026-11-01T09:30:00.123Z"}


async def test_an_id_that_was_never_used_reads_as_nothing(opened: OpenStore) -> None:
    assert await opened.store.read("CarePlan", "a") is None
    assert await opened.store.read_version("CarePlan", "a", 1) is None
    assert await versions(opened, "a") == []
    assert await opened.store.versions("CarePlan", "a", 10) is None


async def test_members_are_told_of_those_that_exist(opened: OpenStore) -> None:
    await opened.store.insert("CarePlan", "a", plan(title="x"), "POST")
    await opened.store.insert("CarePlan", "b", plan(title="y"), "POST")
    await opened.store.bury(await opened.store.insert("CarePlan", "c", plan(), "POST"))
    await opened.store.insert("RiskAssessment", "a", assessment("0.80"), "POST")
    asked = ["CarePlan/a", "CarePlan/c", "CarePlan/none", "RiskAssessment/a", "RiskAssessment/b"]
    assert await opened.store.members(asked, ("title", "subject")) == {
        "CarePlan/a": {"title": "x", "subject": {"reference": "Patient/1"}},
        "RiskAssessment/a": {"subject": {"reference": "Patient/1"}},
    }
    assert await opened.store.members(["CarePlan/a"], ("note",)) == {"CarePlan/a": {}}
    assert await opened.store.members([], ("title",)) == {}


async def test_members_are_told_of_any_number(opened: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "_IDS_AT_ONCE", 3)
    for number in range(8):
        await opened.store.insert("CarePlan", f"n{number}", plan(title=str(number)), "POST")
    found = await opened.store.members([f"CarePlan/n{number}" for number in range(-2, 9)], ("title",))
    assert found == {f"CarePlan/n{number}": {"title": str(number)} for number in range(8)}


async def test_members_are_told_of_what_the_transaction_has_written(opened: OpenStore) -> None:
    await opened.store.insert("CarePlan", "a", plan(title="x"), "POST")

    async def work(store: ResourceStore) -> Any:
        current = await store.read("CarePlan", "a")
        assert current is not None
        await store.replace(current, plan(title="y"), "PUT")
        await store.insert("RiskAssessment", "a", assessment(), "POST")
        return await store.members(["CarePlan/a", "RiskAssessment/a", "CarePlan/b"], ("title",))

    assert await opened.store.transaction(work) == {"CarePlan/a": {"title": "y"}, "RiskAssessment/a": {}}


async def test_an_id_is_taken_once_in_each_type(opened: OpenStore) -> None:
    await opened.store.insert("CarePlan", "a", plan(), "POST")
    with pytest.raises(ExistsError):
        await opened.store.insert("CarePlan", "a", plan(), "POST")
    goal = {"resourceType": "Goal", "lifecycleStatus": "active"}
    assert (await opened.store.insert("Goal", "a", goal, "POST")).version == 1


async def test_each_version_can_be_read_after_replacements_and_a_deletion(opened: OpenStore) -> None:
    first = await opened.store.insert("CarePlan", "a", plan(title="1"), "POST")
    second = await opened.store.replace(first, plan(title="2"), "PUT")
    buried = await opened.store.bury(second)
    third = await opened.store.replace(buried, plan(title="4"), "PUT")
    assert await versions(opened, "a") == [4, 3, 2, 1]
    assert [await opened.store.read_version("CarePlan", "a", number) for number in (1, 2, 3, 4)] == [
        first,
        second,
        buried,
        third,
    ]
    assert await opened.store.read_version("CarePlan", "a", 5) is None
    assert buried.deleted
    assert buried.body is None


async def test_who_read_an_old_version_cannot_replace_or_bury(opened: OpenStore) -> None:
    first = await opened.store.insert("CarePlan", "a", plan(), "POST")
    await opened.store.replace(first, plan(title="2"), "PUT")
    with pytest.raises(MovedOnError):
        await opened.store.replace(first, plan(title="late"), "PUT")
    with pytest.raises(MovedOnError):
        await opened.store.bury(first)
    assert await versions(opened, "a") == [2, 1]


async def test_a_history_copy_left_by_a_crash_blocks_nothing(opened: OpenStore) -> None:
    first = await opened.store.insert("CarePlan", "a", plan(title="1"), "POST")
    key, content = to_history(first)
    await opened.database["CarePlan_history"].insert_one({"_id": key, **content})
    assert await versions(opened, "a") == [1]
    second = await opened.store.replace(first, plan(title="2"), "PUT")
    key, content = to_history(second)
    await opened.database["CarePlan_history"].insert_one({"_id": key, **content})

    async def work(store: ResourceStore) -> None:
        await store.bury(second)

    await opened.store.transaction(work)
    assert await versions(opened, "a") == [3, 2, 1]


@pytest.mark.parametrize("step", [0, -3600, -0.0001, 0.0005])
async def test_times_of_a_resource_only_increase_whatever_the_clock_does(opened: OpenStore, step: float) -> None:
    current = await opened.store.insert("CarePlan", "a", plan(), "POST")
    times = [current.last_updated]
    for number in range(5):
        opened.clock.move(seconds=step)
        current = await (opened.store.bury(current) if number == 3 else opened.store.replace(current, plan(), "PUT"))
        times.append(current.last_updated)
    assert all(earlier < later for earlier, later in pairwise(times))
    read = await opened.store.read("CarePlan", "a")
    assert read is not None
    assert read.last_updated == times[-1]
    assert read.body is not None
    assert json.parse(read.body)["meta"]["lastUpdated"] == instant(times[-1])


async def test_racing_inserts_of_one_id_have_one_winner(opened: OpenStore) -> None:
    tries = [opened.store.insert("CarePlan", "a", plan(title=str(number)), "PUT") for number in range(10)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(item).__name__ for item in results) == ["ExistsError"] * 9 + ["Stored"]


async def test_racing_replacements_of_one_version_have_one_winner(opened: OpenStore) -> None:
    first = await opened.store.insert("CarePlan", "a", plan(), "POST")
    tries = [opened.store.replace(first, plan(title=str(number)), "PUT") for number in range(10)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    (won,) = [item for item in results if not isinstance(item, BaseException)]
    assert all(isinstance(item, MovedOnError) for item in results if item is not won)
    assert await opened.store.read("CarePlan", "a") == won
    assert await versions(opened, "a") == [2, 1]


async def test_the_native_form_has_decimals_and_the_body_the_digits(opened: OpenStore) -> None:
    written = ("0.80", "1e2", "1E-2", FORTY_DIGITS, "-0.0", "1e9999")
    await opened.store.insert("RiskAssessment", "a", assessment(*written), "POST")
    document = await opened.database["RiskAssessment"].find_one({"_id": "a"})
    for text in written:
        assert f'"probabilityDecimal":{text}}}' in document["body"].decode()
    native = [item["probabilityDecimal"] for item in document["resource"]["prediction"]]
    exact = [Decimal128("0.80"), Decimal128("1E+2"), Decimal128("0.01"), FORTY_DIGITS, Decimal128("-0.0"), "1E+9999"]
    assert native == exact
    assert document["deleted"] is False


async def test_a_number_with_more_digits_than_the_database_holds_is_found(opened: OpenStore) -> None:
    await opened.store.insert(
        "RiskAssessment", "long", assessment("0.1234567890123456789012345678901234567890"), "POST"
    )
    await opened.store.insert("RiskAssessment", "great", assessment("1e9999"), "POST")
    assert await opened.found("RiskAssessment", probability="0.1") == ["long"]
    assert set(await opened.found("RiskAssessment", probability="gt0.1")) == {"great", "long"}
    assert await opened.found("RiskAssessment", probability="lt1") == ["long"]
    assert await opened.found("RiskAssessment", _sort="-probability") == ["great", "long"]


async def test_a_search_finds_current_resources_and_counts_them(opened: OpenStore) -> None:
    first = await opened.store.insert("CarePlan", "a", plan(status="draft"), "POST")
    await opened.store.insert("CarePlan", "b", plan(), "POST")
    second = await opened.store.replace(first, plan(status="active"), "PUT")
    assert await opened.found("CarePlan", status="draft") == []
    assert await opened.found("CarePlan", status="active", _sort="-_id") == ["b", "a"]
    await opened.store.bury(second)
    assert await opened.found("CarePlan", status="active") == ["b"]
    assert await opened.store.count(opened.asked("CarePlan", status="active").sources) == 1
    assert await opened.store.count(opened.asked("CarePlan").sources) == 1


async def test_a_transaction_keeps_all_of_its_writes(opened: OpenStore) -> None:
    kept = await opened.store.insert("CarePlan", "kept", plan(), "POST")

    async def work(store: ResourceStore) -> str:
        assert store.in_transaction
        await store.insert("CarePlan", "new", plan(status="draft"), "POST")
        await store.replace(kept, plan(title="2"), "PUT")
        assert await store.count(opened.asked("CarePlan", status="draft").sources) == 1
        assert await opened.store.read("CarePlan", "new") is None  # not seen from outside
        return "done"

    assert await opened.store.transaction(work) == "done"
    assert await opened.found("CarePlan") == ["new", "kept"]
    assert await versions(opened, "kept") == [2, 1]


async def test_a_transaction_that_fails_leaves_nothing(opened: OpenStore) -> None:
    kept = await opened.store.insert("CarePlan", "kept", plan(), "POST")

    async def work(store: ResourceStore) -> None:
        await store.insert("CarePlan", "new", plan(), "POST")
        await store.replace(kept, plan(title="2"), "PUT")
        await store.bury((await store.read("CarePlan", "new")) or kept)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await opened.store.transaction(work)
    assert await opened.found("CarePlan") == ["kept"]
    assert await opened.database["CarePlan"].count_documents({}) == 1
    assert await opened.database["CarePlan_history"].count_documents({}) == 0
    assert await opened.store.read("CarePlan", "kept") == kept


async def test_transactions_in_conflict_both_commit(opened: OpenStore) -> None:
    await opened.store.insert("CarePlan", "a", plan(title="0"), "POST")
    both_have_read = asyncio.Barrier(2)
    runs: list[str] = []

    async def change(name: str) -> None:
        async def work(store: ResourceStore) -> None:
            runs.append(name)
            current = await store.read("CarePlan", "a")
            assert current is not None
            if runs.count(name) == 1:
                await both_have_read.wait()
            await store.replace(current, plan(title=name), "PUT")

        await opened.store.transaction(work)

    await asyncio.gather(change("one"), change("two"))
    assert await versions(opened, "a") == [3, 2, 1]
    assert len(runs) > 2


async def test_a_conflict_that_lasts_is_409_and_changes_nothing(
    opened: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "TRANSACTION_SECONDS", 0.2)
    first = await opened.store.insert("CarePlan", "a", plan(), "POST")

    async def overtaken(store: ResourceStore) -> None:
        await store.insert("CarePlan", "new", plan(), "POST")
        await store.replace(first, plan(title="slow"), "PUT")

    async def holds(store: ResourceStore) -> OutcomeError:
        await store.replace(first, plan(title="fast"), "PUT")
        with pytest.raises(OutcomeError) as refused:
            await opened.store.transaction(overtaken)
        return refused.value

    error = await opened.store.transaction(holds)
    assert error.status == 409
    assert error.headers == {"Retry-After": "1"}
    assert await opened.found("CarePlan") == ["a"]
    assert await versions(opened, "a") == [2, 1]


async def test_an_id_taken_during_a_transaction_is_seen_when_it_runs_again(opened: OpenStore) -> None:
    runs = 0

    async def work(store: ResourceStore) -> bool:
        nonlocal runs
        runs += 1
        if await store.read("CarePlan", "a") is not None:
            return False
        await opened.store.insert("CarePlan", "a", plan(title="outside"), "PUT")
        await store.insert("CarePlan", "a", plan(title="inside"), "PUT")
        return True

    assert await opened.store.transaction(work) is False
    assert runs == 2


# The driver's monitors may be about to connect when they are stopped, and leave a socket to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
async def test_a_database_that_does_not_answer_is_503(
    driver_name: Any, opened: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "TRANSACTION_SECONDS", 0.2)
    monkeypatch.setattr(faults, "LONGEST_WRITE", 0.5)
    closed = "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=50&directConnection=true"
    driver = Driver(driver_name, closed, "none")
    store = ResourceStore(driver, opened.store._types, opened.clock, SECONDS)
    asked = opened.asked("CarePlan", patient="1")

    async def one_read(store: ResourceStore) -> None:
        await store.read("CarePlan", "a")

    calls = {
        "check": lambda: store.check(),
        "read": lambda: store.read("CarePlan", "a"),
        "insert": lambda: store.insert("CarePlan", "a", plan(), "POST"),
        "search": lambda: store.search(asked.sources, 1),
        "transaction": lambda: store.transaction(one_read),
    }
    try:
        for name, call in calls.items():
            with pytest.raises(OutcomeError) as refused:
                await call()
            (issue,) = refused.value.issues
            assert (name, refused.value.status, issue.rule) == (name, 503, "database-unavailable")
            assert "127.0.0.1" not in issue.diagnostics
    finally:
        await driver.close()
        await asyncio.sleep(0.1)
        gc.collect()


async def test_a_document_over_the_limit_of_the_database_is_413(opened: OpenStore) -> None:
    first = await opened.store.insert("CarePlan", "a", plan(), "POST")
    huge = plan(description="x" * 9_000_000)

    async def in_transaction(store: ResourceStore) -> None:
        await store.insert("CarePlan", "b", huge, "POST")

    for write in (
        lambda: opened.store.insert("CarePlan", "b", huge, "POST"),
        lambda: opened.store.replace(first, huge, "PUT"),
        lambda: opened.store.transaction(in_transaction),
    ):
        with pytest.raises(OutcomeError) as refused:
            await write()
        assert refused.value.status == 413
    assert await opened.found("CarePlan") == ["a"]
