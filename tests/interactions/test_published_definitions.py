"""The definitions that the service holds can be read and searched, and by nobody changed."""

import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.app import create_app
from service.conformance.definitions import Definitions
from service.fhir.versions import R4
from service.settings import Settings
from tests.support.resources import batch, entry, exactly, problems, send, statuses, transaction

FILES = sorted([*R4.definitions.glob("*-*.json"), *R4.definitions.glob("core/*-*.json")])
TYPES = Definitions(R4).published_types
OWN = "https://w3id.org/recovery-plan"
HL7 = "http://hl7.org/fhir"


@pytest.fixture
def client(shared_client: httpx.AsyncClient) -> httpx.AsyncClient:
    return shared_client


def in_file(path: Path) -> tuple[str, str, bytes]:
    """Return type and id of the definition in a file, and its text."""
    text = path.read_bytes()
    content = json.loads(text)
    return content["resourceType"], content["id"], text


async def found(client: httpx.AsyncClient, query: str) -> list[Any]:
    answer = await client.get(f"/{query}")
    assert answer.status_code == 200, answer.text
    return [item["resource"] for item in answer.json().get("entry", [])]


async def urls(client: httpx.AsyncClient, query: str) -> list[str]:
    return [item["url"] for item in await found(client, query)]


def test_every_type_of_definition_that_is_held_is_published_and_no_other() -> None:
    assert {in_file(path)[0] for path in FILES} == set(TYPES)


async def test_each_definition_is_read_as_it_stands_in_its_file(client: httpx.AsyncClient) -> None:
    for path in FILES:
        resource_type, resource_id, text = in_file(path)
        answer = await client.get(f"/{resource_type}/{resource_id}")
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == "application/fhir+json; charset=utf-8"
        assert exactly(answer.content) == exactly(text), path


async def test_the_pages_of_a_type_hold_each_definition_once(client: httpx.AsyncClient) -> None:
    for name in TYPES:
        ids: list[str] = []
        address = f"/{name}?_count=37&_elements=url&_total=accurate"
        while address:
            bundle = (await client.get(address)).json()
            ids += [item["resource"]["id"] for item in bundle["entry"]]
            assert {item["fullUrl"].rsplit("/", 2)[1] for item in bundle["entry"]} == {name}
            address = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
        held = sorted(in_file(path)[1] for path in FILES if in_file(path)[0] == name)
        assert sorted(ids) == held
        assert bundle["total"] == len(held)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"StructureDefinition?url={OWN}/StructureDefinition/RecoveryGoal", ["RecoveryGoal"]),
        (f"StructureDefinition?url={OWN}/StructureDefinition/recoverygoal", []),
        (f"StructureDefinition?url={OWN}/StructureDefinition/Recovery", []),
        (f"StructureDefinition?url={HL7}/StructureDefinition/Goal,{HL7}/StructureDefinition/Age", ["Age", "Goal"]),
        ("StructureDefinition?name=RECOVERY", ["RecoveryCarePlan", "RecoveryGoal"]),
        ("StructureDefinition?name=récovery", ["RecoveryCarePlan", "RecoveryGoal"]),
        ("StructureDefinition?name=plan", []),
        ("StructureDefinition?name:contains=Careplan", ["CarePlan", "RecoveryCarePlan"]),
        ("StructureDefinition?name:contains=recovery&_sort=-name", ["RecoveryGoal", "RecoveryCarePlan"]),
        ("StructureDefinition?name:exact=CarePlan", ["CarePlan"]),
        ("StructureDefinition?name:exact=careplan", []),
        ("StructureDefinition?name:exact=Goal,CarePlan&_sort=-name", ["Goal", "CarePlan"]),
        ("StructureDefinition?name:exact=Goal&name:exact=CarePlan", []),
        ("StructureDefinition?_id=Goal,CarePlan", ["CarePlan", "Goal"]),
        ("SearchParameter?version=0.1.0&name=CarePlanStrength", ["CarePlan-strength"]),
        ("SearchParameter?version=4.0.1&name=CarePlanStrength", []),
        ("CodeSystem?status=active&name=ValidationRule", ["validation-rule"]),
        (f"CodeSystem?status={HL7}/publication-status|active&name=ValidationRule", ["validation-rule"]),
        ("CodeSystem?status=http://example.org/|active&name=ValidationRule", []),
        ("CodeSystem?status=retired,unknown&name=ValidationRule", []),
        ("CodeSystem?title=rules that", ["validation-rule"]),
        ("CodeSystem?title:contains=OPERATIONoutcome", ["validation-rule"]),
        ("CompartmentDefinition?date=lt2026&name:contains=PATIENT", ["patient"]),
        (f"CompartmentDefinition?url:below={HL7}/CompartmentDefinition&name:contains=pat", ["patient"]),
        (f"ValueSet?url={OWN}/ValueSet/chime|0.1.0", ["chime"]),
        (f"ValueSet?url={OWN}/ValueSet/chime|0.2.0", []),
        (f"ValueSet?_filter=url eq {OWN}/ValueSet/rater and not (name co plan)", ["rater"]),
        ("CodeSystem?_filter=name eq ValidationRule and status ne retired", ["validation-rule"]),
        ("SearchParameter?name=CarePlanStrength&status:not=retired&date:missing=false", ["CarePlan-strength"]),
        ("CapabilityStatement?date=2026-11-22", ["recovery-plan-service"]),
        ("CapabilityStatement?date=gt2026-11-22", []),
    ],
)
async def test_a_search_finds(client: httpx.AsyncClient, query: str, expected: list[str]) -> None:
    ids = [item["id"] for item in await found(client, query)]
    assert (ids if "_sort=" in query else sorted(ids)) == expected


async def test_a_search_by_post_is_the_same(client: httpx.AsyncClient) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = f"url={OWN}/CodeSystem/validation-rule&_elements=url"
    answer = await client.post("/CodeSystem/_search", content=body, headers=form)
    assert [item["resource"]["id"] for item in answer.json()["entry"]] == ["validation-rule"]


@pytest.mark.parametrize(
    ("query", "rule", "words"),
    [
        ("ValueSet?nmae=x", "unknown-parameter", "did you mean name?"),
        ("ValueSet?name:exakt=x", "unknown-parameter", ":exakt"),
        ("ValueSet?url:contains=x", "unknown-parameter", "only :missing, :below, :above"),
        ("ValueSet?url:below=urn:x", "parameter-value", "url:below"),
        ("ValueSet?url.name=x", "unknown-parameter", "no references"),
        ("SearchParameter?title=x", "unknown-parameter", "title"),
        ("ValueSet?code=x", "unknown-parameter", "code"),
        ("ValueSet?_count=-1", "parameter-value", "_count"),
        ("ValueSet?_sort=nmae", "parameter-value", "did you mean name?"),
        ("ValueSet?date=yesterday", "parameter-value", "date"),
        ("ValueSet?_elements=concepts", "parameter-value", "concepts"),
        ("ValueSet/goal-status?x=1", "unknown-parameter", "x"),
        ("ValueSet?_page=abc", "page-token", "page"),
    ],
)
async def test_what_cannot_be_asked_is_refused(client: httpx.AsyncClient, query: str, rule: str, words: str) -> None:
    answer = await client.get(f"/{query}")
    assert answer.status_code == 400
    assert [key for key, _ in problems(answer)] == [rule]
    assert words in answer.json()["issue"][0]["diagnostics"]
    if rule == "unknown-parameter" and "?x" not in query:
        lenient = await client.get(f"/{query}", headers={"Prefer": "handling=lenient"})
        assert lenient.json()["entry"][-1]["search"]["mode"] == "outcome"


async def test_parts_of_a_definition(client: httpx.AsyncClient) -> None:
    for address in ("/StructureDefinition/Goal?_elements=url", "/StructureDefinition/Goal?_summary=true"):
        part = (await client.get(address)).json()
        assert part["meta"]["tag"][-1]["code"] == "SUBSETTED"
        assert {"id", "url", "name", "status", "kind", "abstract", "type"} <= part.keys()
        assert not {"snapshot", "differential", "text", "mapping"} & part.keys()
    text = (await client.get("/StructureDefinition/Goal?_summary=text")).json()
    assert "text" in text
    assert "snapshot" not in text
    data = (await client.get("/StructureDefinition/Goal?_summary=data")).json()
    assert "text" not in data
    assert "snapshot" in data
    count = (await client.get("/StructureDefinition?_summary=count")).json()
    assert count["total"] == sum(in_file(path)[0] == "StructureDefinition" for path in FILES)
    assert "entry" not in count


@pytest.mark.parametrize("name", TYPES)
async def test_nobody_can_change_them(client: httpx.AsyncClient, name: str) -> None:
    (path, *_) = [path for path in FILES if in_file(path)[0] == name]
    _, resource_id, text = in_file(path)
    for method, address in (
        ("PUT", f"/{name}/{resource_id}"),
        ("DELETE", f"/{name}/{resource_id}"),
        ("POST", f"/{name}"),
    ):
        answer = await client.request(method, address, content=text)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
        assert problems(answer) == [("method-not-allowed", None)]
    assert (await client.get(f"/{name}/{resource_id}/_history")).status_code == 404
    assert (await client.get(f"/{name}/{resource_id}/$validate")).status_code == 404
    assert exactly((await client.get(f"/{name}/{resource_id}")).content) == exactly(text)


async def test_they_are_reached_through_the_entries_of_a_bundle_too(client: httpx.AsyncClient) -> None:
    reads = [entry("GET", "StructureDefinition/Goal"), entry("GET", "ValueSet?name=GoalStatus&_elements=url")]
    for make in (batch, transaction):
        answer = await send(client, make(*reads))
        assert statuses(answer) == ["200", "200"]
        assert answer.json()["entry"][0]["resource"]["id"] == "Goal"
    refused = await send(client, batch(entry("DELETE", "StructureDefinition/Goal")))
    assert statuses(refused) == ["405"]
    for method, url in (("POST", "ValueSet"), ("PUT", "ValueSet/x"), ("DELETE", "ValueSet/x")):
        resource = None if method == "DELETE" else {"resourceType": "ValueSet", "id": "x", "status": "draft"}
        whole = await send(client, transaction(entry(method, url, resource)))
        assert 400 <= whole.status_code < 500, whole.text


@pytest.mark.parametrize("new_id", [{}, {"id": "goal-status"}])
def test_a_definition_without_an_id_of_its_own_stops_the_start(settings: Settings, tmp_path: Path, new_id: Any) -> None:
    schemas = tmp_path / "r4"
    shutil.copytree(R4.definitions, schemas, ignore=shutil.ignore_patterns("examples"))
    one_more = {"resourceType": "ValueSet", "url": "http://example.org/one-more", "name": "OneMore", **new_id}
    (schemas / "ValueSet-one-more.json").write_text(json.dumps(one_more))
    with pytest.raises(ValueError, match="one-more"):
        create_app(settings, definitions=Definitions(R4, schemas))


async def test_what_is_not_held_is_404(client: httpx.AsyncClient) -> None:
    answer = await client.get("/StructureDefinition/no-such")
    assert (answer.status_code, problems(answer)) == (404, [("unknown-resource", None)])
    assert (await client.get("/StructureDefinition/under_score")).status_code == 400


async def test_metadata_declares_them_and_what_it_names_is_there(client: httpx.AsyncClient) -> None:
    statement = (await client.get("/metadata")).json()
    (rest,) = statement["rest"]
    offered = {item["type"]: item for item in rest["resource"]}
    for name in TYPES:
        assert [item["code"] for item in offered[name]["interaction"]] == ["read", "search-type"]
        for parameter in offered[name]["searchParam"]:
            values = {"date": "2026", "uri": "http://example.org/x"}
            value = values.get(parameter["type"], "x")
            answer = await client.get(f"/{name}?{parameter['name']}={value}&_summary=count")
            assert answer.status_code == 200, answer.text
            assert await urls(client, f"SearchParameter?url={parameter['definition']}") == [parameter["definition"]]
    named = [url for item in offered.values() for url in item.get("supportedProfile", [])]
    assert [url.rpartition("/")[2] for url in named] == ["RecoveryCarePlan", "RecoveryGoal", "PositiveRiskAssessment"]
    for url in named:
        assert await urls(client, f"StructureDefinition?url={url}") == [url]
    for name in ("CarePlan", "Goal", "RiskAssessment"):
        assert "validate" in [operation["name"] for operation in offered[name]["operation"]]
        for operation in offered[name]["operation"]:
            assert await urls(client, f"OperationDefinition?url={operation['definition']}") == [operation["definition"]]
    for url in statement.get("implementationGuide", []):
        assert await urls(client, f"ImplementationGuide?url={url}") == [url]
