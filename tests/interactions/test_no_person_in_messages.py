"""What a refusal says never repeats a person's data, and the log neither."""

import json
import logging

import orjson
import pytest

from service.conformance.validation.validator import Validator
from tests.support.app import client_of
from tests.support.resources import batch, care_plan, created, entry, goal, risk_assessment, transaction

NAME = "Ximena-Quiñones"
MARK = "Ximena"

OBSERVATION = {"resourceType": "Observation", "id": "o", "status": NAME, "code": NAME, "valueQuantity": {"value": NAME}}
PATIENT = {
    "resourceType": "Patient",
    "birthDate": f"{NAME} 1970",
    "gender": NAME,
    "name": [{"family": [NAME]}],
    "active": NAME,
}
BAD = [
    care_plan(status=NAME, intent=f" {NAME}", title=[NAME], created=NAME, note=NAME, language=NAME + "  x"),
    care_plan(subject={"reference": f"Practitioner/{MARK}"}),
    care_plan(subject=NAME, period={"start": NAME, "end": 5}, activity=[NAME, [NAME], {"detail": {"status": NAME}}]),
    care_plan(contained=[OBSERVATION]),
    care_plan(contained=[PATIENT]),
    care_plan(contained=[{"resourceType": NAME}]),
    care_plan(contained=[{"resourceType": "Binary", "contentType": "x/y", "data": f"{NAME}*"}]),
    care_plan(resourceType=NAME),
    care_plan(id=NAME),
    goal(
        description={"text": NAME, "coding": [{"code": f" {NAME}"}]},
        target=[{"dueDate": NAME}],
    ),
    goal(note=[{"text": f"{NAME}\x00"}]),
    risk_assessment(prediction=[{"probabilityDecimal": NAME}], occurrenceDateTime=NAME),
]


@pytest.fixture
def client(shared_client):
    return shared_client


@pytest.fixture
def quiet(caplog):
    """Return a function that asserts that neither the answer nor the log so far repeats the name."""
    caplog.set_level(logging.DEBUG)

    def check(response, *, status):
        assert response.status_code in status, response.text
        assert MARK not in response.text
        assert MARK not in str(response.headers)
        records = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
        for record in records:
            told = f"{record.getMessage()} {record.exc_text or ''} {record.exc_info or ''}"
            if not record.name.startswith("pymongo"):  # the driver's own debug log, which is never switched on
                assert MARK not in told

    return check


@pytest.mark.parametrize("body", BAD, ids=lambda body: f"{str(body)[-40:]}")
async def test_refusal_of_a_resource_repeats_none_of_its_values(client, quiet, body):
    kind = body["resourceType"] if body["resourceType"] != NAME else "CarePlan"
    for text in (json.dumps(body), json.dumps(body, ensure_ascii=False).encode()):
        quiet(await client.post(f"/{kind}", content=text), status=(400, 422))
        quiet(await client.put(f"/{kind}/x", content=text), status=(400, 422))
    for make in (transaction, batch):
        response = await client.post("", content=orjson.dumps(make(entry("POST", kind, body))))
        quiet(response, status=(200, 400, 422))


@pytest.mark.parametrize("text", [f'{{"a":"{NAME}"', f'{{"a":"{NAME}","a":1}}', f"{NAME}", f'["{NAME}"]', f'"{NAME}"'])
async def test_refusal_of_what_is_no_resource_repeats_nothing(client, quiet, text):
    quiet(await client.post("/Goal", content=text.encode()), status=(400,))
    quiet(await client.post("", content=text.encode()), status=(400,))


async def test_refusal_of_an_address_or_a_header_repeats_no_value(client, quiet):
    made = await created(client, goal())
    for path in (f"/Goal/{MARK}", f"/Goal/{MARK}/_history", f"/Goal/{made['id']}/_history/{MARK}", f"/Goal/{NAME}"):
        quiet(await client.get(path), status=(400, 404))
    for query in (f"_count={NAME}", f"_total={NAME}", f"_summary={NAME}", f"_page={NAME}", f"start-date={NAME}"):
        quiet(await client.get(f"/Goal?{query}"), status=(400,))
    for query in (f"start-date=ge{NAME}", f"start-date=ge2026{MARK}", f"start-date=20{MARK}", f"_lastUpdated=1{MARK}"):
        quiet(await client.get(f"/Goal?{query}"), status=(400,))
    for query in (f"probability=1{MARK}", f"probability={MARK}", f"date=2026-{MARK}"):
        quiet(await client.get(f"/RiskAssessment?{query}"), status=(400,))
    quiet(await client.get(f"/Goal/{made['id']}/_history?_since={NAME}"), status=(400,))
    for name in ("If-Match", "If-None-Exist", "Content-Type", "Accept"):
        body = {**made, "statusDate": "2026-01-01"}
        headers = {name: MARK}
        quiet(await client.post("/Goal", json=body, headers=headers), status=(201, 400, 406, 415))
        if name != "If-None-Exist":
            quiet(await client.put(f"/Goal/{made['id']}", json=body, headers=headers), status=(406, 412, 415))


async def test_refusal_of_a_reference_that_leads_nowhere_does_not_repeat_it(client, quiet):
    aim = goal(subject={"reference": f"urn:uuid:{MARK}"})
    quiet(await client.post("", content=orjson.dumps(transaction(entry("POST", "Goal", aim)))), status=(422,))


async def test_fault_of_ours_is_told_by_a_number_and_logged_without_its_message(settings, quiet, caplog, monkeypatch):
    def fail(*_):
        raise RuntimeError(f"something about {NAME}")

    monkeypatch.setattr(Validator, "issues", fail)
    async with client_of(settings) as client:
        response = await client.post("/Goal", json=goal(note=[{"text": NAME}]))
        quiet(response, status=(500,))
        (issue,) = response.json()["issue"]
        assert (issue["code"], issue["details"]["coding"][0]["code"]) == ("exception", "internal")
        number = issue["diagnostics"].rpartition(" ")[2]
        (record,) = [item for item in caplog.records if number in item.getMessage()]
        assert record.levelname == "ERROR"
        assert "RuntimeError" in record.getMessage()
        assert "test_no_person_in_messages.py" in record.getMessage()


async def test_fault_in_one_entry_of_a_batch_stays_there(settings, monkeypatch):
    real = Validator.issues

    def fail_for_plans(self, resource, root=None, profiles=()):
        if resource["resourceType"] == "CarePlan":
            raise RuntimeError(NAME)
        return real(self, resource, root, profiles)

    monkeypatch.setattr(Validator, "issues", fail_for_plans)
    async with client_of(settings) as client:
        both = batch(entry("POST", "CarePlan", care_plan()), entry("POST", "Goal", goal()))
        response = await client.post("", content=orjson.dumps(both))
        assert [item["response"]["status"][:3] for item in response.json()["entry"]] == ["500", "201"]
        assert MARK not in response.text
