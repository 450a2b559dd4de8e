"""Every interaction in XML as in JSON: bodies, answers, errors with their places (https://hl7.org/fhir/R4/xml.html)."""

import json as plain

import httpx
import pytest
from lxml import etree

from service.fhir import json
from service.fhir.outcome import OutcomeError
from tests.support.app import FHIR_JSON
from tests.support.corpus import examples
from tests.support.resources import (
    batch,
    care_plan,
    created,
    entry,
    goal,
    risk_assessment,
    total,
    transaction,
)
from tests.support.xml import XML, resource

FHIR_XML = "application/fhir+xml"
AS_XML = {"Accept": FHIR_XML}
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
NS = {"f": "http://hl7.org/fhir", "h": "http://www.w3.org/1999/xhtml"}
RICH = care_plan(
    id="rich",
    title=" A plan,\n\twith \"quotes\" & <signs> \r\n ",
    language="en",
    _language={"extension": [{"url": "http://a.example.org/why", "valueString": "guessed"}]},
    contained=[goal(id="g", note=[{"text": "contained"}])],
    goal=[{"reference": "#g"}],
    text={"status": "additional", "div": f'<div xmlns="{NS["h"]}"><p>My &amp; our plan<br/>b<br /></p>\n</div>'},
    instantiatesUri=["http://a.example.org", "http://b.example.org"],
    _instantiatesUri=[None, {"id": "second"}],
)  # fmt: skip


@pytest.fixture
def client(shared_client):
    return shared_client


def body_in(form: str, value) -> dict:
    """Return the content and the headers of a request that sends and accepts ``form``."""
    content = XML.write(json.parse(plain.dumps(value).encode())) if form == FHIR_XML else plain.dumps(value).encode()
    return {"content": content, "headers": {"Content-Type": form, "Accept": form}}


def read(response: httpx.Response):
    """Return the resource in an answer of either form."""
    name = response.headers["content-type"].partition(";")[0]
    return plain.loads(json.dump(XML.read(response.content))) if name.endswith("xml") else response.json()


def xml_issues(response: httpx.Response) -> list[tuple[str, str | None, str | None]]:
    """Return rule, place and position of each issue in an OperationOutcome in XML."""
    assert response.headers["content-type"] == f"{FHIR_XML}; charset=utf-8"
    outcome = etree.fromstring(response.content)
    assert outcome.tag == f"{{{NS['f']}}}OperationOutcome"
    return [
        tuple(issue.find(path, NS).get("value") if issue.find(path, NS) is not None else None for path in PATHS)
        for issue in outcome.iterfind("f:issue", NS)
    ]


PATHS = ("f:details/f:coding/f:code", "f:expression", "f:location")


@pytest.mark.parametrize("sent", [FHIR_JSON, FHIR_XML])
@pytest.mark.parametrize("asked", [FHIR_JSON, FHIR_XML])
async def test_what_is_written_in_one_form_is_read_in_the_other(client, sent, asked):
    made = await client.post("/CarePlan", **body_in(sent, RICH))
    assert (made.status_code, made.headers["content-type"]) == (201, f"{sent}; charset=utf-8")
    address = f"/CarePlan/{read(made)['id']}"
    changed = await client.put(address, **body_in(sent, {**read(made), "status": "completed"}))
    assert (changed.status_code, read(changed)["meta"]["versionId"]) == (200, "2")
    expected = {**RICH, "id": read(made)["id"], "meta": read(changed)["meta"], "status": "completed"}
    headers = {"Accept": asked}
    for path in (address, f"{address}/_history/2"):
        found = await client.get(path, headers=headers)
        assert found.headers["content-type"] == f"{asked}; charset=utf-8"
        assert read(found) == expected
    for path in (f"/CarePlan?_id={expected['id']}", f"{address}/_history"):
        bundle = read(await client.get(path, headers=headers))
        assert bundle["entry"][0]["resource"] == expected
    form = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    posted = await client.post("/CarePlan/_search", content=f"_id={expected['id']}", headers=form)
    assert read(posted)["entry"][0]["resource"] == expected
    deleted = await client.delete(address, headers={**headers, "Prefer": "return=OperationOutcome"})
    assert (deleted.status_code, read(deleted)["issue"][0]["diagnostics"]) == (200, "Deleted")


async def test_digits_stay_as_they_were_written_in_xml(client):
    for digits in ("0.80", "1e2", "0.10000000000000000000000000000000000001", "-0.0", "100"):
        body = resource(
            "Goal",
            '<lifecycleStatus value="active"/><description><text value="x"/></description>'
            '<subject><reference value="Patient/1"/></subject><target><measure><text value="x"/></measure>'
            f'<detailQuantity><value value="{digits}"/></detailQuantity></target>',
        )
        made = await client.post("/Goal", content=body, headers={"Content-Type": FHIR_XML, **AS_XML})
        assert f'<value value="{digits}"/>' in made.text
        as_json = await client.get(f"/Goal/{read(made)['id']}")
        assert f'"detailQuantity":{{"value":{digits}}}' in as_json.text


async def test_white_space_and_line_ends_stay(client):
    made = await created(client, RICH)
    root = etree.fromstring((await client.get(f"/CarePlan/{made['id']}", headers=AS_XML)).content)
    assert root.find("f:title", NS).get("value") == RICH["title"]
    assert root.find("f:text/h:div", NS)[0].text == "My & our plan"


async def test_every_name_of_xml_is_taken(client):
    for name in (
        "application/fhir+xml",
        "application/xml",
        "text/xml",
        "Application/FHIR+XML; charset=UTF-8; fhirVersion=4.0",
    ):
        made = await client.post("/Goal", content=XML.write(goal()), headers={"Content-Type": name})
        assert (made.status_code, made.headers["content-type"]) == (201, f"{FHIR_JSON}; charset=utf-8")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("xml", FHIR_XML),
        ("application/fhir%2Bxml", FHIR_XML),
        ("application/fhir+xml", FHIR_XML),
        ("application/xml", "application/xml"),
        ("text/xml", "text/xml"),
        ("xml;fhirVersion=4.0", FHIR_XML),
    ],
)
async def test_format_asks_for_xml(client, given, wanted):
    for path in ("/metadata", "/Goal/none", "/Goal"):
        response = await client.get(f"{path}?_format={given}", headers={"Accept": FHIR_JSON})
        assert response.headers["content-type"] == f"{wanted}; charset=utf-8"
        assert etree.fromstring(response.content).tag.startswith(f"{{{NS['f']}}}")


async def test_pretty_xml_says_the_same(client):
    made = await created(client, RICH)
    pretty = await client.get(f"/CarePlan/{made['id']}?_format=xml&_pretty=true")
    assert '\n  <contained>\n    <Goal>\n      <id value="g"/>' in pretty.text
    assert read(pretty) == made


async def test_a_page_for_people_goes_before_xml_where_there_is_one(client):
    made = await created(client, RICH)
    page = await client.get(f"/CarePlan/{made['id']}", headers={"Accept": BROWSER})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    listed = await client.get("/CarePlan?_count=1", headers={"Accept": BROWSER})
    assert listed.headers["content-type"] == "application/xml; charset=utf-8"


async def test_head_tells_the_length_of_the_xml(client):
    made = await created(client, RICH)
    head = await client.head(f"/CarePlan/{made['id']}", headers=AS_XML)
    got = await client.get(f"/CarePlan/{made['id']}", headers=AS_XML)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(got.content)))
    assert head.headers["etag"] == got.headers["etag"] == 'W/"1"'
    unchanged = await client.get(f"/CarePlan/{made['id']}", headers={**AS_XML, "If-None-Match": 'W/"1"'})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/metadata", "/metadata?mode=terminology", "/StructureDefinition?_count=2", "/CodeSystem/chime"]
)
async def test_definitions_come_in_xml(client, path):
    in_xml, in_json = [await client.get(path, headers={"Accept": form}) for form in (FHIR_XML, FHIR_JSON)]
    assert (in_xml.status_code, in_json.status_code) == (200, 200)
    found, expected = read(in_xml), in_json.json()
    if "entry" in expected:
        assert [item["resource"] for item in found["entry"]] == [item["resource"] for item in expected["entry"]]
    else:
        assert found == expected


async def test_a_transaction_in_xml(client):
    urn = "urn:uuid:6f1d7c8e-0b7e-4c3c-9a44-2f9c1b0f7a10"
    plan = care_plan(goal=[{"reference": urn}], title="from XML")
    sent = transaction(entry("POST", "Goal", goal(), urn), entry("POST", "CarePlan", plan))
    asked = body_in(FHIR_XML, sent)
    asked["headers"]["Prefer"] = "return=representation"
    answer = await client.post("", **asked)
    assert (answer.status_code, read(answer)["type"]) == (200, "transaction-response")
    made_goal, made_plan = (item["resource"] for item in read(answer)["entry"])
    assert made_plan["goal"] == [{"reference": f"Goal/{made_goal['id']}"}]


async def test_a_batch_in_xml_tells_of_each_entry_in_xml(client):
    wrong = {"resourceType": "Goal", "lifecycleStatus": "banana", "description": {"text": "x"}}
    content = XML.write(
        batch(entry("POST", "Goal", goal()), entry("POST", "Goal", wrong), entry("GET", "Goal/none")), True
    )
    answer = await client.post("", content=content, headers={"Content-Type": FHIR_XML, **AS_XML})
    told = read(answer)["entry"]
    assert [item["response"]["status"] for item in told] == ["201 Created", "422 Unprocessable Entity", "404 Not Found"]
    places = [(issue["expression"], issue["location"]) for issue in told[1]["response"]["outcome"]["issue"]]
    lines = content.decode().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "banana" in text)
    column = lines[line - 1].index("<") + 1
    assert (["Bundle.entry[1].resource.lifecycleStatus"], [f"Line[{line}] Col[{column}]"]) in places


async def test_a_transaction_that_is_refused_stores_nothing_and_tells_the_line(client):
    before = await total(client)
    body = resource(
        "Bundle",
        '<type value="transaction"/>\n<entry><resource>\n<Goal><lifecycleStatus value="active"/>\n<descripton/></Goal>'
        '</resource><request><method value="POST"/><url value="Goal"/></request></entry>',
    )
    answer = await client.post("", content=body, headers={"Content-Type": FHIR_XML, **AS_XML})
    assert answer.status_code == 400
    assert xml_issues(answer) == [("unknown-element", "Bundle.entry[0].resource.descripton", "Line[4] Col[1]")]
    assert await total(client) == before


async def test_what_validation_finds_in_xml_has_its_line_and_column(client):
    body = b"""<RiskAssessment xmlns="http://hl7.org/fhir">
  <status value="banana"/>
  <subject>
    <reference value="Goal/1"/>
  </subject>
  <prediction><probabilityDecimal value="0.5"/></prediction>
  <prediction>
      <probabilityDecimal value="101"/></prediction>
</RiskAssessment>"""
    answer = await client.post("/RiskAssessment", content=body, headers={"Content-Type": FHIR_XML, **AS_XML})
    assert answer.status_code == 422
    found = {rule: (place, where) for rule, place, where in xml_issues(answer)}
    assert found["binding"] == ("RiskAssessment.status", "Line[2] Col[3]")
    assert found["reference-target"] == ("RiskAssessment.subject.reference", "Line[4] Col[5]")
    assert found["ras-2"] == ("RiskAssessment.prediction[1]", "Line[7] Col[3]")


def findings(outcome) -> list[tuple[str, str, str | None]]:
    """Return severity, rule and place of each issue."""
    return [
        (issue["severity"], issue.get("details", {}).get("coding", [{}])[0].get("code"), issue.get("expression"))
        for issue in outcome["issue"]
    ]


def as_xml(text: bytes) -> bytes | None:
    """Return the XML of a wrong resource, or None where only JSON can be wrong like that: null, a list for a value."""
    try:
        resource = json.parse(text)
        body = XML.write(resource)
        return body if json.dump_sorted(XML.read(body)) == json.dump_sorted(resource) else None
    except (LookupError, AttributeError, TypeError, OutcomeError):
        return None


INVALID = [example for example in examples("invalid") if example.is_readable and not example.needs_samples]


async def test_the_same_is_found_in_xml_as_in_json(client):
    compared = 0
    for example in INVALID:
        body = as_xml(example.text)
        if body is None:
            continue
        path = f"/{example.resource['resourceType']}/$validate"
        in_json = await client.post(path, content=example.text)
        in_xml = await client.post(path, content=body, headers={"Content-Type": FHIR_XML})
        assert in_xml.status_code == in_json.status_code
        assert findings(in_xml.json()) == findings(in_json.json()), example.name
        assert all("location" in issue for issue in in_xml.json()["issue"] if "expression" in issue), example.name
        compared += 1
    assert compared > len(INVALID) / 2


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "rule"),
    [
        ("GET", "/Goal/none", {}, 404, "unknown-resource"),
        ("GET", "/Nothing", {}, 404, "unknown-type"),
        ("DELETE", "/metadata", {}, 405, "method-not-allowed"),
        ("GET", "/Goal?nonsense=1", {}, 400, "unknown-parameter"),
        ("GET", "/Goal?_pretty=maybe", {}, 400, "parameter-value"),
        ("GET", "/Goal?_format=ttl", {}, 406, "not-acceptable"),
        ("GET", "/Goal?a=%FF", {}, 400, "parameter-value"),
        ("POST", "/Goal", {"Content-Type": "text/plain"}, 415, "unsupported-media-type"),
        ("POST", "/Goal", {"Content-Type": FHIR_JSON}, 400, "not-json"),
        ("POST", "/Goal", {"Content-Type": FHIR_XML}, 400, "not-xml"),
        ("PATCH", "/Goal/1", {"Content-Type": "application/xml"}, 415, "unsupported-media-type"),
    ],
)
async def test_every_failure_is_told_in_xml_where_that_is_accepted(client, method, path, headers, status, rule):
    answer = await client.request(method, path, headers={**headers, **AS_XML})
    assert (answer.status_code, xml_issues(answer)[0][0]) == (status, rule)


async def test_messages_about_formats_name_xml(client):
    refused = await client.get("/Goal", headers={"Accept": "text/turtle"})
    assert FHIR_XML in refused.json()["issue"][0]["diagnostics"]
    refused = await client.post("/Goal", content="x", headers={"Content-Type": "text/turtle"})
    assert FHIR_XML in refused.json()["issue"][0]["diagnostics"]


async def test_attacks_are_refused_and_store_nothing(client):
    before = await total(client)
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    deep = '<extension url="a">' * 50_000 + "</extension>" * 50_000
    bodies = [
        f'<!DOCTYPE Goal [<!ENTITY l0 "ha">{laughs}]>'.encode() + resource("Goal", '<statusReason value="&l9;"/>'),
        b'<!DOCTYPE Goal [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        + resource("Goal", '<note><text value="&x;"/></note>'),
        resource(
            "Goal", '<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'
        ),
        resource("Goal", deep),
        resource("Goal", f'<language value="{"x" * 11_000_000}"/>'),
    ]
    for body in bodies:
        answer = await client.post("/Goal", content=body, headers={"Content-Type": FHIR_XML})
        assert answer.status_code == 400
        assert "root:" not in answer.text
    assert await total(client) == before


async def test_a_fhirpath_patch_in_xml(client):
    made = await created(client, risk_assessment())
    body = resource(
        "Parameters",
        '<parameter><name value="operation"/><part><name value="type"/><valueCode value="replace"/></part>'
        '<part><name value="path"/><valueString value="RiskAssessment.status"/></part>'
        '<part><name value="value"/><valueCode value="amended"/></part></parameter>',
    )
    headers = {"Content-Type": FHIR_XML, **AS_XML}
    patched = await client.patch(f"/RiskAssessment/{made['id']}", content=body, headers=headers)
    assert (patched.status_code, read(patched)["status"]) == (200, "amended")


@pytest.mark.parametrize("headers", [{}, {"Accept": "application/fhir+xml"}])
@pytest.mark.parametrize(
    "body", ['{"resourceType":"\\u0001"}', '{"resourceType":"Goal","a\\u0001":1}', '{"resourceType":"Goal","x\x7f":{}}']
)
async def test_what_no_text_can_hold_is_told_in_any_form(shared_client, headers, body):
    response = await shared_client.post("/Goal?_pretty=true", content=body, headers=headers)
    assert response.status_code == 400
    assert "OperationOutcome" in response.text
