"""AuditEvents over REST: found by what R4 says, the newest first, in JSON, in XML and as a page, written by nobody."""

import re
from base64 import b64decode
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from service.settings import Settings
from tests.support.app import client_of
from tests.support.issuer import bearer, token_settings
from tests.support.resources import care_plan, goal

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
AUDITOR = bearer("system/AuditEvent.rs", client_id="privacy", sub="privacy")
NURSE = bearer(
    "user/*.cruds", fhirUser="Practitioner/nurse", sub="u-1", client_id="ehr", clearance="*", purpose_of_use="TREAT"
)
ANN = bearer("patient/*.rs patient/AuditEvent.rs", patient="ann", fhirUser="Patient/ann", sub="u-2", client_id="phone")
PLAN = "CarePlan/plan-of-ann"
OF_BOTH = f"entity={PLAN},Goal/goal-of-ben"
"""Leaves out what the auditor did, which is about these people, too."""


@pytest.fixture(scope="module")
async def client(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A service where a nurse wrote a plan for Ann and a goal for Ben, and read them, and Ann read her plan."""
    keys = token_settings(tmp_path_factory.mktemp("keys"))
    settings = Settings(mongodb_uri=mongodb_uri, mongodb_database="test_audit_searching", **keys)
    ann, ben = ({"subject": {"reference": f"Patient/{name}"}} for name in ("ann", "ben"))
    chooser = bearer("system/*.cruds", clearance="*", client_id="loader", sub="loader")
    async with client_of(settings) as found:
        await found.put(PLAN, json=care_plan(id="plan-of-ann", **ann), headers=chooser)
        await found.put("Goal/goal-of-ben", json=goal(id="goal-of-ben", **ben), headers=chooser)
        await found.get(PLAN, headers=NURSE)
        await found.get("Goal?patient=ann,ben", headers=NURSE)
        await found.get(PLAN, headers={**ANN, "X-Request-Id": "ann-reads"})
        await found.get("Goal/not-there", headers=NURSE)
        yield found


async def found(client: httpx.AsyncClient, query: str, headers: dict[str, str] = AUDITOR) -> list[dict[str, Any]]:
    answer = await client.get(f"AuditEvent?{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return [entry["resource"] for entry in answer.json().get("entry", ())]


def what(event: dict[str, Any]) -> list[str]:
    return [each["what"]["reference"] for each in event["entity"] if "reference" in each.get("what", {})]


def users(events: list[dict[str, Any]]) -> list[str | None]:
    return [
        next((each["who"].get("reference") for each in event["agent"] if each["requestor"]), None) for event in events
    ]


async def test_who_saw_this_plan(client: httpx.AsyncClient) -> None:
    events = await found(client, f"entity={PLAN}")
    assert users(events) == ["Patient/ann", "Practitioner/nurse", None]
    assert [event["subtype"][0]["code"] for event in events] == ["read", "read", "update"]
    assert all(f"{PLAN}/_history/1" in what(event) for event in events)


@pytest.mark.parametrize(
    ("query", "number"),
    [
        (f"entity={PLAN}/_history/1", 3),
        (f"entity={PLAN}/_history/2", 0),
        ("entity=Goal/goal-of-ben", 2),
        ("entity:Goal=goal-of-ben", 2),
        (f"entity=http://testserver/fhir/R4/{PLAN}", 3),
        (f"entity={PLAN},Goal/goal-of-ben", 5),
        (f"entity={PLAN}&entity=Goal/goal-of-ben", 0),
        (f"patient=ann&{OF_BOTH}", 4),
        (f"patient=Patient/ben&{OF_BOTH}", 2),
        (f"patient=ann&patient=ben&{OF_BOTH}", 1),
        (f"entity=Patient/ben&{OF_BOTH}", 2),
        ("agent=Practitioner/nurse", 3),
        ("agent=Patient/ann", 1),
        ("agent:identifier=urn:example:issuer|ehr", 3),
        ("altid=u-2", 1),
        ("outcome=4&agent=Practitioner/nurse", 1),
        ("outcome=0&agent=Practitioner/nurse", 2),
        (f"entity={PLAN}&action=R", 2),
        (f"entity={PLAN}&subtype=update", 1),
        (f"entity={PLAN}&type=http://terminology.hl7.org/CodeSystem/audit-event-type|rest", 3),
        (f"entity={PLAN}&address=127.0.0.1", 3),
        (f"entity={PLAN}&date=ge2026-01-01", 3),
        (f"entity={PLAN}&date=lt2026-01-01", 0),
        (f"entity={PLAN}&_lastUpdated=gt2026-01-01&_lastUpdated=lt2999", 3),
        (f"_filter=entity re {PLAN} and action eq R", 2),
    ],
)
async def test_what_is_asked_for_is_found(client: httpx.AsyncClient, query: str, number: int) -> None:
    events = await found(client, f"{query}&_total=accurate")
    assert len(events) == number


async def test_an_event_is_read_by_its_id_in_json_and_in_xml(client: httpx.AsyncClient) -> None:
    (event,) = await found(client, f"entity={PLAN}&_count=1")
    assert (await client.get(f"AuditEvent/{event['id']}", headers=AUDITOR)).json() == event
    assert await found(client, f"_id={event['id']},no-such-event") == [event]
    xml = await client.get(f"AuditEvent/{event['id']}", headers={**AUDITOR, "Accept": "application/fhir+xml"})
    assert f'<AuditEvent xmlns="http://hl7.org/fhir"><id value="{event["id"]}"/>' in xml.text
    part = await client.get(f"AuditEvent/{event['id']}?_elements=recorded", headers=AUDITOR)
    assert "entity" not in part.json()
    for name in ("no-such-event", event["id"] + "9"):
        assert (await client.get(f"AuditEvent/{name}", headers=AUDITOR)).status_code == 404


async def test_pages_lead_from_the_newest_to_the_oldest_whatever_is_recorded_meanwhile(
    client: httpx.AsyncClient,
) -> None:
    whole = [event["id"] for event in await found(client, "patient=ann&_count=1000")]
    seen: list[str] = []
    address: str | None = "AuditEvent?patient=ann&_sort=-date&_count=1"
    while address is not None:
        page = (await client.get(address, headers=AUDITOR)).json()
        seen += [entry["resource"]["id"] for entry in page["entry"]]
        address = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
    assert len(whole) > 3
    assert seen[-len(whole) :] == whole


async def test_what_cannot_be_done_is_refused_with_the_reason(client: httpx.AsyncClient) -> None:
    for query, reason in (
        ("_sort=date", "the newest|read from its end"),
        ("_sort=agent", "read from its end"),
        ("entity.status=active", "no chains"),
        ("_has:Provenance:entity:agent=Patient/ann", "no chains"),
        ("_include=AuditEvent:entity", "without what it refers to"),
        ("_contained=true", "Nothing contains"),
        ("agent-name=Smith", "no search parameter"),
    ):
        answer = await client.get(f"AuditEvent?{query}", headers=AUDITOR)
        assert answer.status_code == 400
        assert re.search(reason, answer.json()["issue"][0]["diagnostics"]), answer.text


async def test_a_search_that_takes_too_long_is_refused_with_advice(settings: Settings) -> None:
    async with client_of(settings.model_copy(update={"search_seconds": 0.000_001})) as client:
        await client.get("metadata")
        answer = await client.get("AuditEvent")
    assert answer.status_code == 503
    assert "patient, entity, agent and date" in answer.json()["issue"][0]["diagnostics"]


async def test_reading_the_audit_is_audited(client: httpx.AsyncClient) -> None:
    (event,) = await found(client, f"entity={PLAN}&_count=1")
    own, *_ = await found(client, f"entity=AuditEvent/{event['id']}")
    assert f"AuditEvent/{event['id']}/_history/1" in what(own)
    asked = [b64decode(each["query"]).decode() for each in own["entity"] if "query" in each]
    assert asked == [f"GET AuditEvent?entity={PLAN.replace('/', '%2F')}&_count=1"]


async def test_a_person_sees_who_saw_theirs_and_nothing_of_others(client: httpx.AsyncClient) -> None:
    events = await found(client, "subtype=search-type&agent=Practitioner/nurse", ANN)
    assert [what(event) for event in events] == [["Patient/ann"]]
    assert events[0]["meta"]["security"][0]["code"] == "REDACTED"
    assert not any("query" in each for each in events[0]["entity"])
    assert await found(client, "entity=Goal/goal-of-ben", ANN) == []
    assert len(await found(client, f"entity={PLAN}", ANN)) == 3


async def test_only_a_scope_that_names_it_opens_it(client: httpx.AsyncClient) -> None:
    assert (await client.get("AuditEvent", headers=NURSE)).status_code == 403


async def test_nobody_writes_one(client: httpx.AsyncClient) -> None:
    (event,) = await found(client, f"entity={PLAN}&_count=1")
    for method in ("PUT", "PATCH", "DELETE"):
        answer = await client.request(method, f"AuditEvent/{event['id']}", json=event, headers=AUDITOR)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert (await client.post("AuditEvent", json=event, headers=AUDITOR)).status_code == 405


async def test_in_a_browser_it_is_a_table_in_plain_words(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"AuditEvent?entity={PLAN}&_count=2", headers={**AUDITOR, **BROWSER})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    text = answer.text
    assert "<h1>Who saw this plan, and who changed it</h1>" in text
    columns = re.findall(r'<th scope="col">(.*?)</th>', text)
    assert columns == ["When", "Who", "Role", "From where", "What they did", "Why"]
    rows = [re.findall(r"<td>(.*?)</td>", row, re.DOTALL) for row in re.findall(r"<tr.*?</tr>", text, re.DOTALL)[1:]]
    assert [row[0] for row in rows] == ["Patient/ann", "Practitioner/nurse"]
    assert [row[1] for row in rows] == ["The person whose records these are", "A professional"]
    assert "ehr" in rows[1][2]
    assert f"<p>Read {PLAN}, version 1</p>" in rows[1][3]
    assert "treatment" in rows[1][4]
    older = re.findall(r'<a href="([^"]+)">Older</a>', text)
    following = await client.get(older[0].replace("&amp;", "&"), headers=AUDITOR)
    assert f"Changed {PLAN}" in following.text or f"Created {PLAN}" in following.text


async def test_a_refusal_stands_in_the_table_with_its_reason(client: httpx.AsyncClient) -> None:
    text = (await client.get("AuditEvent?outcome=4&_format=html", headers=AUDITOR)).text
    assert "Asked, and was given nothing" in text
    assert "HTTP 404 unknown-resource" in text


async def test_nothing_found_is_said_in_words(client: httpx.AsyncClient) -> None:
    text = (await client.get("AuditEvent?entity=CarePlan/none&_format=html", headers=AUDITOR)).text
    assert "Nothing is recorded that fits what you asked for." in text


async def test_a_page_shows_whole_events(client: httpx.AsyncClient) -> None:
    for query in ("_summary=true", "_elements=recorded", "_count=0"):
        assert (await client.get(f"AuditEvent?{query}&_format=html", headers=AUDITOR)).status_code == 400
