"""The compiled rules against fhir.resources: why they may stand alone where a request is waiting.

R4 4.0.1 is read with the R4B models, which are the same for our types. Every element that occurs in an official
example or a sample is changed in every way that ``mutations`` knows; then whatever the models refuse the rules refuse,
what the rules refuse beyond that is in a named category, and the place they report is the place of the change.
"""

import copy
import random
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from service.conformance.definitions import Definition, Definitions
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.conformance.validation.validator import Validator
from service.fhir.json import Number, parse
from service.fhir.outcome import Issue
from service.fhir.versions import R4
from tests.support.mutations import Json, JsonPath, Mutant, element_path, expression, mutants, paths, skeleton

TESTS = Path(__file__).parents[2]
OFFICIAL = sorted((TESTS / "support" / "official_examples").glob("*.json"))
VALID = TESTS.parent / "schemas" / "r4" / "examples" / "valid"
SAMPLES = sorted(set(VALID.glob("*.json")) - {VALID / "subscription.json"})  # of a list as a url the models break down

MANDATORY = {"resourceType", "status", "intent", "subject", "lifecycleStatus", "description"}
MANDATORY |= {"target", "recorded", "agent", "who"}
EMPTY = {"dropped", "null", "empty list", "empty object"}
STRICTER: dict[str, set[str] | None] = {
    # A rule of ours that the models do not know, and the kinds of change that it refuses; None: any kind.
    "binding": None,
    # The models overlook a second form that has no value, only an extension.
    "unknown-element": {"second form by extension alone"},
    "reference-target": None,
    # FHIR has no empty object and list, and null only in lists of primitives: https://hl7.org/fhir/R4/json.html#null
    "wrong-type": EMPTY
    | {"beside it: null", "instead of it: null", "beside it: empty list", "instead of it: empty list"}
    | {"instead of it: list of null"},
    "resource-type": {"empty object"},
    # The models turn 5 into "5", a moment, or true; and know no expression for uri, canonical, code, and empty texts.
    "format": {"null", "list of null", "list with null", "empty text", "padded text", "blank text", "text with a tab"}
    | {"whole number", "negative number", "number beyond 32 bits", "decimal", "true", "text"}
    | {"number as text", "true as text", "year"},
}
MORE_LENIENT = re.compile(r"(beside|instead of) it: (id|extension)\|.*\bextension\[\d+\]\.value\.ofType\(\w+\)")
"""What only the models refuse: the value of an Extension is an element as any other in FHIR and has its own id and
extensions, such as a translation; the models have no ``_valueString`` and the like."""


SHAPE = {
    "binding",
    "cardinality",
    "format",
    "nesting",
    "reference-target",
    "resource-type",
    "unknown-element",
    "wrong-type",
}
"""The rules that the models know too; they know neither invariants nor extensions and profiles."""


class Types(Definitions):
    """The definitions without those of extensions and profiles."""

    def of_type(self, resource_type: str) -> list[Definition]:
        return [item for item in super().of_type(resource_type) if item.get("derivation") != "constraint"]


def _validator() -> Validator:
    definitions = Types(R4)
    return Validator(definitions, Structures(definitions), Terminology(definitions))


VALIDATOR = _validator()


def ours(resource: Json) -> list[Issue]:
    """Return what the rules of shape refuse."""
    return [issue for issue in VALIDATOR.issues(resource) if issue.rule in SHAPE]


def theirs(resource: Json) -> list[str]:
    """Return what the model of the resource refuses."""
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(copy.deepcopy(resource))
    except ValidationError as error:
        return [f"{item['loc']} {item['msg']}" for item in error.errors(include_input=False)]
    return []


@cache
def valid_resources() -> list[Json]:
    found = []
    for file in (*OFFICIAL, *SAMPLES):
        document = parse(file.read_bytes())
        is_bundle = document["resourceType"] == "Bundle"
        found += [entry["resource"] for entry in document["entry"]] if is_bundle else [document]
    return found


@cache
def elements() -> list[tuple[Json, JsonPath]]:
    """Return each element that any valid resource has, once, in a resource that has little else."""
    found: dict[str, tuple[Json, JsonPath]] = {}
    for resource in valid_resources():
        for path in paths(resource):
            if path[-1] != "resourceType":
                found.setdefault(element_path(resource, path), skeleton(resource, path, MANDATORY))
    return list(found.values())


def all_mutants() -> Iterator[Mutant]:
    for resource, path in elements():
        yield from mutants(resource, path)


def test_every_official_example_and_sample_is_accepted_by_both() -> None:
    assert len(OFFICIAL) == 19
    assert len(SAMPLES) >= 7
    assert [
        (item["resourceType"], ours(item), theirs(item)) for item in valid_resources() if ours(item) or theirs(item)
    ] == []


def test_whatever_the_models_refuse_the_rules_refuse_and_more_only_where_the_specification_demands_it() -> None:
    both, differences = Counter[bool](), []
    for mutant in all_mutants():
        issues, refusals = ours(mutant.resource), theirs(mutant.resource)
        if bool(issues) == bool(refusals):
            both[bool(issues)] += 1
        elif refusals:
            if not MORE_LENIENT.fullmatch(f"{mutant.kind}|{mutant.place}"):
                differences.append(("only the models refuse", mutant.kind, mutant.place, refusals[0]))
        else:
            for issue in issues:
                kinds = STRICTER.get(issue.rule, set())
                is_beside_xhtml = mutant.place.endswith(".text.div")  # which has no extensions, so no _div
                is_base64 = issue.diagnostics.endswith("base64Binary")  # which the models take with any character
                if kinds is not None and mutant.kind not in kinds and not is_beside_xhtml and not is_base64:
                    differences.append(("only the rules refuse", mutant.kind, mutant.place, str(issue)))
    assert differences == []
    assert both[True] > 10_000
    assert both[False] > 3_000


def test_every_issue_names_the_place_of_the_change() -> None:
    elsewhere, renamed = [], 0
    for mutant in all_mutants():
        reported = ours(mutant.resource)
        for issue in reported:
            place = f"{issue.expression}"
            is_there = any(place == named or is_below(place, named) for named in (mutant.place, mutant.also))
            # A list may be empty, and a concept without any code allowed, because of what was taken out of it.
            is_around = is_below(mutant.place, place) and place != mutant.resource["resourceType"]
            if not is_there and not is_around:
                elsewhere.append((mutant.kind, mutant.place, issue))
        if mutant.kind == "renamed":
            renamed += 1
            assert ("unknown-element", mutant.place) in [(issue.rule, issue.expression) for issue in reported]
    assert elsewhere == []
    assert renamed > 400


def is_below(place: str, other: str) -> bool:
    return place.startswith((f"{other}.", f"{other}["))


def test_all_issues_of_a_resource_are_reported_at_once() -> None:
    """Changes of different elements of one resource do not hide each other."""
    chance, most = random.Random(20261122), 0
    for base in valid_resources():
        broken, expected = copy.deepcopy(base), set()
        for key in sorted(base.keys() - {"resourceType", "id", "contained"}):  # which tells what #references lead to
            path = chance.choice(list(paths({key: base[key]})))
            changes = [item for item in mutants(base, path) if item.resource.keys() <= base.keys()]
            mutant = next(item for item in chance.sample(changes, len(changes)) if ours(item.resource))
            expected |= {(issue.rule, issue.expression) for issue in ours(mutant.resource)}
            broken = {name: item for name, item in broken.items() if name != key}
            broken |= {name: item for name, item in mutant.resource.items() if name == key}
        assert {(issue.rule, issue.expression) for issue in ours(broken)} == expected
        most = max(most, len(expected))
    assert most > 10


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.builds(Number, st.from_regex(r"-?(0|[1-9]\d{0,20})\.\d{1,20}([eE][+-]?\d{1,3})?", fullmatch=True))
    | st.text(max_size=12)
    | st.sampled_from(
        ["2024", "2024-02-29", "2024-02-29T12:00:00Z", "active", "Patient/1", "urn:uuid:x", "#p", "10:00:00"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "extension", "url", "valueString", "reference", "coding", "code", "text", "value", "start"]
            )
            | st.text(max_size=6),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_value_that_the_models_refuse_is_accepted_anywhere(data: st.DataObject) -> None:
    resource, path = data.draw(st.sampled_from(elements()))
    changed = copy.deepcopy(resource)
    holder: Any = changed
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = data.draw(ANY_JSON)
    issues = ours(changed)
    if not issues:
        assert theirs(changed) == []
    place = expression(path, resource["resourceType"])
    for issue in issues:
        assert (issue.expression or "").startswith(place) or place.startswith(f"{issue.expression}"), issue


@pytest.mark.parametrize("depth", [1, 10, 27])
def test_deeply_nested_extensions_are_accepted_by_both(depth: int) -> None:
    extension: Json = {"url": "http://example.org/leaf", "valueString": "x"}
    for _ in range(depth):
        extension = {"url": "http://example.org/branch", "extension": [extension]}
    resource = {**valid_resources()[0], "extension": [extension]}
    assert (ours(resource), theirs(resource)) == ([], [])


def test_extension_values_are_those_of_r4_where_the_models_have_those_of_r4b() -> None:
    """The one place where R4 and R4B differ for our types."""
    base = {"resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": "x"}}
    base |= {"subject": {"reference": "Patient/1"}}
    only_r4 = {**base, "extension": [{"url": "http://example.org/e", "valueMeta": {"versionId": "1"}}]}
    only_r4b = {
        **base,
        "extension": [{"url": "http://example.org/e", "valueRatioRange": {"denominator": {"value": 1}}}],
    }
    assert (ours(only_r4), len(theirs(only_r4))) == ([], 1)
    assert ([issue.rule for issue in ours(only_r4b)], theirs(only_r4b)) == (["unknown-element"], [])
