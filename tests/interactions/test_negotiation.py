"""Formats of requests and answers, and the parts of a resource that a client asks for."""

import orjson
import pytest

from tests.support.app import FHIR_JSON
from tests.support.resources import care_plan, created, goal, problems, risk_assessment, total

FORM = "application/x-www-form-urlencoded"
AS_FHIR, AS_JSON = f"{FHIR_JSON}; charset=utf-8", "application/json; charset=utf-8"
AS_FHIR_XML, AS_XML = "application/fhir+xml; charset=utf-8", "application/xml; charset=utf-8"
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
NARRATIVE = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">My plan</div>'}


@pytest.fixture
def client(shared_client):
    return shared_client


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", AS_FHIR),
        ("*/*", AS_FHIR),
        ("application/*", AS_FHIR),
        (FHIR_JSON, AS_FHIR),
        ("Application/FHIR+JSON", AS_FHIR),
        ("application/json", AS_JSON),
        ("text/json", AS_FHIR),
        ("application/json;q=0.9, application/fhir+json;q=0.8", AS_JSON),
        ("application/json;q=0.2, application/fhir+json;q=0.8", AS_FHIR),
        ("application/fhir+turtle, application/json;q=0.1", AS_JSON),
        ("application/fhir+xml;q=0.8, application/json", AS_JSON),
        (f"{FHIR_JSON}; fhirVersion=4.0", AS_FHIR),
        (f'{FHIR_JSON}; fhirVersion="4.0"', AS_FHIR),
        (f"{FHIR_JSON}; fhirVersion=4.0.1", AS_FHIR),
        (f"{FHIR_JSON}; charset=UTF-8", AS_FHIR),
        (f"{FHIR_JSON}; fhirVersion=5.0, application/json", AS_JSON),
    ],
)
async def test_accept_chooses_the_format(client, accept, wanted):
    response = await client.get("/metadata", headers={"Accept": accept})
    assert (response.status_code, response.headers["content-type"]) == (200, wanted)
    assert response.json()["resourceType"] == "CapabilityStatement"


@pytest.mark.parametrize(
    "accept",
    [
        "application/fhir+turtle",
        "application/xhtml+xml",
        "text/html",
        "image/*",
        "application/json;q=0",
        "*/*;q=0",
        "application/json;q=high",
        f"{FHIR_JSON}; fhirVersion=5.0",
        f"{FHIR_JSON}; fhirVersion=3.0",
        f"{FHIR_JSON}; charset=iso-8859-1",
        "nonsense",
        ",",
    ],
)
async def test_a_format_that_is_not_there_is_406(client, accept):
    response = await client.get("/metadata", headers={"Accept": accept})
    assert (response.status_code, problems(response)) == (406, [("not-acceptable", "http.Accept")])


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("application/fhir+xml", AS_FHIR_XML),
        ("application/xml", AS_XML),
        ("text/xml", "text/xml; charset=utf-8"),
        ("application/fhir+json;q=0.8, application/fhir+xml;q=0.9", AS_FHIR_XML),
        ("application/fhir+xml; fhirVersion=4.0; charset=UTF-8", AS_FHIR_XML),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", AS_XML),
    ],
)
async def test_accept_chooses_xml(client, accept, wanted):
    response = await client.get("/metadata", headers={"Accept": accept})
    assert (response.status_code, response.headers["content-type"]) == (200, wanted)
    assert response.text.startswith('<?xml version="1.0" encoding="UTF-8"?><CapabilityStatement xmlns=')


async def test_two_headers_accept_count_as_one_list(client):
    headers = [("Accept", "application/json"), ("Accept", "application/fhir+xml;q=0.9")]
    assert (await client.get("/metadata", headers=headers)).headers["content-type"] == AS_JSON


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("json", AS_FHIR),
        ("text/json", AS_FHIR),
        ("application/json", AS_JSON),
        ("application/fhir%2Bjson", AS_FHIR),
        ("application/fhir+json", AS_FHIR),
        ("application/fhir%2Bjson;fhirVersion=4.0", AS_FHIR),
    ],
)
async def test_format_goes_before_accept(client, given, wanted):
    response = await client.get(f"/metadata?_format={given}", headers={"Accept": "application/fhir+xml"})
    assert (response.status_code, response.headers["content-type"]) == (200, wanted)


@pytest.mark.parametrize(
    "given", ["application/fhir%2Bturtle", "ttl", "html", "", "application/fhir%2Bjson;fhirVersion=5.0"]
)
async def test_an_unknown_format_is_406_and_nothing_is_done(client, given):
    before = await total(client)
    response = await client.post(f"/Goal?_format={given}", json=goal())
    assert (response.status_code, problems(response)) == (406, [("not-acceptable", "http._format")])
    assert await total(client) == before


async def test_format_and_pretty_may_stand_in_the_form_of_a_search(client):
    async def ask(body):
        return await client.post("/Goal/_search", content=body, headers={"Content-Type": FORM})

    response = await ask("_format=application/json&_pretty=true&_id=none")
    assert (response.status_code, response.headers["content-type"]) == (200, AS_JSON)
    assert response.text.startswith('{\n  "resourceType": "Bundle"')
    assert (await ask("_format=ttl")).status_code == 406


@pytest.mark.parametrize(
    "content_type",
    [
        FHIR_JSON,
        "application/json",
        "APPLICATION/JSON",
        f"{FHIR_JSON};charset=utf-8",
        f'{FHIR_JSON}; charset="UTF-8"; fhirVersion=4.0',
    ],
)
async def test_json_by_any_of_its_names_is_read(client, content_type):
    response = await client.post("/Goal", json=goal(), headers={"Content-Type": content_type})
    assert response.status_code == 201


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/fhir+turtle",
        "application/xml-patch+xml",
        FORM,
        f"{FHIR_JSON}; charset=latin-1",
        f"{FHIR_JSON}; fhirVersion=5.0",
        "json",
    ],
)
async def test_another_content_type_is_415_and_nothing_is_stored(client, content_type):
    before = await total(client)
    for method, path in (("POST", "/Goal"), ("PUT", "/Goal/x-415"), ("POST", "")):
        response = await client.request(method, path, json=goal(id="x-415"), headers={"Content-Type": content_type})
        assert (response.status_code, problems(response)) == (415, [("unsupported-media-type", "http.Content-Type")])
    assert await total(client) == before


async def test_search_by_post_wants_a_form(client):
    response = await client.post("/Goal/_search", content="_id=1", headers={"Content-Type": FHIR_JSON})
    assert (response.status_code, problems(response)) == (415, [("unsupported-media-type", "http.Content-Type")])


async def test_pretty_is_for_reading_and_changes_nothing_else(client):
    body = orjson.dumps(risk_assessment(prediction=[{"probabilityDecimal": "?"}])).replace(b'"?"', b"0.80")
    made = (await client.post("/RiskAssessment", content=body)).json()
    address = f"/RiskAssessment/{made['id']}"
    pretty = await client.get(f"{address}?_pretty=true")
    assert '\n      "probabilityDecimal": 0.80\n' in pretty.text
    assert pretty.json() == made
    assert b"\n" not in (await client.get(f"{address}?_pretty=false")).content
    wrong = await client.get(f"{address}?_pretty=yes")
    assert (wrong.status_code, problems(wrong)) == (400, [("parameter-value", "http._pretty")])
    error = await client.get("/RiskAssessment/none?_pretty=true")
    assert error.text.startswith("{\n  ")


async def plan_address(client):
    plan = care_plan(text=NARRATIVE, title="T", note=[{"text": "N"}], author={"display": "A"}, contained=[goal(id="g")])
    plan["goal"] = [{"reference": "#g"}]
    return f"/CarePlan/{(await created(client, plan))['id']}"


async def test_elements_that_do_not_exist_are_refused(client):
    address = await plan_address(client)
    for path in (address, "/CarePlan"):
        response = await client.get(f"{path}?_elements=note,nonsense")
        assert (response.status_code, problems(response)) == (400, [("parameter-value", "http._elements")])


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("_summary=false", {"text", "title", "note", "author", "contained", "goal", "status", "intent", "subject"}),
        ("_summary=true", {"title", "author", "status", "intent", "subject"}),
        ("_summary=text", {"text", "status", "intent", "subject"}),
        ("_summary=data", {"title", "note", "author", "contained", "goal", "status", "intent", "subject"}),
        ("_elements=note", {"note", "status", "intent", "subject"}),
        ("_elements=note,title", {"note", "title", "status", "intent", "subject"}),
        ("_elements=CarePlan.note", {"note", "status", "intent", "subject"}),
    ],
)
async def test_summary_and_elements_show_a_marked_part(client, query, shown):
    address = await plan_address(client)
    response = await client.get(f"{address}?{query}")
    part = response.json()
    assert set(part) == shown | {"resourceType", "id", "meta"}
    marks = [{"system": tag["system"], "code": tag["code"]} for tag in part["meta"].get("tag", [])]
    assert marks == ([] if query == "_summary=false" else [SUBSETTED])
    found = await client.get(f"/CarePlan?_id={part['id']}&{query}")
    assert found.json()["entry"][0]["resource"] == part
    self_link = found.json()["link"][0]["url"]
    assert query.partition("=")[0] in self_link


async def test_summary_count_is_for_searches(client):
    address = await plan_address(client)
    counted = (await client.get(f"/CarePlan?_id={address.removeprefix('/CarePlan/')}&_summary=count")).json()
    assert (counted["total"], "entry" in counted) == (1, False)
    for query in ("_summary=count", "_summary=most"):
        response = await client.get(f"{address}?{query}")
        assert (response.status_code, problems(response)) == (400, [("parameter-value", "http._summary")])


async def test_answers_say_how_they_may_be_kept(client):
    address = await plan_address(client)
    kept = {address: "private, no-cache", "/CarePlan?_count=1": "no-store", "/CarePlan/none": "no-store"}
    for path, control in {**kept, "/metadata": "no-store"}.items():
        response = await client.get(path)
        assert response.headers["cache-control"] == control
        assert response.headers["vary"] == "Accept, Authorization"
        assert ("etag" in response.headers) == (control != "no-store")
