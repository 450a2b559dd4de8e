"""What cannot be exported is refused at once, with the reason, and no job is made of it."""

from typing import Any

import orjson
import pytest

from tests.bulk.conftest import Records
from tests.support.exports import ASYNC, LENIENT, kick_off
from tests.support.resources import Json, batch, entry, problems, send, transaction


def parameter(name: str, **value: Any) -> Json:
    return {"resourceType": "Parameters", "parameter": [{"name": name, **value}]}


@pytest.mark.parametrize("path", ["/$export", "/Patient/$export"])
@pytest.mark.parametrize("headers", [{}, {"Prefer": "handling=lenient"}, {"Prefer": "return=minimal"}])
async def test_it_has_to_be_asked_for_as_work_in_the_background(records: Records, path, headers) -> None:
    answer = await kick_off(records.client, path, headers=headers)
    assert answer.status_code == 400
    assert problems(answer) == [("async-required", "http.Prefer")]
    assert "Prefer: respond-async" in answer.text


@pytest.mark.parametrize(
    ("path", "asked", "rule", "word"),
    [
        ("/$export", {"_type": "Goal,Patient"}, "parameter-value", "Patient is not exported here"),
        ("/$export", {"_type": "Goals"}, "parameter-value", "did you mean Goal?"),
        ("/Patient/$export", {"_type": "Subscription"}, "parameter-value", "Subscription is not exported here"),
        ("/$export", {"_types": "Goal"}, "unknown-parameter", "did you mean _type?"),
        ("/$export", {"includeAssociatedData": "x"}, "unknown-parameter", "includeAssociatedData"),
        ("/$export", {"patient": "Patient/ann"}, "unknown-parameter", "patient"),
        ("/Patient/$export", {"patient": "Patient/ann"}, "parameter-value", "valueReference in Parameters"),
        ("/$export", {"_outputFormat": "text/csv"}, "parameter-value", "application/fhir+ndjson"),
        ("/$export", {"_since": "yesterday"}, "parameter-value", "2026-11-01T09:30:00Z"),
        ("/$export", {"_since": "2026-11-01T09:30:00"}, "parameter-value", "with its zone"),
        ("/$export", {"_since": "2999-01-01"}, "parameter-value", "ahead of the clock"),
        ("/$export", {"_elements": "title2"}, "parameter-value", "title2"),
        ("/$export", {"_elements": "Patient.name"}, "parameter-value", "Patient"),
        ("/$export", {"_typeFilter": "Goal?bogus=1"}, "unknown-parameter", "bogus"),
        ("/$export", {"_typeFilter": "Goal?lifecycle-status:nope=1"}, "unknown-parameter", "nope"),
        ("/$export", {"_typeFilter": "Goal?start-date=soon"}, "parameter-value", "start-date"),
        ("/$export", {"_typeFilter": "Goal?start-date=%ff"}, "parameter-value", "percent-encoded"),
        ("/$export", {"_typeFilter": "Goal?_sort=start-date"}, "parameter-value", "_sort"),
        ("/$export", {"_typeFilter": "CarePlan?_include=CarePlan:goal"}, "parameter-value", "_include"),
        ("/$export", {"_typeFilter": "Goal?_elements=id"}, "unknown-parameter", "_elements"),
        ("/$export", {"_typeFilter": "CarePlan?goal.lifecycle-status=active"}, "parameter-value", "no chains"),
        ("/$export", {"_typeFilter": "Goal?_has:CarePlan:goal:status=active"}, "parameter-value", "no _has"),
        (
            "/$export",
            {"_typeFilter": "CarePlan?_filter=goal.lifecycle-status eq active"},
            "parameter-value",
            "no chains",
        ),
        ("/$export", {"_typeFilter": "Patient?name=x"}, "parameter-value", "no search of what is exported"),
        ("/$export", {"_type": "CarePlan", "_typeFilter": "Goal?_id=1"}, "parameter-value", "no search of what"),
        ("/$export", {"_typeFilter": "status=active"}, "parameter-value", "no search of what is exported"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_its_place(records: Records, path, asked, rule, word) -> None:
    answer = await kick_off(records.client, path, **asked)
    assert answer.status_code == 400
    (name, *_) = [name for name in asked if name != "_type" or len(asked) == 1]
    assert problems(answer) == [(rule, f"http.{name}")]
    assert word in answer.json()["issue"][0]["diagnostics"]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (parameter("patient", valueReference={"display": "somebody"}), "Parameters.parameter"),
        (parameter("patient", valueString="Patient/ann"), "Parameters.parameter[0]"),
        (parameter("_type", valueCode="Goal"), "Parameters.parameter[0]"),
        (parameter("_since", valueInstant="yesterday"), "Parameters.parameter[0].value.ofType(instant)"),
        ({"resourceType": "Goal"}, "Parameters.resourceType"),
    ],
)
async def test_so_is_what_the_body_says(records: Records, body, place) -> None:
    answer = await kick_off(records.client, "/Patient/$export", body)
    assert answer.status_code == 400
    assert [where for _, where in problems(answer)] == [place]


async def test_a_moment_is_given_once(records: Records) -> None:
    answer = await kick_off(records.client, _since=["2026-11-01", "2026-11-02"])
    assert answer.status_code == 400
    assert problems(answer) == [("parameter-value", "http._since")] * 2


async def test_lenience_is_for_what_is_not_known_and_not_for_what_cannot_be_read(records: Records) -> None:
    for asked in ({"_since": "x"}, {"_outputFormat": "csv"}, {"_typeFilter": "Goal?start-date=soon"}):
        assert (await kick_off(records.client, headers=LENIENT, **asked)).status_code == 400


@pytest.mark.parametrize("path", ["/Goal/$export", "/Group/1/$export", "/Patient/ann/$export", "/Practitioner/$export"])
async def test_it_is_for_the_system_and_for_people_alone(records: Records, path) -> None:
    answer = await kick_off(records.client, path)
    assert answer.status_code == 404
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_it_is_no_entry_of_a_bundle(records: Records) -> None:
    answer = await send(records.client, batch(entry("GET", "$export")), **ASYNC)
    assert answer.json()["entry"][0]["response"]["status"].startswith("422 ")
    answer = await send(records.client, transaction(entry("GET", "$export")), **ASYNC)
    assert answer.status_code in (400, 422)


async def test_it_is_in_the_capability_statement_and_its_definitions_can_be_read(records: Records) -> None:
    statement = (await records.client.get("/metadata")).json()
    assert statement["instantiates"] == ["http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data"]
    named = [each["definition"] for each in statement["rest"][0]["operation"] if each["name"] == "export"]
    for url, official in zip(named, ("export", "patient-export"), strict=True):
        found = (await records.client.get("/OperationDefinition", params={"url": url})).json()
        definition = found["entry"][0]["resource"]
        assert definition["base"] == f"http://hl7.org/fhir/uv/bulkdata/OperationDefinition/{official}"


async def test_a_job_that_is_nobodys_is_not_there(records: Records) -> None:
    for path in ("/$job/none", "/$job/none/Goal-1.ndjson"):
        answer = await records.client.get(path)
        assert answer.status_code == 404
        assert orjson.loads(answer.content)["issue"][0]["code"] == "not-found"
