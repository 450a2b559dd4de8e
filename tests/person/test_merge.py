"""Two references to one person become one: in the next versions of what is about them, and nowhere else."""

import signal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from service.cli import main
from service.commands.person.merge import CannotMerge, Merging
from service.commands.person.session import person_of
from service.conformance.references import references_in
from service.store.audit_reading import AuditReading, Wanted
from service.store.driver import Driver
from tests.person.conftest import ANN, BEN, RECORDS, Records, started
from tests.support.recovery import PERSON, assessment, coded, extension, goal, hl7, own, plan
from tests.support.resources import Json, care_plan, created, entry, new_urn, send, transaction
from tests.support.resources import goal as plain_goal

ROBIN = PERSON["reference"]
ELSEWHERE = {"reference": f"{RECORDS}/{ROBIN}"}
WITH_LAW = extension(
    own("legal-basis"),
    valueCodeableConcept_instrument=coded("legal-instrument", "hospital-order"),
    valueReference_authority={"display": "The court"},
)


async def merge(records: Records, into: str = "Patient/ann", from_: str = ROBIN) -> None:
    source, target = (person_of(text, records.settings) for text in (from_, into))
    await Merging(source, target, "Registered twice", records.session).run(is_confirmed=True)


async def lived(records: Records) -> list[Json]:
    """Let Robin have a plan whose goals and assessment depend on each other, and return all of it."""
    chosen, demanded = new_urn(), new_urn()
    supports = extension(hl7("goal-relationship"), valueReference_target={"reference": chosen})
    supports["extension"].insert(0, {"url": "type", "valueCodeableConcept": coded("goal-link", "supports")})
    said = extension(hl7("goal-acceptance"), valueReference_individual=PERSON, valueCode_status="agree")
    obligation = goal(
        category=[coded("goal-orientation", "obligation")], expressedBy=None, text=None, extension=[supports, WITH_LAW]
    )
    whole = plan(
        text=None,
        goal=[{"reference": chosen}, {"reference": demanded}],
        supportingInfo=[ELSEWHERE, BEN],
        contained=[plain_goal(id="c", subject=PERSON, addresses=[{"reference": "#"}])],
    )
    answer = await send(
        records.client,
        transaction(
            entry("POST", "Goal", goal(extension=[said]), chosen),
            entry("POST", "Goal", obligation, demanded),
            entry("POST", "CarePlan", whole),
            entry("POST", "RiskAssessment", assessment(subject=ELSEWHERE)),
        ),
    )
    assert answer.status_code == 200, answer.text
    paths = [each["response"]["location"].partition("/_history")[0] for each in answer.json()["entry"]]
    return [(await records.client.get(f"/{path}")).json() for path in paths]


def with_ann(resource: Json) -> Json:
    """Return ``resource`` with Ann wherever Robin is meant, but for what the service sets."""
    for reference in references_in(resource):
        if reference["reference"] in (ROBIN, ELSEWHERE["reference"]):
            reference["reference"] = ANN["reference"]
    return said(resource)


def said(resource: Json) -> Json:
    told = {**resource, "meta": {key: value for key, value in resource["meta"].items() if key == "profile"}}
    return {key: value for key, value in told.items() if key != "text"}


async def now(records: Records, resource: Json) -> Any:
    return (await records.client.get(f"/{resource['resourceType']}/{resource['id']}")).json()


async def test_every_reference_to_the_person_leads_to_the_other(records: Records) -> None:
    made = await lived(records)
    others = [
        await created(records.client, care_plan(subject=BEN, contributor=[PERSON])),
        await created(records.client, plain_goal(subject={"reference": f"{ROBIN}-2"})),
        await created(records.client, plain_goal(subject=ANN)),
    ]
    gone = await created(records.client, plain_goal(subject=PERSON))
    await records.client.delete(f"/Goal/{gone['id']}")
    await merge(records)
    for resource in made:
        after = await now(records, resource)
        assert after["meta"]["versionId"] == "2"
        assert said(after) == with_ann(resource)
        first = await records.client.get(f"/{resource['resourceType']}/{resource['id']}/_history/1")
        assert first.json()["subject"]["reference"] != "Patient/ann"
    assert [await now(records, each) for each in others] == others
    assert (await records.client.get(f"/Goal/{gone['id']}")).status_code == 410
    found = await records.client.get("/CarePlan?patient=Patient/ann&person-agreement=agree")
    assert [each["resource"]["id"] for each in found.json()["entry"]] == [made[2]["id"]]


async def test_to_do_it_again_does_nothing(records: Records, capsys: pytest.CaptureFixture[str]) -> None:
    made = await lived(records)
    other = await created(records.client, care_plan(subject=BEN, contributor=[PERSON]))
    await merge(records)
    capsys.readouterr()
    await merge(records)
    told = capsys.readouterr().out
    assert f"CarePlan/{other['id']} refers to {ROBIN}" in told
    assert "0 resources" in told
    assert {(await now(records, each))["meta"]["versionId"] for each in made} == {"2"}


async def test_a_reference_of_another_server_is_merged_too(records: Records) -> None:
    """Where its Patient/1 is not ours."""
    elsewhere = "https://old.example.org/fhir/Patient/7"
    made = await created(records.client, plain_goal(subject={"reference": elsewhere}))
    await merge(records, from_=elsewhere)
    assert (await now(records, made))["subject"] == ANN


async def test_what_would_be_wrong_is_not_begun(records: Records) -> None:
    """Here Ann has objected to Robin's goal, and nobody's own goal is active against their will."""
    objection = extension(hl7("goal-acceptance"), valueReference_individual=ANN, valueCode_status="disagree")
    made = [await created(records.client, each) for each in (goal(), goal(extension=[objection]))]
    with pytest.raises(CannotMerge, match=f"(?s)nothing was merged.*Goal/{made[1]['id']}: .*disagrees"):
        await merge(records)
    assert [await now(records, each) for each in made] == made


def test_a_person_is_not_merged_into_themselves(tmp_path: Path) -> None:
    arguments = ("--from", "Patient/1", "--into", f"{RECORDS}/Patient/1", "--reason", "why", "--data", str(tmp_path))
    told = CliRunner(env={"RECOVERY_PATIENT_BASES": RECORDS}).invoke(main, ["person", "merge", *arguments])
    assert (told.exit_code, told.output.count("\n")) == (1, 1)
    assert "the same" in told.output


async def test_the_audit_tells_of_it(records: Records) -> None:
    made = await created(records.client, plain_goal(subject=PERSON))
    await merge(records)
    driver = Driver("pymongo", str(records.settings.mongodb_uri), records.settings.mongodb_database)
    try:
        events = [each.happened async for each in AuditReading(driver).events(Wanted())]
    finally:
        await driver.close()
    goes_on = ("Goal", made["id"], 2, "Patient/ann", "U")
    (event,) = [each for each in events if each.interaction == "person-merge" and goes_on in each.touched]
    assert event.query == f"from={ROBIN}&into=Patient/ann&reason=Registered+twice"
    assert event.touched == (goes_on,)


async def test_a_run_that_was_killed_is_gone_on_with(records: Records, tmp_path: Path) -> None:
    many = [entry("POST", "Goal", plain_goal(subject=PERSON)) for _ in range(150)]
    assert (await send(records.client, transaction(*many))).status_code == 200
    arguments = ("merge", "--from", ROBIN, "--into", "Patient/ann")
    goals = records.database["Goal"]
    process = started(records, tmp_path, *arguments)
    while not await goals.count_documents({"version": 2}):
        assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert await goals.count_documents({"version": 1}) > 0
    await merge(records)
    assert await goals.count_documents({"version": 2, "search.subject": "Patient/ann"}) == 150
