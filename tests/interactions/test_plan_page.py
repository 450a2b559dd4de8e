"""The plan as a page: GET of a CarePlan by somebody whose browser asks for HTML."""

import re
from base64 import b64encode
from hashlib import sha256
from typing import Any

import httpx
import pytest

from service.interactions.page import MOST_RELATED
from tests.support.resources import batch, care_plan, created, entry, goal

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"}
PLAN = "/fhir/R4/CarePlan/sample-marlow-recovery-plan"
HTML = "text/html; charset=utf-8"
JSON = "application/fhir+json; charset=utf-8"


@pytest.fixture
def client(shared_client: httpx.AsyncClient) -> httpx.AsyncClient:
    return shared_client


async def page(client: httpx.AsyncClient, path: str) -> str:
    response = await client.get(path, headers=BROWSER)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == HTML
    return response.text


async def test_a_person_reads_the_plan_with_all_that_belongs_to_it(sample_client: httpx.AsyncClient) -> None:
    text = await page(sample_client, PLAN)
    for words in (
        "Recovery means I am more than the worst night of my life, and I act like it.",  # the person's own
        "I want to make a table that somebody eats their tea at.",  # a goal
        "On the ward I am the woman who lit the fire.",  # what the person says of it
        "Using hand tools in the hospital workshop",  # a risk decision
        "No solvents, spirit finishes or heat guns.",  # what was imposed in it
        "Imposed: set by the service without the person’s agreement",
        "Marlow&#39;s safety plan",
        "Say my name, sit down lower than me, and wait.",  # a step of the plan that is part of it
    ):
        assert words in text


async def test_a_safety_plan_leads_to_the_plan_that_it_belongs_to(sample_client: httpx.AsyncClient) -> None:
    safety = "/fhir/R4/CarePlan/sample-marlow-safety-plan"
    (address,) = re.findall(r'<p class="upwards">.*?href="([^"]+)"', await page(sample_client, safety), re.DOTALL)
    assert str(httpx.URL(f"http://testserver{safety}").join(address).path) == PLAN
    assert "Marlow&#39;s plan: something that lasts" in await page(sample_client, PLAN)


async def test_the_page_may_use_its_own_style_and_nothing_else(sample_client: httpx.AsyncClient) -> None:
    response = await sample_client.get(PLAN, headers=BROWSER)
    (style,) = re.findall(r"<style>(.*?)</style>", response.text, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert response.headers["content-security-policy"].split("; ")[:2] == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
    ]
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["vary"] == "Accept, Authorization"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "etag" not in response.headers


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("text/html", HTML),
        ("TEXT/HTML", HTML),
        ("text/*", HTML),
        ("text/html;q=0.5, application/fhir+json;q=0.4", HTML),
        ("text/html;q=0.5, application/fhir+json", JSON),
        ("application/fhir+json, text/html", JSON),
        ("*/*, text/html;q=0.9", JSON),
        ("*/*", JSON),
        ("text/html;q=0, */*", JSON),
        ("text/html; charset=utf-8", HTML),
        ("", JSON),
    ],
)
async def test_the_client_has_the_choice(sample_client: httpx.AsyncClient, accept: str, content_type: str) -> None:
    response = await sample_client.get(PLAN, headers={"Accept": accept})
    assert (response.status_code, response.headers["content-type"]) == (200, content_type)


@pytest.mark.parametrize(
    ("wanted", "content_type"), [("html", HTML), ("text/html", HTML), ("json", JSON), ("application/fhir%2Bjson", JSON)]
)
async def test_format_goes_before_accept(sample_client: httpx.AsyncClient, wanted: str, content_type: str) -> None:
    for headers in (BROWSER, {"Accept": "application/fhir+json"}):
        response = await sample_client.get(f"{PLAN}?_format={wanted}", headers=headers)
        assert (response.status_code, response.headers["content-type"]) == (200, content_type)


@pytest.mark.parametrize(
    "path",
    [
        "/fhir/R4/CarePlan",
        "/fhir/R4/CarePlan?status=active",
        f"{PLAN}/_history",
        f"{PLAN}/_history/1",
        "/fhir/R4/metadata",
        "/fhir/R4/Goal/sample-marlow-goal-make-a-table",
        "/fhir/R4/RiskAssessment/sample-marlow-workshop",
    ],
)
async def test_other_addresses_answer_a_browser_in_xml_which_it_prefers(
    sample_client: httpx.AsyncClient, path: str
) -> None:
    response = await sample_client.get(path, headers=BROWSER)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/xml; charset=utf-8")
    refused = await sample_client.get(path, headers={"Accept": "text/html"})
    assert (refused.status_code, refused.headers["content-type"]) == (406, JSON)


async def test_head_tells_what_get_would_send(sample_client: httpx.AsyncClient) -> None:
    asked = {**BROWSER, "X-Request-Id": "same"}
    head, get = await sample_client.head(PLAN, headers=asked), await sample_client.get(PLAN, headers=asked)
    assert head.content == b""
    assert {**head.headers, "date": ""} == {**get.headers, "date": ""}


async def test_a_bundle_gets_resources_and_no_pages(sample_client: httpx.AsyncClient) -> None:
    request = batch({"request": {"method": "GET", "url": PLAN.removeprefix("/fhir/R4/")}})
    headers = {"Accept": "application/fhir+json", "Content-Type": "application/fhir+json"}
    response = await sample_client.post("/fhir/R4", json=request, headers=headers)
    assert response.json()["entry"][0]["resource"]["resourceType"] == "CarePlan"


async def test_where_there_is_no_plan_a_page_says_so(client: httpx.AsyncClient) -> None:
    missing = await client.get("/CarePlan/nobody-has-this", headers=BROWSER)
    assert (missing.status_code, missing.headers["content-type"]) == (404, HTML)
    assert "There is no plan here" in missing.text
    assert "default-src 'none'" in missing.headers["content-security-policy"]
    removed = await created(client, care_plan(title="Gone"))
    await client.delete(f"/CarePlan/{removed['id']}")
    gone = await client.get(f"/CarePlan/{removed['id']}", headers=BROWSER)
    assert (gone.status_code, gone.headers["content-type"]) == (410, HTML)
    assert "This plan has been removed" in gone.text
    assert "Gone" not in gone.text


@pytest.mark.parametrize("path", ["/CarePlan/not_an_id", "/CarePlan/x?_summary=true", "/CarePlan/x?colour=red"])
async def test_what_cannot_be_asked_is_refused_in_json(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path, headers=BROWSER)
    assert (response.status_code, response.headers["content-type"]) == (400, JSON)
    assert response.json()["resourceType"] == "OperationOutcome"


async def test_what_is_not_here_is_said(client: httpx.AsyncClient) -> None:
    kept = await created(client, goal(description={"text": "A goal that is kept"}))
    lost = await created(client, goal(description={"text": "A goal that was removed"}))
    await client.delete(f"/Goal/{lost['id']}")
    references = [
        {"reference": f"Goal/{kept['id']}"},
        {"reference": f"Goal/{lost['id']}", "display": "Removed"},
        {"reference": "https://elsewhere.example.org/fhir/Goal/1", "display": "Elsewhere"},
    ]
    plan = await created(client, care_plan(goal=references))
    text = await page(client, f"/CarePlan/{plan['id']}")
    assert "A goal that is kept" in text
    assert "A goal that was removed" not in text
    assert text.count("Not shown here: it is kept in another system, it was removed, or it may not be seen by you") == 2


async def test_nobody_elses_goal_is_shown(client: httpx.AsyncClient) -> None:
    other = await created(client, goal(description={"text": "Private"}, subject={"reference": "Patient/somebody-else"}))
    plan = await created(client, care_plan(goal=[{"reference": f"Goal/{other['id']}"}]))
    text = await page(client, f"/CarePlan/{plan['id']}")
    assert "Private" not in text
    assert "it is in the record of somebody else" in text


async def test_a_part_that_was_made_by_mistake_is_left_out(client: httpx.AsyncClient) -> None:
    plan = await created(client, care_plan())
    part: dict[str, Any] = {"partOf": [{"reference": f"CarePlan/{plan['id']}"}]}
    await created(client, care_plan(title="A part that counts", **part))
    await created(client, care_plan(title="A part by mistake", status="entered-in-error", **part))
    text = await page(client, f"/CarePlan/{plan['id']}")
    assert "A part that counts" in text
    assert "A part by mistake" not in text


async def test_a_plan_of_a_hospital_that_knows_no_recovery_fields_is_a_page_too(client: httpx.AsyncClient) -> None:
    activity = {"detail": {"status": "scheduled", "code": {"text": "Blood test"}, "scheduledString": "monthly"}}
    text = await page(client, f"/CarePlan/{(await created(client, care_plan(activity=[activity])))['id']}")
    assert "Blood test" in text
    assert "monthly" in text


async def test_there_is_a_limit_to_one_page_and_it_is_said(client: httpx.AsyncClient) -> None:
    goals = [goal(description={"text": f"Number {number}."}) for number in range(MOST_RELATED + 1)]
    bundle = batch(
        *(entry("PUT", f"Goal/many-{number}", {**item, "id": f"many-{number}"}) for number, item in enumerate(goals))
    )
    assert (await client.post("", json=bundle)).status_code == 200
    references = [{"reference": f"Goal/many-{number}"} for number in range(MOST_RELATED + 1)]
    plan = await created(client, care_plan(goal=references))
    assert "There is more than fits on one page" in await page(client, f"/CarePlan/{plan['id']}")
