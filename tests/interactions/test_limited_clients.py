"""What clients with less than every right find out and leave behind, where one right is wider than another."""

from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.settings import Settings
from tests.support import recovery
from tests.support.app import client_of
from tests.support.issuer import bearer, token_settings
from tests.support.resources import Json, care_plan, created, goal

WORKER = {"fhirUser": "Practitioner/worker", "clearance": "*"}
ALL = bearer("system/*.cruds system/AuditEvent.rs", clearance="*")
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
VERY_RESTRICTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V"}


@pytest.fixture(scope="module")
async def client(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    known = token_settings(tmp_path_factory.mktemp("keys"))
    settings = Settings(mongodb_uri=mongodb_uri, mongodb_database="test_limited_clients", **known)
    async with client_of(settings) as found:
        found.headers.update(ALL)
        yield found


def of_ann(**claims: Any) -> dict[str, str]:
    return bearer("patient/*.cruds", patient="ann", **claims)


def plan_of_ann(**members: Any) -> Json:
    return care_plan(**{"subject": {"reference": "Patient/ann"}, **members})


async def label(client: httpx.AsyncClient, address: str) -> None:
    parameter = {"name": "meta", "valueMeta": {"security": [VERY_RESTRICTED]}}
    parameters = {"resourceType": "Parameters", "parameter": [parameter]}
    assert (await client.post(f"{address}/$meta-add", json=parameters)).status_code == 200


@pytest.mark.parametrize(
    "target", ["Patient/ben", "Observation/1", "https://other.example.net/fhir/CarePlan/1", "CarePlan/never-was"]
)
async def test_a_provenance_of_what_is_not_seen_is_not_stored(client: httpx.AsyncClient, target: str) -> None:
    told = {"resourceType": "Provenance", "recorded": "2026-11-22T09:30:00Z", "agent": [{"who": {"display": "Ade"}}]}
    body = {**told, "target": [{"reference": target}]}
    assert (await client.post("/Provenance", json=body, headers=of_ann(**WORKER))).status_code == 403
    assert (await client.get("/Provenance?_summary=count")).json()["total"] == 0


async def test_everything_of_a_plan_that_may_be_read_and_not_searched(client: httpx.AsyncClient) -> None:
    made = await created(client, plan_of_ann(status="draft"))
    headers = bearer("user/CarePlan.r user/CarePlan.s?status=active", **WORKER)
    address = f"/CarePlan/{made['id']}"
    assert (await client.get(address, headers=headers)).status_code == 200
    found, unknown = [await client.get(f"{each}/$everything", headers=headers) for each in (address, "/CarePlan/no")]
    assert (found.status_code, found.text) == (404, unknown.text)


@pytest.mark.parametrize("others", ["user/CarePlan.ru?status=draft", "user/CarePlan.r user/CarePlan.u?status=draft"])
async def test_an_id_that_is_taken_is_answered_as_one_that_is_not(client: httpx.AsyncClient, others: str) -> None:
    taken = (await created(client, plan_of_ann(status="active")))["id"]
    headers = bearer(f"user/CarePlan.c {others}", **WORKER)
    answers = [
        await client.put(f"/CarePlan/{each}", json=plan_of_ann(id=each, status="draft"), headers=headers)
        for each in (taken, "not-taken")
    ]
    assert [each.status_code for each in answers] == [404, 404]
    assert answers[0].text == answers[1].text


@pytest.mark.parametrize(
    "author",
    [
        {"reference": "Patient/ann", "display": "Dr Grey"},
        {"reference": "Patient/ann", "identifier": {"system": "urn:doctors", "value": "7"}},
    ],
)
async def test_people_sign_in_no_other_name(client: httpx.AsyncClient, author: Json) -> None:
    headers = of_ann(fhirUser="Patient/ann")
    party = [{"url": "party", "valueReference": author}, {"url": "status", "valueCode": "agree"}]
    agreement = {"url": "https://w3id.org/recovery-plan/StructureDefinition/agreement", "extension": party}
    for added in ({"note": [{"text": "Stop it.", "authorReference": author}]}, {"extension": [agreement]}):
        made = await created(client, plan_of_ann())
        answer = await client.put(f"/CarePlan/{made['id']}", json={**made, **added}, headers=headers)
        assert answer.status_code == 403, answer.text


async def test_people_sign_in_the_name_that_the_record_has(client: httpx.AsyncClient) -> None:
    named = {"reference": "Patient/ann", "display": "Ann"}
    made = await created(client, plan_of_ann(subject=named))
    changed = {**made, "note": [{"text": "So it is.", "authorReference": {**named, "type": "Patient"}}]}
    answer = await client.put(f"/CarePlan/{made['id']}", json=changed, headers=of_ann(fhirUser="Patient/ann"))
    assert answer.status_code == 200, answer.text


class TestAnAnswerThatIsRemembered:
    """It is for who may still read what it tells of."""

    async def test_of_a_patch(self, client: httpx.AsyncClient) -> None:
        made = await created(client, plan_of_ann(title="a secret"))
        address = f"/CarePlan/{made['id']}"
        headers = {**bearer("user/*.cruds", fhirUser="Practitioner/worker"), **JSON_PATCH, "Idempotency-Key": '"one"'}
        operations = [{"op": "add", "path": "/description", "value": "x"}]
        first, again = [await client.patch(address, json=operations, headers=headers) for _ in range(2)]
        assert "a secret" in first.text
        assert again.content == first.content
        await label(client, address)
        last = await client.patch(address, json=operations, headers=headers)
        assert (last.status_code, last.text, last.headers["etag"]) == (200, "", first.headers["etag"])

    async def test_of_a_transaction(self, client: httpx.AsyncClient) -> None:
        entries = [
            {"resource": each, "request": {"method": "POST", "url": each["resourceType"]}}
            for each in (plan_of_ann(title="a secret"), goal())
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        headers = {
            **bearer("user/*.cruds", fhirUser="Practitioner/worker"),
            "Prefer": "return=representation",
            "Idempotency-Key": '"two"',
        }
        first, again = [await client.post("", json=bundle, headers=headers) for _ in range(2)]
        assert again.content == first.content
        location = first.json()["entry"][0]["response"]["location"]
        await label(client, f"/{location.partition('/_history')[0]}")
        last = await client.post("", json=bundle, headers=headers)
        assert (last.status_code, last.text) == (200, "")


async def test_a_token_in_an_address_is_not_recorded(client: httpx.AsyncClient) -> None:
    secret = "a-token-that-is-in-the-wrong-place"
    entry = {"request": {"method": "GET", "url": f"CarePlan?access_token={secret}&_id=1"}}
    await client.post("", json={"resourceType": "Bundle", "type": "batch", "entry": [entry]})
    await client.get(f"/CarePlan/1?access%5Ftoken={secret}")
    await client.post("/CarePlan", json=plan_of_ann(), headers={"If-None-Exist": f"_id=1&access_token={secret}"})
    recorded = (await client.get("/AuditEvent?_count=10")).json()["entry"]
    queries = [text for each in recorded for text in _texts(each["resource"])]
    assert any("access" in text for text in queries)
    assert not any(secret in text for text in queries)


def _texts(event: Json) -> list[str]:
    encoded = [b64decode(entity["query"]).decode() for entity in event["entity"] if "query" in entity]
    return [*encoded, str(event)]


async def test_who_asks_too_often_is_recorded_and_what_is_public_counts(mongodb_uri: str, tmp_path: Path) -> None:
    known = token_settings(tmp_path)
    settings = Settings(mongodb_uri=mongodb_uri, mongodb_database="test_limited_rates", rate_limit=2, **known)
    auditor, reader = (bearer("system/*.rs system/AuditEvent.rs", sub=name) for name in ("auditor", "reader"))
    async with client_of(settings) as limited:
        for path, headers in (("/metadata", {}), ("/Goal?_count=0", reader)):
            answers = [await limited.get(path, headers=headers) for _ in range(3)]
            assert [each.status_code for each in answers] == [200, 200, 429]
        refused = (await limited.get("/AuditEvent?_count=1", headers=auditor)).json()["entry"][0]["resource"]
        assert "reader" in str(refused["agent"])


@pytest.mark.parametrize("path", ["/Goal?identifier=urn:paged|1&_count=1", "/Goal/_history?_count=1"])
async def test_a_later_page_has_nothing_that_was_labelled_since(client: httpx.AsyncClient, path: str) -> None:
    headers = bearer("user/*.cruds", fhirUser="Practitioner/worker")
    made = [await created(client, goal(identifier=[{"system": "urn:paged", "value": "1"}])) for _ in range(3)]
    page = (await client.get(path, headers=headers)).json()
    for each in made:
        await label(client, f"/Goal/{each['id']}")
    for link in page["link"]:
        if link["relation"] == "next":
            again = (await client.get(link["url"], headers=headers)).json()
            assert "entry" not in again
            break
    else:
        raise AssertionError("there is a next page")


class TestAReferenceThatAClientDoesNotSee:
    async def test_may_stay_where_it_was_right(self, client: httpx.AsyncClient) -> None:
        hidden = await created(client, recovery.goal())
        made = await created(client, recovery.plan(goal=[{"reference": f"Goal/{hidden['id']}"}]))
        await label(client, f"/Goal/{hidden['id']}")
        headers = bearer("user/*.cruds", fhirUser="Practitioner/worker")
        first = await client.put(f"/CarePlan/{made['id']}", json={**made, "title": "Second"}, headers=headers)
        await client.delete(f"/Goal/{hidden['id']}")
        then = await client.put(f"/CarePlan/{made['id']}", json={**made, "title": "Third"}, headers=headers)
        assert (first.status_code, then.status_code) == (200, 200), "nor does it tell whether that is still there"

    async def test_does_not_come_to_light_by_being_left(self, client: httpx.AsyncClient) -> None:
        hidden = await created(client, recovery.goal(subject={"reference": "Patient/ben"}))
        answers = []
        for name in (hidden["id"], "never-was"):
            profiled = recovery.plan(subject={"reference": "Patient/ann"}, goal=[{"reference": f"Goal/{name}"}])
            headers = of_ann(**WORKER)
            bare = {key: value for key, value in profiled.items() if key != "meta"}
            made = (await client.post("/CarePlan", json=bare, headers=headers)).json()
            changed = {**profiled, "id": made["id"]}
            answer = await client.put(f"/CarePlan/{made['id']}", json=changed, headers=headers)
            answers.append(answer.text.replace(name, "unseen"))
        assert answers[0] == answers[1]
        assert "There is no Goal/unseen here" in answers[0]
