"""Whoever changes the audit in the database is found out, and what the service does lawfully is not held against it."""

import shutil
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from bson import Binary

from service.fhir.touched import Touched
from service.security.chain import Seals
from service.security.verification import Finding
from service.store.audit_erasure import AuditErasure
from service.store.audit_pruning import AuditPruning
from tests.audit.conftest import START, Audit, happened

Tampering = Callable[[Audit, list[str]], Awaitable[Any]]
TAMPERINGS: dict[str, tuple[Tampering, str]] = {}
"""What somebody does to three blocks of one writer, and what is then found of which block."""


def found_as(sentence: str) -> Callable[[Tampering], Tampering]:
    def note(tampering: Tampering) -> Tampering:
        TAMPERINGS[tampering.__name__] = (tampering, sentence)
        return tampering

    return note


async def change(audit: Audit, block: str, **fields: Any) -> None:
    await audit.database["audit"].update_one({"_id": block}, {"$set": fields})


async def document(audit: Audit, block: str) -> dict[str, Any]:
    found: dict[str, Any] = await audit.database["audit"].find_one({"_id": block})
    return found


async def remove(audit: Audit, *blocks: str) -> None:
    await audit.database["audit"].delete_many({"_id": {"$in": blocks}})


@found_as("{1}-0: was altered")
async def who_did_it(audit: Audit, blocks: list[str]) -> None:
    who = (await document(audit, blocks[1]))["who"].replace(b"Practitioner/7", b"Practitioner/8")
    await change(audit, blocks[1], who=who, agents=["Practitioner/8", "ehr", "sub-7"])


@found_as("{1}-0: was altered")
async def whom_it_was_about(audit: Audit, blocks: list[str]) -> None:
    what = (await document(audit, blocks[1]))["what"].replace(b"Patient/1", b"Patient/2")
    await change(audit, blocks[1], what=what, patients=["Patient/2"])


@found_as("{1}-0: was not erased by the service")
async def an_erasure_that_nobody_ordered(audit: Audit, blocks: list[str]) -> None:
    await change(audit, blocks[1], what=b"~" + b"0" * 128 + b'["",null,[],null,null]', patients=[])


@found_as("{1}: was altered")
async def when_it_was(audit: Audit, blocks: list[str]) -> None:
    await change(audit, blocks[1], recorded=START - timedelta(days=1))


@found_as("{1}: was altered: its entities are not those of its events")
async def by_what_it_is_found(audit: Audit, blocks: list[str]) -> None:
    await change(audit, blocks[1], entities=["CarePlan/another"])


@found_as("{1}: is missing")
async def one_block_is_removed(audit: Audit, blocks: list[str]) -> None:
    await remove(audit, blocks[1])


@found_as("{0}: is missing")
async def the_first_is_removed(audit: Audit, blocks: list[str]) -> None:
    await remove(audit, blocks[0])


@found_as("{2}: is missing: the end was cut off")
async def the_last_is_removed(audit: Audit, blocks: list[str]) -> None:
    await remove(audit, blocks[2])


@found_as("{1} to {2}: are missing: the end was cut off")
async def the_end_is_removed(audit: Audit, blocks: list[str]) -> None:
    await remove(audit, *blocks[1:])


@found_as("{writer}: all events of this writer are missing")
async def all_blocks_are_removed(audit: Audit, blocks: list[str]) -> None:
    await remove(audit, *blocks)


@found_as("{writer}: all events of this writer are missing")
async def all_is_removed(audit: Audit, blocks: list[str]) -> None:
    for name in ("audit", "audit_writers", "audit_anchors"):
        await audit.database[name].delete_many({})


@found_as("{writer}: is missing in the register of writers")
async def the_register_is_emptied(audit: Audit, blocks: list[str]) -> None:
    await audit.database["audit_writers"].delete_many({})


@found_as("register of writers, 1: was altered")
async def the_register_is_changed(audit: Audit, blocks: list[str]) -> None:
    await audit.database["audit_writers"].update_one({}, {"$set": {"writer": "0" * 20}})


@found_as("{1}-0: was altered, or is another event")
async def two_blocks_change_places(audit: Audit, blocks: list[str]) -> None:
    one, other = [await document(audit, block) for block in blocks[1:]]
    await remove(audit, *blocks[1:])
    await audit.database["audit"].insert_many([{**one, "_id": other["_id"]}, {**other, "_id": one["_id"]}])


@found_as("{1}-1: was added")
async def an_event_is_added(audit: Audit, blocks: list[str]) -> None:
    found = await document(audit, blocks[1])
    await change(audit, blocks[1], who=found["who"] + b"\n" + found["who"], what=found["what"] + b"\n" + found["what"])


@found_as("{1}-0: was altered, or is another event")
async def an_event_is_taken_out(audit: Audit, blocks: list[str]) -> None:
    await change(audit, blocks[1], who=b"", what=b"")


@found_as("{1}: was altered: its keyed hash")
async def a_keyed_hash_is_changed(audit: Audit, blocks: list[str]) -> None:
    await change(audit, blocks[1], mac=b"x" * 32)


@found_as("{1}: is no block of the audit: its who")
async def an_event_of_another_kind(audit: Audit, blocks: list[str]) -> None:
    await change(audit, blocks[1], who=7)


@found_as("'forged': is no block of the audit")
async def something_else_is_put_there(audit: Audit, blocks: list[str]) -> None:
    await audit.database["audit"].insert_one({"_id": "forged"})


@found_as("{1}: was altered: its keyed hash")
async def a_block_by_somebody_without_the_key(audit: Audit, blocks: list[str]) -> None:
    writer = blocks[1].partition("-")[0]
    first = await document(audit, blocks[0])
    found = await document(audit, blocks[1])
    event = Seals("guessed").sealed(writer, 2, 0, [], first["mac"])
    await change(audit, blocks[1], macs=event.macs, mac=event.mac, previous=event.previous, what=Binary(found["what"]))


@found_as("{writer}: its anchor was altered")
async def an_anchor_by_somebody_without_the_key(audit: Audit, blocks: list[str]) -> None:
    writer = blocks[1].partition("-")[0]
    found = await document(audit, blocks[1])
    await remove(audit, *blocks[:2])
    anchor = {
        "_id": writer,
        "number": 2,
        "last": found["mac"],
        "mac": Seals("guessed").anchor(writer, 2, found["mac"]).mac,
    }
    await audit.database["audit_anchors"].insert_one(anchor)


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_what_was_done_to_the_database_is_found(audit: Audit, name: str) -> None:
    tampering, sentence = TAMPERINGS[name]
    blocks = await audit.recorded(*map(happened, range(3)))
    assert await audit.findings() == []
    await tampering(audit, blocks)
    expected = sentence.format(*blocks, writer=blocks[0].partition("-")[0])
    findings = [str(each) for each in await audit.findings()]
    assert [each for each in findings if each.startswith(expected)], findings


async def test_a_writer_that_was_removed_with_its_entry_is_missed(audit: Audit) -> None:
    _, second, third = [await audit.recorded(happened(number)) for number in range(3)]
    for blocks in (second, third):
        await remove(audit, *blocks)
        await audit.database["audit_writers"].delete_one({"writer": blocks[0].partition("-")[0]})
    missing = [
        Finding(blocks[0].partition("-")[0], "all events of this writer are missing") for blocks in (second, third)
    ]
    assert await audit.findings() == missing
    assert await audit.findings(with_heads=False) == [], "without heads nobody can know"


async def test_an_entry_in_the_middle_of_the_register_is_missed(audit: Audit) -> None:
    _, second, _ = [await audit.recorded(happened(number)) for number in range(3)]
    await remove(audit, *second)
    await audit.database["audit_writers"].delete_one({"_id": 2})
    shutil.rmtree(audit.heads)
    audit.heads.mkdir()
    places = [finding.place for finding in await audit.findings()]
    assert places == ["register of writers, 3"]


async def test_a_changed_head_is_found(audit: Audit) -> None:
    [block] = await audit.recorded(happened())
    [file] = audit.heads.iterdir()
    file.write_text(file.read_text()[:-65] + "0" * 64 + "\n")
    assert await audit.findings() == [Finding(block, "is not the block that the head names")]


async def test_another_key_verifies_nothing(audit: Audit) -> None:
    [block] = await audit.recorded(happened())
    audit.seals = Seals("another key than that by which it was sealed")
    assert f"{block}-0" in [finding.place for finding in await audit.findings()]


async def test_erasure_takes_what_it_was_about_and_leaves_who_did_what(audit: Audit) -> None:
    private = happened(1, "Patient/1", query="_content=marmalade", entries=("GET Goal?patient=1 200",))
    shared = happened(
        2,
        touched=(Touched("CarePlan", "a", 1, "Patient/1"), Touched("CarePlan", "b", 1, "Patient/2")),
        query="title=jam",
    )
    in_vain = happened(3, path="Patient/1/CarePlan", touched=())
    of_another = happened(4, "Patient/2", query="title=honey")
    await audit.recorded(private, shared, in_vain, of_another)
    erasure = AuditErasure(audit.driver, audit.seals)
    assert sum([each async for each in erasure.erase({"Patient/1"})]) == 3
    assert sum([each async for each in erasure.erase({"Patient/1"})]) == 0
    assert await audit.findings() == []
    assert await audit.events(patients=frozenset({"Patient/1"})) == []
    text = repr([each async for each in audit.database["audit"].find({})])
    assert not [word for word in ("Patient/1", "marmalade", "jam") if word in text]
    assert "honey" in text
    [after] = await audit.events(entities=frozenset({"CarePlan/b"}))
    assert after.is_erased
    assert after.happened.client.user == "Practitioner/7"
    assert [each.subject for each in after.happened.touched] == [None, "Patient/2"]
    assert sum([each async for each in erasure.erase({"Patient/2"})]) == 2
    assert await audit.findings() == []


async def test_what_was_erased_stays_in_the_chain(audit: Audit) -> None:
    blocks = await audit.recorded(happened(1), happened(2), happened(3))
    assert sum([each async for each in AuditErasure(audit.driver, audit.seals).erase({"Patient/1"})]) == 3
    one, other = [(await document(audit, block))["what"] for block in blocks[:2]]
    await change(audit, blocks[0], what=other)
    await change(audit, blocks[1], what=one)
    places = [finding.place for finding in await audit.findings()]
    assert places == [f"{blocks[0]}-0", f"{blocks[1]}-0"]


async def test_pruning_leaves_a_log_that_is_whole(audit: Audit) -> None:
    gone = await audit.recorded(happened(1))
    log = audit.log()
    for number in range(2, 6):
        await log.record(happened(number))
        audit.move(days=1)
    pruning = AuditPruning(audit.driver, audit.seals)
    assert await pruning.count(START + timedelta(days=2)) == 3
    assert [each async for each in pruning.prune(START + timedelta(days=2))] == [1, 2]
    assert await audit.findings() == []
    await log.record(happened(6))
    await log.close()
    assert await audit.findings() == []
    assert await audit.findings(START + timedelta(days=4)) == []
    assert [each.happened.request_id for each in await audit.events()] == ["request-6", "request-5", "request-4"]
    await remove(audit, *(await audit.blocks())[:1])
    [finding] = await audit.findings()
    assert finding.sentence == "is missing"
    assert not finding.place.startswith(gone[0].partition("-")[0])


async def test_what_was_altered_is_not_pruned_away(audit: Audit) -> None:
    blocks = await audit.recorded(happened(1), happened(2))
    await change(audit, blocks[1], who=b"[]")
    audit.move(days=1)
    done = [each async for each in AuditPruning(audit.driver, audit.seals).prune(audit.now)]
    assert [each.place for each in done] == [f"{blocks[1]}-0"]
    assert await audit.blocks() == blocks
