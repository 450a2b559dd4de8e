"""What the CapabilityStatement says works, and what it does not say is refused; then, what searches do with it.

Every claim of a running service is tried, under two sets of settings; one that ``claims`` does not know fails.
"""

import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from service.conformance.definitions import Definitions
from service.fhir.versions import R4
from service.settings import Settings
from tests.interactions.claims.of_conditions import CONDITIONS
from tests.interactions.claims.of_the_service import REST, STATEMENT
from tests.interactions.claims.of_types import RESOURCE
from tests.interactions.claims.world import World
from tests.support.app import client_of
from tests.support.samples import EXAMPLES

BASE = "/fhir/R4"
CHIME = "https://w3id.org/recovery-plan/{}/chime"
VALUES = {
    "missing": "true",
    "exact": "a",
    "contains": "a",
    "text": "a",
    "in": CHIME.format("ValueSet"),
    "not-in": CHIME.format("ValueSet"),
    "of-type": "http://example.org|MR|1",
    "identifier": "http://example.org|1",
}
LEVELS = {
    "token": CHIME.format("CodeSystem") + "|hope",
    "uri": "http://example.org/a",
    "reference": "http://example.org/a|1",
}
OPPOSITES = [("missing=true", "missing=false"), ("in={in}", "not-in={in}")]
NAMES = re.compile(r":([\w-]+)")
REFERENCE = re.compile(r'"reference":"([A-Za-z]+/[A-Za-z0-9.-]+)"')

definitions = Definitions(R4)
PARAMETERS = [
    pytest.param(name, item["name"], item["type"], id=f"{name}-{item['name']}")
    for name in definitions.stored_types
    for item in definitions.resource_capabilities[name]["searchParam"]
]


SETTINGS: dict[str, dict[str, Any]] = {
    "usual": {},
    "strict": {"require_if_match": True, "max_conditional_delete": 5},
}


OF_TYPES = [
    (name, member, settings)
    for name in definitions.resource_capabilities
    for member in RESOURCE
    for settings in SETTINGS
    if settings == "usual" or (name in definitions.stored_types and member in ("interaction", *CONDITIONS))
]
"""Other settings change nothing for definitions, nor how searches and operations are offered."""


@pytest.fixture(scope="module")
async def worlds(mongodb_uri: str) -> AsyncIterator[dict[str, World]]:
    """Running services by the name of their settings, each with the samples and what it says of itself."""
    async with AsyncExitStack() as stack:
        found = {}
        for name, settings in SETTINGS.items():
            place = {"mongodb_uri": mongodb_uri, "mongodb_database": f"test_claims_{name}"}
            of_name = Settings(**place, subscription_hosts="reports.example.org", **settings)
            client = await stack.enter_async_context(client_of(of_name))
            for file in sorted((EXAMPLES / "valid").glob("sample-*.json")):
                assert (await client.post("", content=file.read_bytes())).status_code == 200
            asked = json.loads((EXAMPLES / "valid" / "subscription.json").read_bytes())
            del asked["channel"]["header"]  # whose marks are of no use for another one
            assert (await client.post("/Subscription", json=asked)).status_code == 201
            found[name] = World(client, (await client.get("/metadata")).json())
        yield found


@pytest.mark.parametrize(("name", "member", "settings"), OF_TYPES)
async def test_what_is_claimed_of_a_type_works_and_no_more(
    worlds: dict[str, World], name: str, member: str, settings: str
) -> None:
    await RESOURCE[member](worlds[settings], worlds[settings].types[name])


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("member", REST)
async def test_what_is_claimed_of_all_types_together_works(
    worlds: dict[str, World], member: str, settings: str
) -> None:
    await REST[member](worlds[settings], worlds[settings].rest)


@pytest.mark.parametrize("member", STATEMENT)
async def test_what_is_claimed_of_the_service_works(worlds: dict[str, World], member: str) -> None:
    await STATEMENT[member](worlds["usual"], worlds["usual"].statement)


@pytest.mark.parametrize("settings", SETTINGS)
async def test_no_claim_goes_untried(worlds: dict[str, World], settings: str) -> None:
    world = worlds[settings]
    assert world.statement.keys() <= STATEMENT.keys()
    assert world.rest.keys() <= REST.keys()
    assert world.types.keys() == definitions.resource_capabilities.keys()
    for item in world.types.values():
        assert item.keys() <= RESOURCE.keys(), item["type"]


async def total(client: httpx.AsyncClient, query: str) -> int:
    answer = await client.get(f"{BASE}/{query}&_summary=count")
    assert answer.status_code == 200, answer.text
    return int(answer.json()["total"])


async def modifiers(client: httpx.AsyncClient, name: str, code: str) -> list[str]:
    """Return the modifiers that the service names when it refuses one."""
    answer = await client.get(f"{BASE}/{name}?{code}:wrong=x")
    assert answer.status_code == 400
    sentence = answer.json()["issue"][0]["diagnostics"]
    assert sentence.startswith(f"{code} has no modifier :wrong, only :missing")
    return NAMES.findall(sentence.partition(" only ")[2])


def value(modifier: str, kind: str) -> str:
    """Return a value that can be given with a modifier, of a parameter of type ``kind``."""
    return LEVELS[kind] if modifier in ("below", "above") else VALUES.get(modifier, "1")


@pytest.mark.parametrize(("name", "code", "kind"), PARAMETERS)
async def test_a_parameter_has_the_modifiers_that_a_refusal_names_and_no_others(
    sample_client: httpx.AsyncClient, name: str, code: str, kind: str
) -> None:
    named = await modifiers(sample_client, name, code)
    for modifier in named:
        if modifier != "not":
            await total(sample_client, f"{name}?{code}:{modifier}={value(modifier, kind)}")
    for modifier in {*VALUES, "below", "above", "not", "Observation"} - set(named):
        answer = await sample_client.get(f"{BASE}/{name}?{code}:{modifier}=a")
        assert answer.status_code == 400, modifier
        assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "unknown-parameter"


@pytest.mark.parametrize(("name", "code", "kind"), PARAMETERS)
async def test_opposite_modifiers_share_all_resources_between_them(
    sample_client: httpx.AsyncClient, name: str, code: str, kind: str
) -> None:
    every = await total(sample_client, f"{name}?")
    named = await modifiers(sample_client, name, code)
    for one, other in OPPOSITES:
        if one.partition("=")[0] in named:
            queries = [f"{name}?{code}:{item.format(**VALUES)}" for item in (one, other)]
            assert sum([await total(sample_client, query) for query in queries]) == every, one
    if "not" in named:
        for text in ("active", "personal", "nothing-is-so"):
            assert (
                await total(sample_client, f"{name}?{code}={text}")
                + await total(sample_client, f"{name}?{code}:not={text}")
                == every
            )


@pytest.mark.parametrize("name", definitions.stored_types)
async def test_each_include_that_is_listed_brings_what_chains_lead_to(
    sample_client: httpx.AsyncClient, name: str
) -> None:
    """What an include brings is what `_has` finds, and what a reverse one brings is what a chain finds."""
    listed = {item["type"]: item for item in (await rest(sample_client))["resource"]}
    codes = {each["name"] for each in listed[name]["searchParam"] if each["type"] == "reference"}
    assert set(listed[name]["searchInclude"]) == {"*", *(f"{name}:{code}" for code in codes)}
    every = await names(sample_client, f"{name}?")
    for code in codes:
        brought = await names(sample_client, f"{name}?_include={name}:{code}", "include")
        targets = [each for each in definitions.stored_types if f"{name}:{code}" in listed[each]["searchRevInclude"]]
        for target in targets:
            referred = await names(sample_client, f"{target}?_has:{name}:{code}:_lastUpdated=gt1900")
            assert {item for item in brought if item.startswith(f"{target}/")} == referred - every
            referring = await names(sample_client, f"{name}?{code}:{target}._lastUpdated=gt1900")
            back = await names(sample_client, f"{target}?_revinclude={name}:{code}", "include")
            assert back == (referring if target != name else set())
            assert bool(referred) == bool(referring)
    for parameter, member in (("_include", "searchInclude"), ("_revinclude", "searchRevInclude")):
        links = [each for each in listed[name][member] if each != "*"]
        one_by_one = [await names(sample_client, f"{name}?{parameter}={each}", "include") for each in links]
        at_once = await names(sample_client, f"{name}?{parameter}=*", "include")
        assert at_once == set().union(*one_by_one)
        assert at_once <= await names(sample_client, f"{name}?{parameter}:iterate=*", "include")


async def names(client: httpx.AsyncClient, query: str, mode: str = "match") -> set[str]:
    """Return ``Type/id`` of the entries of a mode."""
    answer = await client.get(f"{BASE}/{query}&_count=1000")
    assert answer.status_code == 200, (query, answer.text)
    entries = [entry for entry in answer.json().get("entry", []) if entry["search"]["mode"] == mode]
    return {entry["fullUrl"].partition(f"{BASE}/")[2] for entry in entries}


async def test_the_samples_refer_to_each_other_in_many_ways(sample_client: httpx.AsyncClient) -> None:
    brought = [await names(sample_client, f"{name}?_include=*", "include") for name in definitions.stored_types]
    back = [await names(sample_client, f"{name}?_revinclude=*", "include") for name in definitions.stored_types]
    assert sum(map(bool, brought)) > 2
    assert sum(map(bool, back)) > 2


async def test_each_compartment_that_is_listed_can_be_searched(sample_client: httpx.AsyncClient) -> None:
    people = await people_in_the_samples(sample_client)
    held = 0
    for canonical in (await rest(sample_client))["compartment"]:
        answer = await sample_client.get(f"{BASE}/CompartmentDefinition?url={canonical}")
        (entry,) = answer.json()["entry"]
        owner, within = entry["resource"]["code"], entry["resource"]["resource"]
        belonging = {item["code"] for item in within if item.get("param")} & set(definitions.stored_types)
        for name in (*definitions.stored_types, "*"):
            answer = await sample_client.get(f"{BASE}/{owner}/nobody/{name}")
            assert answer.status_code == (200 if name in {*belonging, "*"} else 404), (owner, name)
        for somebody in [each for each in people if each.startswith(f"{owner}/")]:
            held += await total(sample_client, f"{somebody}/*?")
    assert held > 3


async def people_in_the_samples(client: httpx.AsyncClient) -> set[str]:
    """Return ``Type/id`` of all to whom or to which resources of the samples refer."""
    found = [(await client.get(f"{BASE}/{name}?_count=1000")).text for name in definitions.stored_types]
    return {each for text in found for each in REFERENCE.findall(text)}


async def rest(client: httpx.AsyncClient) -> Any:
    (found,) = (await client.get(f"{BASE}/metadata")).json()["rest"]
    return found
