"""Invariants as conditions: held against fhirpathpy, which knows nothing of our engine, and against the specification.

Where the two engines differ, `DIFFERENCES` says which sentence of http://hl7.org/fhirpath/N1 decides.
"""

import copy
import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.invariants import (
    STRUCTURES,
    TYPES,
    Json,
    Rule,
    changed,
    compiled,
    domain_rules,
    elements,
    occurrences,
    ours,
    resources,
    rules_of,
    theirs,
    what_it_reads,
)
from tests.support.mutations import mutants, paths

bounded = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

HTML = {"txt-1", "txt-2"}
"""Their ``htmlChecks()`` is no FHIRPath; service.conformance.validation has it in Python."""
BASE = [rule for rule in rules_of("CarePlan", "Goal", "RiskAssessment", *TYPES) if rule.key not in HTML]
DISTINCT = list({(rule.expression, rule.choice and rule.start): rule for rule in reversed(BASE)}.values())[::-1]
DOMAIN = domain_rules()


def _unlike_precision(*names: str) -> Callable[[Any], bool]:
    return lambda element: len({len(element[name]) for name in names if name in element}) > 1


def _several(name: str) -> Callable[[Any], bool]:
    return lambda element: len(element.get(name, ())) > 1


def _both(*names: str) -> Callable[[Any], bool]:
    return lambda element: all(name in element for name in names)


DIFFERENCES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "per-1 Period": (
        _unlike_precision("start", "end"),
        "Comparison: 'If one value is specified to a different level of precision than the other, the result is empty'",
    ),
    "inv-1 Task": (_unlike_precision("lastModified", "authoredOn"), "Comparison, the same sentence"),
    "rng-2 Range": (
        _both("low", "high"),
        "Comparison: 'The comparison operators are defined for strings, integers, decimals, quantities …'",
    ),
    "tim-9 Timing.repeat": (
        _several("when"),
        "in: 'If the left operand has multiple items, an exception is thrown', which would refuse what R4 allows",
    ),
}
"""By rule: the elements about which fhirpathpy may answer otherwise or not at all, and why it is not followed."""
BREAKING: dict[str, Json] = {
    "con-5": {
        "resourceType": "Condition",
        "clinicalStatus": {"text": "x"},
        "verificationStatus": {
            "coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "entered-in-error"}
            ]
        },
    },
}
"""Elements that break a rule and are too particular to be met by chance."""
ALWAYS = {
    "ras-1 decimal": "a decimal has neither low nor high",
    "ctm-1 CareTeam.participant": "nothing is fetched, so only what is contained can break it; see below",
}
"""Rules that nothing here breaks, and why."""


def agree(rule: Rule, element: Any, resource: Json | None = None) -> bool:
    """Return our verdict, having made sure that fhirpathpy has the same, or that it is known why not."""
    verdict = ours(rule, element, resource)
    may_differ, _ = DIFFERENCES.get(str(rule), (lambda element: False, ""))
    if not may_differ(element):
        assert theirs(rule, element, resource) is verdict, f"{rule}: {json.dumps(element, default=str)}"
    return verdict


@pytest.mark.parametrize("rule", BASE, ids=str)
def test_every_invariant_of_the_held_types_compiles(rule: Rule) -> None:
    compiled(rule)


@pytest.mark.parametrize("rule", DISTINCT, ids=str)
def test_an_invariant_of_fhir_has_both_verdicts_and_fhirpathpy_the_same(rule: Rule) -> None:
    verdicts = {agree(rule, BREAKING[rule.key])} if rule.key in BREAKING else set()

    @bounded
    @given(elements(rule))
    def check(element: Any) -> None:
        verdicts.add(agree(rule, element))

    check()
    assert verdicts == ({True} if str(rule) in ALWAYS else {True, False})


def test_both_engines_agree_on_every_element_of_the_examples() -> None:
    seen = set()
    for resource in resources():
        for rule, element in occurrences(resource, STRUCTURES.of_type(resource["resourceType"])):
            place = rule, json.dumps(element, default=str)
            if rule.key not in HTML and place not in seen:
                seen.add(place)
                agree(rule, element, resource)
    assert len(seen) > 1000


@pytest.mark.parametrize("rule", DOMAIN, ids=str)
def test_a_rule_of_the_domain_has_both_verdicts_and_fhirpathpy_the_same(rule: Rule) -> None:
    chance = random.Random(1)
    whole = [what_it_reads(rule, item) for item in resources() if item["resourceType"] == rule.start]
    verdicts = Counter(agree(rule, item) for item in whole)
    tried = list(whole)
    while len(tried) < 4000 and (verdicts[True] < 5 or verdicts[False] < 5):
        item = changed(chance.choice(chance.choice([whole, tried])), rule.literals, chance)
        tried.append(item)
        if verdicts[ours(rule, item)] < 5:
            verdicts[agree(rule, item)] += 1
    assert verdicts[True]
    assert verdicts[False]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(DOMAIN), st.data(), st.integers(1, 4), st.randoms(use_true_random=False))
def test_both_engines_agree_on_samples_with_several_changes(
    rule: Rule, data: st.DataObject, times: int, chance: random.Random
) -> None:
    resource = data.draw(st.sampled_from([item for item in resources() if item["resourceType"] == rule.start]))
    resource = what_it_reads(rule, resource)
    for _ in range(times):
        resource = changed(resource, rule.literals, chance)
    agree(rule, resource)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_nothing_malformed_stops_a_rule_and_nothing_is_changed(data: st.DataObject) -> None:
    resource = data.draw(st.sampled_from(resources()))
    path = data.draw(st.sampled_from([path for path in paths(resource) if path[-1] != "resourceType"]))
    mutant = data.draw(st.sampled_from(list(mutants(resource, path)))).resource
    before = copy.deepcopy(mutant)
    for rule in (*BASE, *DOMAIN):
        if rule.start == resource["resourceType"]:
            assert ours(rule, mutant) in (True, False)
    assert mutant == before


def test_on_behalf_of_needs_a_practitioner_where_the_member_is_contained() -> None:
    (rule,) = [rule for rule in BASE if rule.key == "ctm-1"]
    root = {"contained": [{"resourceType": "Patient", "id": "a"}, {"resourceType": "Practitioner", "id": "b"}]}

    def verdict(reference: str) -> bool:
        return ours(rule, {"member": {"reference": reference}, "onBehalfOf": {"display": "x"}}, root)

    assert not verdict("#a")
    assert verdict("#b")
    assert verdict("Practitioner/1")
