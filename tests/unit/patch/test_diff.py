"""Differences as a FHIRPath Patch: applied to the first version they give the second, and they can be read."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.conformance.validation.validator import Validator
from service.fhir.json import Number, dump_sorted, parse
from service.fhir.versions import R4
from service.patch.alignment import MOST_COMPARED, MOST_MOVED
from service.patch.diff import differences
from service.patch.fhirpath_patch import fhirpath_patched
from tests.support.filled import Filler
from tests.support.patch_cases import published_cases
from tests.support.samples import EXAMPLES

STRUCTURES = Structures(Definitions(R4))
OFFICIAL = Path(__file__).parents[2] / "support" / "official_examples"
CASES = [case for case in published_cases(STRUCTURES) if case.after is not None]
Json = dict[str, Any]


def _corpus() -> dict[str, list[Json]]:
    """Return by type the official examples, those of the sample plans, and resources with every element there is."""
    found: dict[str, list[Json]] = {"CarePlan": [], "Goal": [], "RiskAssessment": []}
    for name, resources in found.items():
        resources += [parse(file.read_bytes()) for file in sorted(OFFICIAL.glob(f"{name}-*.json"))]
        resources += [Filler(STRUCTURES, form).resource(name) for form in range(2)]
    for file in sorted((EXAMPLES / "valid").glob("sample-*.json")):
        for entry in parse(file.read_bytes())["entry"]:
            if entry["resource"]["resourceType"] in found:
                found[entry["resource"]["resourceType"]].append(entry["resource"])
    return found


CORPUS = _corpus()


def operations(before: Json, after: Json) -> list[Json]:
    """Return the differences as operations, having applied them."""
    parts = [difference.as_parameter() for difference in differences(before, after, STRUCTURES)]
    patched = fhirpath_patched(before, {"resourceType": "Parameters", "parameter": parts}, STRUCTURES)
    assert dump_sorted(patched) == dump_sorted(after)
    return parts


def read(parameter: Json) -> str:
    """Return an operation as one line."""
    words = []
    for part in parameter["part"]:
        value = next(value for key, value in part.items() if key != "name")
        words.append(str(value) if part["name"] == "type" else f"{part['name']}={value}")
    return " ".join(words)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_published(case):
    found = operations(case.before, case.after)
    assert len(found) <= len(case.patch.get("parameter", []))


@pytest.mark.parametrize("name", CORPUS)
def test_one_resource_becomes_any_other(name):
    resources = CORPUS[name]
    for before, after in zip(resources, [*resources[1:], resources[0]], strict=True):
        operations(before, after)


@st.composite
def _changes(draw: st.DrawFn) -> tuple[Json, Json]:
    """Return a resource, and what a few random changes make of it."""
    before = draw(st.sampled_from([resource for resources in CORPUS.values() for resource in resources]))
    after = copy.deepcopy(before)
    for _ in range(draw(st.integers(1, 5))):
        holders = list(_lists_and_objects(after))
        _change(draw(st.sampled_from(holders)), draw)
    return before, after


def _lists_and_objects(value: Any) -> Any:
    if isinstance(value, dict | list):
        yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from _lists_and_objects(item)


def _change(holder: Any, draw: st.DrawFn) -> None:
    if isinstance(holder, dict):
        keys = [key for key in holder if key not in ("resourceType", "url", "id") and f"_{key}" not in holder]
        keys = [key for key in keys if key[:1] != "_"]
        if not keys:
            return
        key = draw(st.sampled_from(keys))
        if isinstance(holder[key], dict | list) or draw(st.booleans()):
            if len(holder) > 2:
                del holder[key]
        else:
            holder[key] = _other(holder[key], draw)
    elif holder and None not in holder:
        index = draw(st.integers(0, len(holder) - 1))
        match draw(st.sampled_from(["remove", "twice", "shuffle", "move"])):
            case "remove" if len(holder) > 1:
                del holder[index]
            case "twice":
                holder.insert(draw(st.integers(0, len(holder))), copy.deepcopy(holder[index]))
            case "shuffle":
                holder[:] = draw(st.permutations(holder))
            case "move":
                holder.insert(draw(st.integers(0, len(holder) - 1)), holder.pop(index))


def _other(value: Any, draw: st.DrawFn) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | Number):
        return draw(st.sampled_from([Number("1.0"), Number("1.00"), 7]))
    return draw(st.sampled_from(["other", "words", value + "!"]))


@given(_changes())
def test_differences_make_the_second_of_the_first(versions):
    before, after = versions
    operations(before, after)
    operations(after, before)


def goal(**members: Any) -> Json:
    return {"resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": "Run my own money"}, **members}


def test_one_changed_word_is_one_replacement_with_its_path():
    plan = CORPUS["CarePlan"][-1]
    changed = copy.deepcopy(plan)
    extension = next(item for item in changed["extension"] if "extension" in item)
    index = changed["extension"].index(extension)
    part = next(number for number, item in enumerate(extension["extension"]) if "valueCode" in item)
    extension["extension"][part]["valueCode"] = "other"
    (found,) = operations(plan, changed)
    assert read(found) == f"replace path=CarePlan.extension[{index}].extension[{part}].value value=other"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"statusDate": "2026"}, ["add path=Goal name=statusDate value=2026"]),
        ({"statusDate": "2026"}, {}, ["delete path=Goal.statusDate"]),
        (
            {"note": [{"text": "a"}, {"text": "b"}, {"text": "c"}]},
            {"note": [{"text": "c"}, {"text": "a"}, {"text": "b"}]},
            ["move path=Goal.note source=2 destination=0"],
        ),
        (
            {"note": [{"text": "a"}, {"text": "b"}, {"text": "c"}]},
            {"note": [{"text": "b"}, {"text": "c"}, {"text": "d"}]},
            ["delete path=Goal.note[0]", "add path=Goal name=note value={'text': 'd'}"],
        ),
        (
            {"note": [{"text": "a"}]},
            {"note": [{"text": "b", "time": "2026"}, {"text": "a"}]},
            ["insert path=Goal.note index=0 value={'text': 'b', 'time': '2026'}"],
        ),
        (
            {"note": [{"text": "a", "time": "2026"}, {"text": "b", "time": "2025"}]},
            {"note": [{"text": "c", "time": "2025"}, {"text": "a", "time": "2026"}]},
            ["move path=Goal.note source=1 destination=0", "replace path=Goal.note[0].text value=c"],
        ),
        (
            {"note": [{"text": "a"}, {"text": "b"}, {"text": "c"}]},
            {"note": [{"text": "a"}, {"text": "x"}, {"text": "c"}]},
            ["replace path=Goal.note[1].text value=x"],
        ),
        (
            {"statusReason": "a", "note": [{"text": "a", "time": "2026"}]},
            {"statusReason": "b", "note": [{"text": "b", "time": "2025"}]},
            ["replace path=Goal.statusReason value=b", "replace path=Goal.note[0] value={'text': 'b', 'time': '2025'}"],
        ),
        (
            {"startDate": "2026-01-01"},
            {"startCodeableConcept": {"text": "soon"}},
            ["replace path=Goal.start value={'text': 'soon'}"],
        ),
        (
            {"_lifecycleStatus": {"id": "a"}},
            {"_lifecycleStatus": {"id": "b"}},
            ["replace path=Goal.lifecycleStatus.id value=b"],
        ),
        (
            {"target": [{"detailQuantity": {"value": Number("1.0")}}]},
            {"target": [{"detailQuantity": {"value": Number("1.00")}}]},
            ["replace path=Goal.target[0].detail.value value=1.00"],
        ),
        (
            {"contained": [{"resourceType": "Slot", "id": "s", "comment": "a"}]},
            {"contained": [{"resourceType": "Slot", "id": "s", "comment": "b"}]},
            ["replace path=Goal.contained[0] value={'resourceType': 'Slot', 'id': 's', 'comment': 'b'}"],
        ),
        (
            {"contained": [{"resourceType": "Patient", "id": "p", "deceasedBoolean": True}]},
            {"contained": [{"resourceType": "Patient", "id": "p", "deceasedDateTime": "2026"}]},
            ["replace path=Goal.contained[0].deceased value=2026"],
        ),
        (
            {"extension": [{"url": "u", "valueString": "a"}, {"url": "v", "valueString": "b"}]},
            {"extension": [{"url": "v", "valueString": "c"}]},
            ["delete path=Goal.extension[0]", "replace path=Goal.extension[0].value value=c"],
        ),
    ],
)
def test_differences_as_they_read(before, after, expected):
    assert [read(item) for item in operations(goal(**before), goal(**after))] == expected


@pytest.mark.parametrize("length", [MOST_COMPARED + 1, 2 * MOST_MOVED])
def test_long_lists_cost_no_more_than_their_length(length):
    before = goal(note=[{"text": f"note {number}"} for number in range(length)])
    after = goal(note=[{"text": f"other {number}"} for number in range(length)])
    assert len(operations(before, after)) == length
    reverse = operations(before, {**before, "note": before["note"][::-1]})
    assert len(reverse) <= 2 * length


def test_differences_are_a_well_formed_parameters_resource():
    definitions = Definitions(R4)
    validator = Validator(definitions, STRUCTURES, Terminology(definitions), lambda left, right: left == right)
    for resources in CORPUS.values():
        found = operations(resources[0], resources[-1])
        parameters = {"resourceType": "Parameters", "parameter": found}
        assert [issue for issue in validator.issues(parameters) if issue.status == 400] == []
