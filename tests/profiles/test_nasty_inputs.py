"""Resources made to be slow or to break the service: each is answered, and in a time that grows with its size alone."""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.conformance.validation.validator import Validator
from service.fhir.reference import Addresses
from service.fhir.versions import R4
from service.settings import Settings
from tests.support.app import client_of
from tests.support.recovery import PERSON, coded, extension, goal, own, plan, with_extension
from tests.support.resources import care_plan

Json = dict[str, Any]

DEFINITIONS = Definitions(R4)
VALIDATOR = Validator(
    DEFINITIONS, Structures(DEFINITIONS), Terminology(DEFINITIONS), Addresses(frozenset()).same_reference
)
MOST_SECONDS = 2.0
"""Of processor time: each takes a fraction of it, and minutes where something grows with the square of its size."""
FOREIGN = {"url": "https://example.org/fhir/StructureDefinition/bed", "valueString": "C4"}
AGREEMENT = extension(own("agreement"), valueReference_party=PERSON, valueCode_status="disagree")


def narrated(inner: str) -> Json:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>'
    return care_plan(text={"status": "generated", "div": div})


def nested(depth: int) -> Json:
    inner: Json = FOREIGN
    for _ in range(depth):
        inner = {"url": FOREIGN["url"], "extension": [inner]}
    return care_plan(extension=[inner])


def contained(number: int, *, is_referred_to: bool) -> Json:
    inner = [{"resourceType": "Practitioner", "id": f"p{i}", "name": [{"text": "x"}]} for i in range(number)]
    links = [{"reference": f"#p{i}"} for i in range(number)] if is_referred_to else [{"reference": "#p0"}]
    return care_plan(contained=inner, supportingInfo=links)


NASTY: dict[str, tuple[Json, set[str]]] = {
    "extensions": (care_plan(extension=[FOREIGN] * 20_000), set()),
    "disagreements without a reason": (with_extension(plan(), *[AGREEMENT] * 5_000), {"rcp-6"}),
    "categories of one slice": (plan(category=[coded("plan-kind", "recovery-plan")] * 10_000), {"cardinality"}),
    "contributors": (plan(contributor=[{"reference": f"Patient/p{i}"} for i in range(10_000)]), {"rcp-2"}),
    "profiles": (care_plan(meta={"profile": [f"https://x.org/{i}" for i in range(20_000)]}), {"profile-unknown"}),
    "unknown elements": ({**care_plan(), **{f"key{i}": 1 for i in range(20_000)}}, {"unknown-element"}),
    "links to nothing": (care_plan(supportingInfo=[{"reference": f"#x{i}"} for i in range(10_000)]), {"ref-1"}),
    "contained": (contained(5_000, is_referred_to=True), set()),
    "contained for nothing": (contained(5_000, is_referred_to=False), {"dom-3"}),
    "nested extensions": (nested(120), {"nesting"}),
    "a code of spaces": (care_plan(status="a " * 50_000), {"format"}),
    "a code without end": (care_plan(status="a" * 1_000_000), {"binding"}),
    "a date without end": (care_plan(created="2" * 1_000_000), {"format"}),
    "base64 of spaces": (
        care_plan(extension=[{"url": FOREIGN["url"], "valueBase64Binary": "eA==" + " " * 1_000_000}]),
        set(),
    ),
    "a long reference": (care_plan(subject={"reference": "Patient/" * 50_000 + "x"}), set()),
    "a name of many attributes": (
        narrated("<p " + " ".join(f'a{i}="x"' for i in range(30_000)) + ">x</p>"),
        {"txt-1"},
    ),
    "a style of words": (narrated(f'<p style="{"-a" * 100_000}">x</p>'), set()),
    "a style of comments": (narrated(f'<p style="{"/*" * 100_000}">x</p>'), set()),
    "a style of functions": (narrated(f'<p style="{"rgb(" * 50_000}">x</p>'), set()),
    "elements without end": (narrated("<br/>" * 400_000), {"txt-1"}),
    "deep elements": (narrated("<b>" * 50_000 + "x" + "</b>" * 50_000), {"txt-1"}),
    "an element that never starts": (narrated("<" * 400_000), {"txt-1"}),
    "entities that are none": (narrated("&nosuch;" * 100_000), {"txt-1"}),
    "nothing but spaces": (narrated(" " * 1_000_000), {"txt-2"}),
}


@pytest.fixture(scope="module")
async def client(mongodb_uri: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of one service for all that stands here."""
    async with client_of(Settings(mongodb_uri=mongodb_uri, mongodb_database="test_nasty")) as found:
        yield found


@pytest.mark.parametrize("name", NASTY)
def test_much_of_anything_is_answered_in_a_time_that_grows_with_it(name: str) -> None:
    resource, rules = NASTY[name]
    start = time.process_time()
    issues = VALIDATOR.issues(resource)
    assert time.process_time() - start < MOST_SECONDS
    assert {issue.rule for issue in issues} == rules


@pytest.mark.parametrize("name", NASTY)
async def test_the_service_answers_and_goes_on(client: httpx.AsyncClient, name: str) -> None:
    body = orjson.dumps(NASTY[name][0])
    for address in ("/CarePlan", "/CarePlan/$validate"):
        response = await client.post(address, content=body)
        assert response.status_code in (200, 201, 400, 422), response.text[:300]
    assert (await client.post("/Goal/$validate", json=goal())).status_code == 200


NO_RESOURCES = {
    "brackets": b"[" * 1_000_000,
    "braces": b'{"a":' * 500_000,
    "no UTF-8": b"\xff" * 1_000,
    "a number": b"1" * 1_000_000,
    "half a character": b'"\\ud800"',
}


@pytest.mark.parametrize("name", NO_RESOURCES)
@pytest.mark.parametrize("address", ["", "/CarePlan", "/CarePlan/$validate"])
async def test_what_is_no_resource_is_refused(client: httpx.AsyncClient, address: str, name: str) -> None:
    response = await client.post(address, content=NO_RESOURCES[name])
    assert response.status_code == 400 or (response.status_code, address) == (200, "/CarePlan/$validate")
    assert {issue["severity"] for issue in response.json()["issue"]} == {"error"}
