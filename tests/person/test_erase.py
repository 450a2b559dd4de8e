"""Lawful erasure: nothing about the person is left, and nothing about anybody else is lost."""

import asyncio
import json
import random
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from pymongo import AsyncMongoClient

from service.cli import main
from service.commands.person.erase import CannotErase, Erasing
from service.commands.person.reference import NoPerson
from service.commands.person.session import opened, person_of
from service.interactions.bulk_import.start import GIVEN, IMPORT, WAITING
from service.security.chain import Seals
from service.settings import Settings
from service.store import transactions
from service.store.audit_reading import AuditReading, Wanted
from service.store.audit_verification import AuditVerification
from service.store.driver import Driver
from service.store.open import JOB_PIECES, JOBS
from tests.person.conftest import ANN, BEN, RECORDS, SECRET, Records, started
from tests.support.resources import Json, care_plan, created, entry, goal, risk_assessment, send, transaction
from tests.support.service import PATIENCE

PATCH = {"Content-Type": "application/json-patch+json"}
RENAMED = [{"op": "add", "path": "/note", "value": [{"text": SECRET}]}]


def by(who: Json) -> dict[str, str]:
    return {"X-Provenance": json.dumps({"resourceType": "Provenance", "agent": [{"who": who}]})}


async def lived(records: Records) -> dict[str, str]:
    """Let Ann and Ben have records, and return by a word for it the address of each resource."""
    client = records.client
    plan = await created(client, care_plan(subject=ANN, note=[{"text": SECRET}]))
    made = await client.post("/Goal", json=goal(subject={"reference": f"{RECORDS}/Patient/ann"}), headers=by(ANN))
    address = f"/Goal/{made.json()['id']}"
    for name in ("once", "twice"):
        patch = [{"op": "replace", "path": "/description/text", "value": f"{SECRET} {name}"}]
        assert (await client.patch(address, json=patch, headers=PATCH | {"Idempotency-Key": f'"{name}"'})).is_success
    deleted = await created(client, risk_assessment(subject=ANN, mitigation=SECRET))
    await client.delete(f"/RiskAssessment/{deleted['id']}")
    mention = care_plan(subject=BEN, contributor=[ANN], goal=[{"reference": address[1:]}])
    shared = await send(
        client,
        transaction(entry("POST", "CarePlan", care_plan(subject=ANN)), entry("POST", "CarePlan", mention)),
        **by(BEN),
    )
    of_ann, of_ben = [each["response"]["location"].partition("/_history")[0] for each in shared.json()["entry"]]
    heard = {"resourceType": "Provenance", "target": [ANN], "recorded": "2026-11-01T10:00:00Z", "agent": [{"who": BEN}]}
    about_her = await created(client, heard)
    formerly = await created(client, goal(subject=ANN))
    await client.put(f"/Goal/{formerly['id']}", json={**formerly, "subject": BEN})
    await client.get("/CarePlan?patient=Patient/ann")
    return {
        "plan": f"/CarePlan/{plan['id']}",
        "goal": address,
        "deleted": f"/RiskAssessment/{deleted['id']}",
        "second plan": f"/{of_ann}",
        "about her": f"/Provenance/{about_her['id']}",
        "of ben": f"/{of_ben}",
        "formerly": f"/Goal/{formerly['id']}",
    }


OF_ANN = ("plan", "goal", "deleted", "second plan", "about her")


async def erase(records: Records, *, is_confirmed: bool = True) -> None:
    person = person_of("Patient/ann", records.settings)
    await Erasing(person, "She asked for it", records.session).run(is_confirmed=is_confirmed)


async def test_nothing_about_the_person_is_left(records: Records, capsys: pytest.CaptureFixture[str]) -> None:
    addresses = await lived(records)
    others = [await records.client.get(addresses[name] + "/_history") for name in ("of ben", "formerly")]
    await erase(records)
    told = capsys.readouterr().out
    for name in OF_ANN:
        assert addresses[name][1:] in told
        for address in (addresses[name], f"{addresses[name]}/_history", f"{addresses[name]}/_history/1"):
            assert (await records.client.get(address)).status_code == 404
    assert await records.told(SECRET) == []
    assert await records.told("Patient/ann") == ["CarePlan", "Goal_history", "audit"]
    again = [await records.client.get(addresses[name] + "/_history") for name in ("of ben", "formerly")]
    assert [each.json()["entry"] for each in again] == [each.json()["entry"] for each in others]
    of_two = (await records.client.get("/Provenance")).json()["entry"]
    assert [len(each["resource"]["target"]) for each in of_two] == [2]
    referring = told.partition("refer to the person")[2]
    assert addresses["of ben"][1:] in referring
    assert addresses["formerly"][1:] in referring
    assert f"Provenance/{of_two[0]['resource']['id']}" in referring
    listed = [line.strip() for line in told.splitlines() if line.startswith("    ")]
    assert len(listed) == len(set(listed)) == len(OF_ANN) + 1 + 3


async def test_months_in_which_the_person_was_counted_are_counted_again(records: Records) -> None:
    month = {"periodStart": "2025-12", "periodEnd": "2025-12"}
    report = "/Measure/recovery-orientation-audit/$evaluate-measure"
    assert (await records.client.get(report, params=month)).status_code == 200
    assert await records.database["measures"].count_documents({}) == 1
    await created(records.client, care_plan(subject=ANN))
    await erase(records)
    assert await records.database["measures"].count_documents({}) == 0


async def test_a_write_that_is_sent_again_stores_nothing_anew(records: Records) -> None:
    key = {"Idempotency-Key": '"k1"'}
    for returns in ("representation", "minimal"):
        headers = {"Prefer": f"return={returns}", "Idempotency-Key": f'"{returns}"'}
        await records.client.post("/Goal", json=goal(subject=ANN), headers=headers)
    other = await records.client.post("/Goal", json=goal(subject=BEN), headers=key)
    await erase(records)
    assert await records.told("Patient/ann") == ["audit"]
    for returns in ("representation", "minimal"):
        headers = {"Prefer": f"return={returns}", "Idempotency-Key": f'"{returns}"'}
        retry = await records.client.post("/Goal", json=goal(subject=ANN), headers=headers)
        assert (retry.status_code, retry.content) == (201, b"")
    assert (await records.client.post("/Goal", json=goal(subject=BEN), headers=key)).content == other.content
    assert (await records.client.get("/Goal?_summary=count")).json()["total"] == 1


async def test_what_an_import_has_not_stored_is_not_left_either(records: Records) -> None:
    pieces = records.session.context.jobs.pieces("of-a-process-that-died")
    for name in (GIVEN, WAITING):
        await pieces.put(name, 0, SECRET.encode())
    soon = datetime.now(UTC) + timedelta(hours=1)
    claimed = {"kind": IMPORT, "state": "running", "renewed": soon, "expires": soon}
    await records.database[JOBS].insert_one({"_id": "under-way", **claimed})
    with pytest.raises(CannotErase):
        await erase(records)
    assert await records.told(SECRET) == [JOB_PIECES]
    await records.database[JOBS].delete_many({})
    await erase(records)
    assert await records.told(SECRET) == []


async def test_the_audit_keeps_who_did_what_and_tells_of_the_erasure(records: Records) -> None:
    addresses = await lived(records)
    driver = Driver("pymongo", str(records.settings.mongodb_uri), records.settings.mongodb_database)
    try:
        reading = AuditReading(driver)
        before = [each async for each in reading.events(Wanted())]
        await erase(records)
        after = {each.id: each async for each in reading.events(Wanted())}
        for event in before:
            left = after.pop(event.id).happened
            assert (left.method, left.interaction, left.status) == (
                event.happened.method,
                event.happened.interaction,
                event.happened.status,
            )
            assert [each[:3] for each in left.touched] == [each[:3] for each in event.happened.touched]
            assert "ann" not in left.query
            assert "Patient/ann" not in {each.subject for each in left.touched}
        first, last = sorted(after.values(), key=lambda each: each.recorded)
        assert first.happened.interaction == last.happened.interaction == "person-erase"
        assert {f"/{each.type}/{each.id}" for each in first.happened.touched} > {addresses[name] for name in OF_ANN}
        assert {each.action for each in first.happened.touched} == {"D"}
        assert last.happened.query == "patient=Patient/ann&reason=She+asked+for+it"
        assert last.happened.client.subject
        verification = AuditVerification(driver, Seals(str(records.settings.audit_key)), {})
        assert [each async for each in verification.findings(None, lambda *_: None)] == []
    finally:
        await driver.close()


async def test_it_is_shown_and_asked_before(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = await lived(records)

    def refuse(text: str, **_: Any) -> None:
        assert "undone" in text
        raise click.Abort

    monkeypatch.setattr(click, "confirm", refuse)
    with pytest.raises(click.Abort):
        await erase(records, is_confirmed=False)
    assert (await records.client.get(addresses["plan"])).status_code == 200


async def test_somebody_else_with_a_longer_id_is_somebody_else(
    records: Records, capsys: pytest.CaptureFixture[str]
) -> None:
    other = await created(records.client, care_plan(subject={"reference": "Patient/ann-marie"}, title=SECRET))
    elsewhere = await created(records.client, care_plan(subject={"reference": "https://else.example.org/Patient/ann"}))
    await erase(records)
    for plan in (other, elsewhere):
        assert (await records.client.get(f"/CarePlan/{plan['id']}")).json() == plan
    told = capsys.readouterr().out
    assert f"CarePlan/{elsewhere['id']}" in told.partition("at an address that no setting names")[2]
    assert other["id"] not in told


async def test_writes_that_go_on_meanwhile_leave_nothing_behind(records: Records) -> None:
    plans = [await created(records.client, care_plan(subject=ANN, note=[{"text": SECRET}])) for _ in range(12)]
    is_over = asyncio.Event()

    async def keep_patching(plan: Json) -> None:
        number = 0
        while not is_over.is_set():
            patch = [{"op": "replace", "path": "/note/0/text", "value": f"{SECRET} {(number := number + 1)}"}]
            answer = await records.client.patch(f"/CarePlan/{plan['id']}", json=patch, headers=PATCH)
            if answer.status_code == 404:
                return
            assert answer.status_code in (200, 409), answer.text

    async with asyncio.TaskGroup() as writers:
        for plan in plans:
            writers.create_task(keep_patching(plan))
        await asyncio.sleep(0.2)
        await erase(records)
        is_over.set()
    assert await records.told(SECRET) == []


@pytest.mark.parametrize("text", ["ann", "Practitioner/ann", "Patient/ann/_history/1", "Patient?name=ann", ""])
def test_who_is_meant_has_to_be_said(text: str) -> None:
    with pytest.raises(NoPerson, match="Patient/1"):
        person_of(text, Settings())


async def test_a_write_that_is_in_the_way_is_waited_for(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    """As is that of a process that has died, which MongoDB ends after half a minute or a minute."""
    made = await created(records.client, goal(subject=ANN))
    monkeypatch.setattr(transactions, "TRANSACTION_SECONDS", 0.1)
    async with records.database.client.start_session() as session:
        await session.start_transaction()
        await records.database["Goal"].update_one({"_id": made["id"]}, {"$set": {"x": 1}}, session=session)
        erasing = asyncio.create_task(erase(records))
        await asyncio.sleep(0.4)
        assert not erasing.done()
        await session.abort_transaction()
        await erasing
    assert (await records.client.get(f"/Goal/{made['id']}")).status_code == 404


async def test_a_run_that_was_killed_is_gone_on_with(records: Records, tmp_path: Path) -> None:
    many = [entry("POST", "Goal", goal(subject=ANN, note=[{"text": SECRET}])) for _ in range(150)]
    assert (await send(records.client, transaction(*many), **by(ANN))).status_code == 200
    kept = await created(records.client, goal(subject=BEN))
    arguments = ("erase", "--patient", "Patient/ann")
    process = started(records, tmp_path, *arguments)
    while await records.database["Goal"].count_documents({}) in (151, 0):
        await asyncio.sleep(0.01)
        assert process.poll() is None, process.communicate()
    await asyncio.sleep(random.uniform(0, 0.2))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert await records.told(SECRET) != []
    await records.database.client.admin.command("killAllSessions", [])  # which MongoDB does by itself after a while
    told, errors = started(records, tmp_path, *arguments).communicate(timeout=PATIENCE)
    assert (errors, told.splitlines()[-1]) == ("", "The record of Patient/ann is erased.")
    assert await records.told(SECRET) == []
    assert await records.told("Patient/ann") == ["audit"]
    assert (await records.client.get("/Provenance?_summary=count")).json()["total"] == 0
    assert (await records.client.get(f"/Goal/{kept['id']}")).status_code == 200


@pytest.mark.parametrize(
    "arguments", [("erase", "--patient", "ann"), ("merge", "--from", "Patient/ann", "--into", "Group/ann")]
)
def test_a_wrong_reference_is_told_in_one_line(arguments: tuple[str, ...], tmp_path: Path) -> None:
    told = CliRunner().invoke(main, ["person", *arguments, "--reason", "why", "--data", str(tmp_path)])
    assert (told.exit_code, told.output.count("\n")) == (2, 1)
    assert "Patient/1" in told.output


def test_without_the_key_of_the_audit_nothing_is_begun(tmp_path: Path) -> None:
    arguments = ("erase", "--patient", "Patient/ann", "--reason", "why", "--data", str(tmp_path))
    told = CliRunner(env={"RECOVERY_AUDIT_KEY": ""}).invoke(main, ["person", *arguments])
    assert (told.exit_code, told.output.count("\n")) == (2, 1)
    assert "RECOVERY_AUDIT_KEY" in told.output
    assert list(tmp_path.iterdir()) == []


async def test_an_audit_that_is_off_now_is_not_forgotten(settings: Settings) -> None:
    off = settings.model_copy(update={"audit": "off", "audit_key": None})
    uri, person = str(settings.mongodb_uri), person_of("Patient/ann", off)
    async with opened(off, uri) as session, AsyncMongoClient[dict[str, Any]](uri) as mongo:
        audit = mongo[settings.mongodb_database]["audit"]
        await audit.insert_one({"patients": ["Patient/ann"]})
        with pytest.raises(CannotErase, match="RECOVERY_AUDIT_KEY"):
            await Erasing(person, "why", session).run(is_confirmed=True)
        await audit.delete_many({})
        await Erasing(person, "why", session).run(is_confirmed=True)
        assert await audit.count_documents({}) == 0
        await mongo.drop_database(settings.mongodb_database)
