"""The rules of the domain are published in our profiles as agreed, written so that strict engines take them."""

import copy
import functools
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import fhirpathpy
import pytest
from fhirpathpy.models import models

from tests.support.samples import EXAMPLES

Json = dict[str, Any]

R4 = EXAMPLES.parent
RULES = json.loads((Path(__file__).parent / "invariants.json").read_text(encoding="utf-8"))
PROFILES = {"CarePlan": "RecoveryCarePlan", "Goal": "RecoveryGoal", "RiskAssessment": "PositiveRiskAssessment"}
CODES = {"valueCode", "status", "lifecycleStatus", "code"}


def profile(base: str) -> Json:
    return json.loads((R4 / f"StructureDefinition-{PROFILES[base]}.json").read_text(encoding="utf-8"))


def agreed(base: str) -> list[Json]:
    return [rule for rule in RULES if rule["base"] == base]


def published(base: str) -> list[Json]:
    return profile(base)["differential"]["element"][0]["constraint"]


@functools.cache
def compiled(expression: str) -> Callable[..., list[Any]]:
    return fhirpathpy.compile(expression, models["r4"])


def holds(expression: str, resource: Json) -> bool:
    given = copy.deepcopy(resource)  # fhirpathpy writes into what it is given
    return compiled(expression)(given, {"resource": given}) == [True]


def samples(base: str) -> list[Json]:
    """The resources of a type among the valid examples."""
    documents = [json.loads(path.read_bytes()) for path in sorted((EXAMPLES / "valid").glob("*.json"))]
    held = [entry["resource"] for document in documents for entry in document.get("entry", [{"resource": document}])]
    return [resource for resource in held if resource["resourceType"] == base]


def what_it_reads(expression: str, resource: Json) -> Json:
    """`resource` without elements and extensions that `expression` does not name."""
    words = {"resourceType", *re.findall(r"\w+", expression)}
    kept = {key: copy.deepcopy(value) for key, value in resource.items() if key in words}
    if "extension" in kept:
        kept["extension"] = [item for item in kept["extension"] if f"'{item['url']}'" in expression]
    return kept


def objects(value: Any) -> Iterator[Json]:
    """Every JSON object inside `value`, itself included."""
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(child)


def without(resource: Json, name: str) -> Json:
    """`resource` without its element `name`, and without the extensions and parts that have this url."""
    made = {key: copy.deepcopy(value) for key, value in resource.items() if key != name}
    for item in objects(made):
        if "extension" in item:
            item["extension"] = [part for part in item["extension"] if part["url"] != name]
            if not item["extension"]:
                del item["extension"]
    return made


def recoded(resource: Json, role: tuple[str, str], code: str) -> Json:
    """`resource` with `code` wherever a code has this role: its key, and the url or system beside it."""
    made = copy.deepcopy(resource)
    for item in objects(made):
        for key in CODES & item.keys():
            if role == role_of(item, key):
                item[key] = code
    return made


def role_of(item: Json, key: str) -> tuple[str, str]:
    return key, item.get("url") or item.get("system") or ""


def names_in(resource: Json) -> set[str]:
    """The names of elements, extensions and parts in `resource`."""
    return {*resource, *(item["url"] for item in objects(resource) if "url" in item)} - {"resourceType"}


def roles_in(resource: Json) -> set[tuple[str, str]]:
    held = [(item, key) for item in objects(resource) for key in CODES & item.keys()]
    return {role_of(item, key) for item, key in held if isinstance(item[key], str)}


def trials(expression: str, resource: Json) -> Iterator[Json]:
    """`resource` whole, without one or two things, and with another code that `expression` names and one thing less."""
    yield resource
    for first, second in itertools.combinations_with_replacement(sorted(names_in(resource)), 2):
        yield without(without(resource, first), second)
    for role, code in itertools.product(sorted(roles_in(resource)), re.findall(r"'([a-z\-]+)'", expression)):
        variant = recoded(resource, role, code)
        yield variant
        yield from (without(variant, name) for name in sorted(names_in(variant)))


def unlike(resources: Iterable[Json]) -> list[Json]:
    """One of each kind: the first of those that hold the same names and codes in the same roles."""
    return list({(frozenset(names_in(item)), frozenset(roles_in(item))): item for item in resources}.values())


@pytest.mark.parametrize("base", PROFILES)
def test_a_profile_publishes_each_agreed_rule_and_no_other(base: str) -> None:
    assert [(rule["key"], rule["severity"], rule["human"]) for rule in published(base)] == [
        (rule["key"], rule["severity"], rule["human"]) for rule in agreed(base)
    ]
    assert {rule["source"] for rule in published(base)} == {profile(base)["url"]}


def test_all_34_rules_are_published() -> None:
    assert sum(len(published(base)) for base in PROFILES) == len(RULES) == 34


@pytest.mark.parametrize("base", PROFILES)
def test_a_choice_is_narrowed_to_one_type_before_it_is_read(base: str) -> None:
    for rule in published(base):
        assert re.findall(r"\b(?:value|author|occurrence)\b(?!\.ofType\()", rule["expression"]) == []


@pytest.mark.parametrize(("base", "key"), [(rule["base"], rule["key"]) for rule in RULES], ids=str)
def test_a_published_rule_agrees_with_the_agreed_one(base: str, key: str) -> None:
    (ours,) = [rule["expression"] for rule in published(base) if rule["key"] == key]
    (theirs,) = [rule["expression"] for rule in agreed(base) if rule["key"] == key]
    whole = samples(base)
    assert all(holds(ours, resource) == holds(theirs, resource) for resource in whole)
    results = set()
    for resource in unlike(what_it_reads(theirs, item) for item in whole):
        for trial in trials(theirs, resource):
            results.add(holds(ours, trial))
            assert holds(ours, trial) == holds(theirs, trial), json.dumps(trial)
    assert results == {True, False}  # it was tried on good and on broken ones
