"""Generated resources and queries: the service and the matcher of tests/support agree, always."""

import json
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import islice
from random import Random
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st

from service.conformance.definitions import Definitions
from service.fhir.versions import R4
from service.settings import Settings
from tests.support.app import client_of
from tests.support.generated.elements import BASE
from tests.support.generated.parameters import with_strings
from tests.support.generated.queries import Queries, in_turn
from tests.support.generated.resources import worlds
from tests.support.matcher import Matcher
from tests.support.oracle.definitions import Definitions as OracleDefinitions

PAGES_AT_MOST = 60
WORLDS = 20
QUERIES = 130  # of each world
PAGES = (0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3)  # of how many matches the pages are that are walked as well, 0 for none
bounded = settings(
    deadline=None,
    max_examples=WORLDS,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],  # what disagrees is made small below,
    verbosity=Verbosity.quiet,  # and told there
)


class Service:
    """A service, and the resources that it holds at the moment."""

    def __init__(self, client: httpx.AsyncClient, definitions: OracleDefinitions) -> None:
        self.client = client
        self.definitions = definitions
        self.turns = in_turn(definitions, Random(0))
        self._held: set[str] = set()

    async def hold(self, resources: list[dict[str, Any]]) -> Matcher:
        """Store ``resources``, delete all others, and return a matcher for them as the service gives them back."""
        given = {f"{resource['resourceType']}/{resource['id']}": resource for resource in resources}
        entries: list[dict[str, Any]] = [
            {"resource": resource, "request": {"method": "PUT", "url": address}} for address, resource in given.items()
        ]
        entries += [{"request": {"method": "DELETE", "url": address}} for address in sorted(self._held - set(given))]
        body = orjson.dumps(
            {"resourceType": "Bundle", "type": "transaction", "entry": entries},
            default=lambda value: orjson.Fragment(value.text),
            option=orjson.OPT_PASSTHROUGH_SUBCLASS,
        )
        answer = await self.client.post("", content=body, headers={"Prefer": "return=representation"})
        assert answer.status_code == 200, [item for item in answer.json()["issue"] if item["severity"] == "error"]
        self._held = set(given)
        stored = json.loads(answer.content, parse_float=Decimal)["entry"]
        return Matcher([entry["resource"] for entry in stored[: len(given)]], BASE, self.definitions)

    async def bundle(self, address: str) -> dict[str, Any]:
        """Return the Bundle that is the answer to a search."""
        answer = await self.client.get(f"/{address}" if not address.startswith("?") else address)
        assert answer.status_code == 200, (address, answer.text)
        return dict(answer.json())

    async def walked(self, address: str) -> list[str]:
        """Return the references of all matches, by following the next links."""
        found: list[str] = []
        for _ in range(PAGES_AT_MOST):
            bundle = await self.bundle(address)
            found += named(bundle, "match")
            following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
            if not following:
                return found
            address = following[0].removeprefix(BASE).removeprefix("/")
        raise AssertionError(f"{address} has no end")


def named(bundle: dict[str, Any], mode: str) -> list[str]:
    """Return the references of the entries of a mode, as their addresses have them."""
    entries = [entry for entry in bundle.get("entry", ()) if entry["search"]["mode"] == mode]
    return [entry["fullUrl"].removeprefix(f"{BASE}/") for entry in entries]


def grouped(found: list[str], groups: list[list[str]]) -> list[list[str]]:
    """Return what was found, parted like the groups of equals, and without an order within a part."""
    ahead = iter(found)
    parts = [sorted(islice(ahead, len(group))) for group in groups]
    return [*parts, *([name] for name in ahead)]


async def disagreement(service: Service, matcher: Matcher, address: str, count: int) -> Any:
    """Return what the service says and what the matcher says, or None where they agree."""
    answer = matcher.answer(address)
    expected = [sorted(group) for group in answer.groups], sorted(answer.included), answer.total
    bundle = await service.bundle(f"{address}&_count=500&_total=accurate")
    found = grouped(named(bundle, "match"), answer.groups), sorted(named(bundle, "include")), bundle["total"]
    if found != expected:
        return found, expected
    pages = grouped(await service.walked(f"{address}&_count={count}"), answer.groups) if count else expected[0]
    if pages != expected[0]:
        return f"pages of {count}", pages, expected[0]
    total = (await service.bundle(f"{address}&_summary=count"))["total"] if count else answer.total
    return None if total == answer.total else ("_summary=count", total, answer.total)


async def smallest(service: Service, resources: list[dict[str, Any]], address: str, count: int) -> str:
    """Return what both say of the fewest of the resources on which they still disagree."""
    kept = list(resources)
    for resource in resources:
        fewer = [item for item in kept if item is not resource]
        if fewer and await disagreement(service, await service.hold(fewer), address, count):
            kept = fewer
    said = await disagreement(service, await service.hold(kept), address, count)
    return f"{address}\n(service, matcher) = {said}\n" + "\n".join(json.dumps(item, default=repr) for item in kept)


@pytest.fixture(scope="module")
async def service(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    own = Settings(mongodb_uri=mongodb_uri, mongodb_database=name, base_url=BASE.removesuffix("/fhir/R4"))
    schemas = with_strings(tmp_path_factory.mktemp("schemas"))
    async with client_of(own, definitions=Definitions(R4, schemas)) as client:
        yield Service(client, OracleDefinitions(schemas))


@bounded
@given(data=st.data())
async def test_what_is_found_is_what_the_specification_says(service: Service, data: st.DataObject) -> None:
    resources = data.draw(worlds())
    matcher = await service.hold(resources)
    queries = Queries(matcher.world, Random(data.draw(st.integers(0, 2**32))), service.turns)
    for number in range(QUERIES):
        address, count = queries.address(), PAGES[number % len(PAGES)]
        if await disagreement(service, matcher, address, count):
            raise AssertionError(await smallest(service, resources, address, count))


@pytest.mark.parametrize("resource_type", ["StructureDefinition", "ValueSet", "CodeSystem", "SearchParameter"])
async def test_published_definitions_are_found_like_all_resources(service: Service, resource_type: str) -> None:
    held = [entry["resource"] for entry in (await service.bundle(f"{resource_type}?_count=1000"))["entry"]]
    matcher = Matcher(held, BASE, service.definitions)
    queries = Queries(matcher.world, Random(resource_type), service.turns)
    for number in range(QUERIES):
        address = queries.published(resource_type)
        assert await disagreement(service, matcher, address, 40 if number % 20 == 0 else 0) is None, address


def plan(**members: Any) -> dict[str, Any]:
    return {"resourceType": "CarePlan", "id": "x"} | members


def during(start: str | None, end: str | None) -> dict[str, Any]:
    return plan(period={name: text for name, text in (("start", start), ("end", end)) if text})


def likely(text: str) -> dict[str, Any]:
    return {"resourceType": "RiskAssessment", "id": "x", "prediction": [{"probabilityDecimal": Decimal(text)}]}


def aimed(text: str, unit: str) -> dict[str, Any]:
    amount = {"value": Decimal(text), "system": "http://unitsofmeasure.org", "code": unit, "unit": unit}
    return {"resourceType": "Goal", "id": "x", "target": [{"detailQuantity": amount}]}


JANUARY_14 = ("2013-01-14", "2013-01-14")
EXAMPLES = [
    ("activity-date=eq2013-01-14", "2013-01-14T00:00:00Z", True),
    ("activity-date=eq2013-01-14", "2013-01-14T10:00:00Z", True),
    ("activity-date=eq2013-01-14", "2013-01-15T00:00:00Z", False),
    ("activity-date=ne2013-01-14", "2013-01-15T00:00:00Z", True),
    ("activity-date=ne2013-01-14", "2013-01-14T10:00:00Z", False),
    ("date=lt2013-01-14T10:00", during(*JANUARY_14), True),
    ("date=gt2013-01-14T10:00", during(*JANUARY_14), True),
    ("date=ge2013-03-14", during("2013-01-21", None), True),
    ("date=le2013-03-14", during("2013-01-21", None), True),
    ("date=sa2013-03-14", during("2013-03-15", None), True),
    ("date=sa2013-03-14", during("2013-01-21", None), False),
    ("date=sa2013-03-14", during(None, "2013-01-21"), False),
    ("date=eb2013-03-14", during("2013-03-15", None), False),
    ("date=eb2013-03-14", during("2013-01-21", None), False),
    ("date=eb2013-03-14", during(None, "2013-01-21"), True),
    ("date=ap2013-03-14", during("2013-03-14", "2013-03-14"), True),
    ("probability=100", likely("99.5"), True),
    ("probability=100", likely("99.4"), False),
    ("probability=100.00", likely("99.995"), True),
    ("probability=100.00", likely("99.99"), False),
    ("probability=1e2", likely("95"), True),
    ("probability=lt100", likely("99.9999"), True),
    ("probability=le100", likely("100"), True),
    ("probability=gt100", likely("100"), False),
    ("probability=ge100", likely("100"), True),
    ("probability=ne100", likely("99.6"), False),
    ("target-value=5.4|http://unitsofmeasure.org|mg", aimed("5.44", "mg"), True),
    ("target-value=5.40e-3|http://unitsofmeasure.org|g", aimed("5.4", "mg"), True),
    ("target-value=5.40e-3|http://unitsofmeasure.org|g", aimed("5.41", "mg"), False),
    ("target-value=5.4||mg", aimed("5.4", "mg"), True),
    ("target-value=5.4", aimed("5.4", "kg"), True),
    ("target-value=le5.4|http://unitsofmeasure.org|mg", aimed("0.0054", "g"), True),
    ("target-value=ap5.4|http://unitsofmeasure.org|mg", aimed("5", "mg"), True),
    ("instantiates-uri:below=http://acme.org/fhir/", plan(instantiatesUri=["http://acme.org/fhir/ValueSet/123"]), True),
    (
        "instantiates-uri:above=http://acme.org/fhir/ValueSet/123/_history/5",
        plan(instantiatesUri=["http://acme.org/fhir/ValueSet/123"]),
        True,
    ),
    ("instantiates-canonical:below=http://acme.com/p", plan(instantiatesCanonical=["http://acme.com/p|2.0"]), True),
    ("instantiates-canonical:below=http://acme.com/p|1", plan(instantiatesCanonical=["http://acme.com/p|1.1"]), True),
    ("instantiates-canonical:below=http://acme.com/p|1", plan(instantiatesCanonical=["http://acme.com/p|2.0"]), False),
    ("category=a,b", plan(category=[{"coding": [{"code": "b"}]}]), True),
    ("category=a\\,b", plan(category=[{"coding": [{"code": "a,b"}]}]), True),
    ("category:not=a", plan(), True),
    ("category:not=a", plan(category=[{"coding": [{"code": "a"}]}, {"coding": [{"code": "b"}]}]), False),
    ("subject:Patient=23", plan(subject={"reference": f"{BASE}/Patient/23"}), True),
    (
        "goal.description:text=x",
        plan(contained=[{"resourceType": "Goal", "id": "g", "description": {"text": "X"}}], goal=[{"reference": "#g"}]),
        True,
    ),
    ("_text=(bone OR liver) and metastases", plan(text={"div": "<div>Metastases of the liver</div>"}), True),
]


@pytest.mark.parametrize(("query", "resource", "expected"), EXAMPLES)
def test_the_matcher_says_what_the_page_says_of_its_own_examples(query: str, resource: Any, expected: bool) -> None:
    if isinstance(resource, str):
        resource = plan(activity=[{"detail": {"scheduledTiming": {"event": [resource]}}}])
    answer = Matcher([resource], BASE).answer(f"{resource['resourceType']}?{query}")
    assert answer.total == int(expected)
