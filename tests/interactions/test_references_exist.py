"""RECOVERY_PROFILES and RECOVERY_REFERENCES: what is held to our profiles, and what must refer to something."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest

from service.settings import Settings
from tests.interactions.test_five_ways import obligation, to
from tests.support import resources
from tests.support.app import client_of
from tests.support.five_ways import OF_OTHER_PERSON
from tests.support.recovery import goal, plan
from tests.support.resources import problems_in

Service = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture(scope="module")
async def service(mongodb_uri: str) -> AsyncIterator[Service]:
    """Return a function that gives a client of a service with these settings, which holds another person's goal."""
    async with AsyncExitStack() as stack:
        started: dict[str, httpx.AsyncClient] = {}

        async def client_with(**options: str) -> httpx.AsyncClient:
            if str(options) not in started:
                settings = Settings(
                    mongodb_uri=mongodb_uri, mongodb_database=f"test_{uuid.uuid4().hex[:12]}", **options
                )
                client = started[str(options)] = await stack.enter_async_context(client_of(settings))
                other = goal(id="of-other-person", **OF_OTHER_PERSON)
                assert (await client.put("/Goal/of-other-person", json=other)).status_code == 201
            return started[str(options)]

        yield client_with


async def rules(client, resource):
    """Return the rules of the errors for which ``resource`` is refused, none where it is stored."""
    response = await client.post(f"/{resource['resourceType']}", json=resource)
    if response.status_code == 201:
        return []
    assert response.status_code == 422, response.text
    issues = [issue for issue in response.json()["issue"] if issue["severity"] == "error"]
    return [rule for rule, _ in problems_in({**response.json(), "issue": issues})]


CLAIMING = plan(goal=[to("Goal/none"), to("Goal/of-other-person")])
PLAIN_PLAN = resources.care_plan(goal=[to("Goal/none"), to("Goal/of-other-person")])


@pytest.mark.parametrize(
    ("profiles", "references", "claiming", "plain"),
    [
        ("claimed", "recovery", ["reference-exists", "same-person"], []),
        ("claimed", "never", ["same-person"], []),
        ("claimed", "always", ["reference-exists", "same-person"], ["reference-exists"]),
        ("off", "recovery", [], []),
        ("off", "always", ["reference-exists"], ["reference-exists"]),
    ],
)
async def test_each_setting_holds_what_it_says(service, profiles, references, claiming, plain):
    client = await service(profiles=profiles, references=references)
    assert await rules(client, CLAIMING) == claiming
    assert await rules(client, PLAIN_PLAN) == plain


async def test_with_profiles_always_a_plain_plan_is_held_to_ours(service):
    client = await service(profiles="always")
    unclaimed = {key: value for key, value in CLAIMING.items() if key != "meta"}
    assert await rules(client, unclaimed) == ["reference-exists", "same-person"]
    assert "cardinality" in await rules(client, PLAIN_PLAN)
    withdrawn = {**PLAIN_PLAN, "status": "entered-in-error"}
    assert await rules(client, withdrawn) == []


async def test_with_references_always_a_wrong_record_can_still_be_withdrawn(service):
    client = await service(profiles="claimed", references="always")
    assert await rules(client, {**PLAIN_PLAN, "status": "entered-in-error"}) == []


async def test_an_obligation_rests_on_something_even_where_references_may_lead_nowhere(service):
    client = await service(profiles="claimed", references="never")
    assert await rules(client, obligation(to("Goal/none"))) == ["rg-5"]


async def test_another_version_of_a_profile_is_the_profile_and_another_profile_is_none(service):
    client = await service(profiles="claimed", references="recovery")
    (ours,) = plan()["meta"]["profile"]
    for claimed, found in (
        ([f"{ours}|0.1.0"], ["reference-exists"]),
        (["http://example.org/StructureDefinition/x", ours], ["reference-exists"]),
        (["http://example.org/StructureDefinition/x"], []),
    ):
        made = plan(meta={"profile": claimed}, goal=[to("Goal/none")])
        assert await rules(client, made) == found


async def test_addresses_of_this_server_are_its_own_where_it_knows_them(service):
    absolute = plan(goal=[to("https://plans.example/fhir/R4/Goal/none")])
    other = plan(goal=[to("https://plans.example/fhir/R5/Goal/none")])
    client = await service(base_url="https://plans.example")
    assert await rules(client, absolute) == ["reference-exists"]
    assert await rules(client, other) == []
    client = await service(profiles="claimed", references="recovery")
    assert await rules(client, absolute) == []


async def test_bases_of_patients_say_nothing_of_goals(service):
    client = await service(patient_bases="https://records.example/fhir")
    assert await rules(client, plan(goal=[to("https://records.example/fhir/Goal/none")])) == []


async def test_references_of_any_form_are_taken_without_a_fault(service):
    client = await service(profiles="always", references="always")
    for text in ("Goal/", "Goal/a/b", "Goal", "goal/1", "Goal?name=x", "/Goal/1", "#", "", "Goal/" + "x" * 65):
        response = await client.post("/CarePlan", json=plan(goal=[to(text)], partOf=[{"reference": 7}]))
        assert response.status_code in (400, 422), response.text
        odd = obligation(to(text))
        response = await client.post("/Goal", json={**odd, "category": [*odd["category"], 7]})
        assert response.status_code in (400, 422), response.text
