"""The log: what was recorded is there, in order, by everything that it is about."""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from service.fhir.touched import Touched
from service.security.chain import block_id
from service.security.client import ANYBODY
from service.store import audit_heads
from service.store.audit_block import AUDIT, RANGES
from service.store.audit_heads import read_heads
from service.store.audit_reading import Wanted
from tests.audit.conftest import START, Audit, happened


@pytest.mark.parametrize("audit", ["pymongo", "motor"], indirect=True)
async def test_what_was_recorded_is_read_as_it_was(audit: Audit) -> None:
    event = happened(
        client=replace(happened().client, patient="p1"),
        query="patient=Patient%2Fp1&_count=2",
        entries=("GET Goal?patient=p1 200", "GET Goal/\ud800 404"),
        rules=("unknown-resource",),
        status=404,
        touched=(Touched("CarePlan", "1", 2, "Patient/1"), Touched("Goal", "2", 1, None, "D")),
    )
    await audit.recorded(event)
    [found] = await audit.events()
    assert found.happened == replace(event, entries=("GET Goal?patient=p1 200", "GET Goal/\\ud800 404"))
    assert found.recorded >= event.started
    assert not found.is_erased
    assert await audit.reading.read(found.id) == found


@pytest.mark.parametrize("name", ["nonsense", "0-000000000001-0", "x" * 64])
async def test_what_is_no_event_is_not_found(audit: Audit, name: str) -> None:
    [block] = await audit.recorded(happened())
    assert await audit.reading.read(name) is None
    assert await audit.reading.read(f"{block}-1") is None


async def test_events_of_a_moment_share_a_block_and_keep_their_order(audit: Audit) -> None:
    log = audit.log()
    await asyncio.gather(*(log.record(happened(number)) for number in range(100)))
    await log.close()
    numbers = [int(each.happened.request_id.removeprefix("request-")) for each in await audit.events()]
    assert numbers == list(reversed(range(100)))
    assert len(await audit.blocks()) <= 3
    assert await audit.findings() == []


async def test_events_are_found_by_what_they_are_about(audit: Audit) -> None:
    deletion = happened(3, touched=(Touched("Goal", "g", 4, "Patient/2", "D"),), client=ANYBODY, status=204)
    in_vain = happened(4, path="CarePlan", query="status=active&subject=3%2C4", touched=())
    denied = happened(5, path="Patient/5/CarePlan", touched=(), status=403, rules=("forbidden",))
    await audit.recorded(happened(1), happened(2), deletion, in_vain, denied)

    async def found(**wanted: frozenset[object]) -> list[str]:
        return [each.happened.request_id.removeprefix("request-") for each in await audit.events(**wanted)]

    assert await found(entities=frozenset({"CarePlan/plan-2"})) == ["2"]
    assert await found(entities=frozenset({"CarePlan/plan-2", "Goal/g"})) == ["3", "2"]
    assert await found(patients=frozenset({"Patient/1"})) == ["2", "1"]
    assert await found(patients=frozenset({"Patient/4"})) == ["4"]
    assert await found(patients=frozenset({"Patient/5"})) == ["5"]
    assert await found(agents=frozenset({"Practitioner/7"})) == ["5", "4", "2", "1"]
    assert await found(agents=frozenset({"sub-7"}), statuses=frozenset({403})) == ["5"]
    assert await found(statuses=frozenset({204})) == ["3"]


def many(kind: str, *numbers: int) -> tuple[Touched, ...]:
    return tuple(Touched(kind, f"{number:04}", 1, f"Patient/{number % 7}") for number in numbers)


@pytest.mark.parametrize("audit", ["pymongo", "motor"], indirect=True)
async def test_what_was_disclosed_with_many_others_is_found_like_what_was_disclosed_alone(audit: Audit) -> None:
    in_order = happened(1, touched=(*many("Goal", *range(0, 400, 2)), *many("RiskAssessment", *range(150))))
    in_disorder = happened(2, touched=many("Goal", *reversed(range(120))))
    alone = happened(3, touched=many("Goal", 50))
    await audit.recorded(in_order, in_disorder, alone, happened(4))
    block = await audit.driver.collection(AUDIT).find_one({RANGES: {"$exists": True}})
    assert block["entities"] == []  # nobody pays for an index of each

    async def found(name: str) -> list[str]:
        events = await audit.events(entities=frozenset({name}))
        return [
            each.happened.request_id
            for each in events
            if name in {f"{one.type}/{one.id}" for one in each.happened.touched}
        ]

    assert await found("Goal/0050") == ["request-3", "request-2", "request-1"]
    assert await found("Goal/0051") == ["request-2"]
    assert await found("RiskAssessment/0149") == ["request-1"]
    assert await found("RiskAssessment/0150") == []
    assert await found("CarePlan/plan-4") == ["request-4"]
    assert len(await audit.events(entities=frozenset({"Goal/0050"}))) == 3
    assert len(await audit.events(entities=frozenset({"Goal/0050"}), patients=frozenset({"Patient/1"}))) == 3
    assert await audit.events(entities=frozenset({"Goal/9999"})) == []


async def test_reading_goes_on_where_it_was_left_though_events_are_added(audit: Audit) -> None:
    await audit.recorded(*map(happened, range(5)))
    await audit.recorded(*map(happened, range(5, 10)))
    whole = [each.id for each in await audit.events()]
    reading, place, seen = audit.reading, None, []
    while True:
        page = []
        async for each in reading.events(Wanted(), place):
            page.append(each)
            if len(page) == 3:
                break
        if not page:
            break
        seen += [each.id for each in page]
        place = (page[-1].recorded, page[-1].id)
        audit.move(seconds=1)
        await audit.recorded(happened(99))
    assert seen == whole


async def test_bounds_of_time_are_inclusive(audit: Audit) -> None:
    for number in range(3):
        await audit.recorded(happened(number))
        audit.move(days=1)
    later = await audit.events(since=START + timedelta(days=1))
    assert [each.happened.request_id for each in later] == ["request-2", "request-1"]
    earlier = await audit.events(until=START + timedelta(days=1))
    assert [each.happened.request_id for each in earlier] == ["request-1", "request-0"]


async def test_a_caller_who_is_cancelled_harms_nobody(audit: Audit) -> None:
    log = audit.log()
    calls = [asyncio.create_task(log.record(happened(number))) for number in range(20)]
    await asyncio.sleep(0)
    for call in calls[::2]:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert [call.cancelled() for call in calls] == [True, False] * 10
    await log.close()
    assert len(await audit.events()) == 20
    assert await audit.findings() == []


async def test_what_is_too_much_for_an_event_becomes_several(audit: Audit) -> None:
    touched = tuple(Touched("CarePlan", f"plan-{number}", 1, f"Patient/{number}") for number in range(2_500))
    query, entries = "title=" + "é" * 150_000, tuple(f"GET Goal?identifier={'x' * 10_000} 200" for _ in range(100))
    await audit.recorded(happened(touched=touched, query=query, entries=entries))
    events = [each.happened for each in reversed(await audit.events())]
    assert sum((each.touched for each in events), ()) == touched
    assert "".join(each.query for each in events) == query
    assert sum((each.entries for each in events), ()) == entries
    assert {each.request_id for each in events} == {"request-1"}
    assert all(
        len(repr(each.touched)) + len(each.query.encode()) + len(repr(each.entries)) < 800_000 for each in events
    )


async def test_no_block_is_too_large_for_the_database(audit: Audit) -> None:
    touched = tuple(Touched("CarePlan", f"{number:064}", 1, f"Patient/{number:064}") for number in range(1_000))
    log = audit.log()
    await asyncio.gather(*(log.record(happened(touched=touched)) for _ in range(100)))
    await log.close()
    [largest] = [each async for each in await _sizes(audit)]
    assert largest["size"] < 8_000_000
    assert await audit.findings() == []


async def _sizes(audit: Audit):
    steps = [{"$group": {"_id": None, "size": {"$max": {"$bsonSize": "$$ROOT"}}}}]
    found = audit.database["audit"].aggregate(steps)
    return await found if asyncio.iscoroutine(found) else found


async def test_the_head_is_kept_in_a_file_and_told_to_the_log(
    audit: Audit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(audit_heads, "INTERVAL", 0.0)
    blocks = await audit.recorded(happened(1), happened(2))
    [head] = read_heads(audit.heads)
    assert block_id(head.writer, head.number) == blocks[-1]
    told = [message for message in caplog.messages if message.startswith("audit: head ")]
    assert told[-1] == f"audit: head {blocks[-1]} {head.mac.hex()}"


async def test_a_head_that_cannot_be_kept_is_told_and_the_event_is_recorded(
    audit: Audit, caplog: pytest.LogCaptureFixture
) -> None:
    audit.heads.write_text("no directory")
    await audit.recorded(happened())
    assert [message for message in caplog.messages if "the head cannot be kept in" in message]
