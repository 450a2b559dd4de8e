"""What the CapabilityStatement lists for searches works: parameters with their modifiers, includes, compartments."""

import re
from typing import Any

import httpx
import pytest

from service.conformance.definitions import Definitions
from service.fhir.versions import R4

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

definitions = Definitions(R4)
PARAMETERS = [
    pytest.param(name, item["name"], item["type"], id=f"{name}-{item['name']}")
    for name in definitions.stored_types
    for item in definitions.resource_capabilities[name]["searchParam"]
]


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
async def test_each_include_that_is_listed_is_one(sample_client: httpx.AsyncClient, name: str) -> None:
    (item,) = [item for item in (await rest(sample_client))["resource"] if item["type"] == name]
    references = {each["name"] for each in item["searchParam"] if each["type"] == "reference"}
    assert set(item["searchInclude"]) == {"*", *(f"{name}:{code}" for code in references)}
    found: set[str] = set()
    for parameter, listed in (("_include", item["searchInclude"]), ("_revinclude", item["searchRevInclude"])):
        for text in listed:
            for modifier in ("", ":iterate"):
                answer = await sample_client.get(f"{BASE}/{name}?{parameter}{modifier}={text}&_count=1000")
                assert answer.status_code == 200, (parameter, text, answer.text)
                modes = [entry["search"]["mode"] for entry in answer.json()["entry"]]
                found |= {text} if "include" in modes else set()
    assert {"*", *WITH_SAMPLES[name]} <= found


WITH_SAMPLES = {
    "CarePlan": {"CarePlan:goal", "CarePlan:supporting-info"},
    "Goal": {"CarePlan:goal", "Goal:addresses", "RiskAssessment:pertains-to-goal"},
    "RiskAssessment": {"RiskAssessment:pertains-to-goal", "CarePlan:supporting-info", "Goal:addresses"},
}
"""Includes between resources of different types that the samples have."""


async def test_each_compartment_that_is_listed_can_be_searched(sample_client: httpx.AsyncClient) -> None:
    listed = (await rest(sample_client))["compartment"]
    assert len(listed) == 5
    for canonical in listed:
        answer = await sample_client.get(f"{BASE}/CompartmentDefinition?url={canonical}")
        (entry,) = answer.json()["entry"]
        owner, within = entry["resource"]["code"], entry["resource"]["resource"]
        belonging = {item["code"] for item in within if item.get("param")} & set(definitions.stored_types)
        for name in (*definitions.stored_types, "*"):
            answer = await sample_client.get(f"{BASE}/{owner}/nobody/{name}")
            assert answer.status_code == (200 if name in {*belonging, "*"} else 404), (owner, name)
    assert await total(sample_client, "Patient/example-robin/*?") > 3


async def rest(client: httpx.AsyncClient) -> Any:
    (found,) = (await client.get(f"{BASE}/metadata")).json()["rest"]
    return found
