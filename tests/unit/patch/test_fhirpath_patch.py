"""FHIRPath Patch: HL7's published tests, and the corners that patches are known to lose."""

from typing import Any

import pytest

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.fhir.json import dump, dump_sorted, parse
from service.fhir.outcome import OutcomeError
from service.fhir.versions import R4
from service.patch.fhirpath_patch import fhirpath_patched
from tests.support.patch_cases import published_cases
from tests.support.patches import operation, parameters

STRUCTURES = Structures(Definitions(R4))
CASES = published_cases(STRUCTURES)
GOAL = b"""{"resourceType":"Goal","lifecycleStatus":"active","description":{"text":"words of a person"},
"subject":{"reference":"Patient/example"},"target":[{"detailQuantity":{"value":1.50,"unit":"h"}}],
"extension":[{"url":"http://example.org/agreement","extension":[{"url":"party","valueCode":"person"},
{"url":"status","valueCode":"agrees"}]},{"url":"http://example.org/other","valueString":"x"}],
"note":[{"text":"one"},{"text":"two"},{"text":"three"}]}"""


def patched(resource: bytes, *operations: dict[str, Any]) -> dict[str, Any]:
    value = parse(resource)
    found = fhirpath_patched(value, parameters(*operations), STRUCTURES)
    assert dump(value) == dump(parse(resource)), "a patch never changes what it is given"
    return found


def refused(resource: bytes, *operations: dict[str, Any]) -> OutcomeError:
    with pytest.raises(OutcomeError) as caught:
        patched(resource, *operations)
    (issue,) = caught.value.issues
    assert "words of a person" not in issue.diagnostics
    return caught.value


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_published(case):
    if case.after is None:
        with pytest.raises(OutcomeError) as caught:
            fhirpath_patched(case.before, case.patch, STRUCTURES)
        assert caught.value.status == 422
    else:
        assert dump_sorted(fhirpath_patched(case.before, case.patch, STRUCTURES)) == dump_sorted(case.after)


@pytest.mark.parametrize(
    "path",
    [
        "Goal.extension('http://example.org/agreement').extension('status').value",
        "Goal.extension.where(url = 'http://example.org/agreement').extension.where(url = 'status').value",
        "Goal.extension[0].extension.last().value",
        "Goal.extension[0].extension.where(value = 'agrees').value.ofType(code)",
        "extension[0].extension[1].valueCode",
        "(Goal.extension.extension.where(url = 'status').value as code)",
        "%resource.extension.first().extension.tail().single().value",
    ],
)
def test_nested_extension_is_found_by_its_url(path):
    found = patched(GOAL, operation("replace", path, value={"valueCode": "disagrees"}))
    assert found["extension"][0]["extension"][1] == {"url": "status", "valueCode": "disagrees"}
    assert found["extension"][0]["extension"][0] == {"url": "party", "valueCode": "person"}


def test_value_of_another_type_takes_the_place_of_a_choice():
    found = patched(GOAL, operation("replace", "Goal.target[0].detail", value={"valueString": "often"}))
    assert found["target"] == [{"detailString": "often"}]


def test_choice_is_added_by_its_type_and_digits_are_kept():
    given = parse(b'{"valueQuantity":{"value":2.50}}')
    found = patched(
        GOAL,
        operation("delete", "Goal.target.detail"),
        operation("add", "Goal", name="target", value={"part": [{"name": "detail", **given}]}),
    )
    assert dump(found["target"]) == b'[{"detailQuantity":{"value":2.50}}]'


def test_part_of_a_choice_is_reached_through_its_name_and_its_type():
    for path in ("Goal.target.detail.ofType(Quantity).unit", "Goal.target[0].detail.unit"):
        found = patched(GOAL, operation("replace", path, value={"valueString": "hours"}))
        assert dump(found["target"][0]["detailQuantity"]) == b'{"value":1.50,"unit":"hours"}'


def test_extension_with_nested_extensions_is_added_by_its_parts():
    parts = [
        {"name": "url", "valueUri": "http://example.org/stipulation"},
        {
            "name": "extension",
            "part": [{"name": "url", "valueUri": "kind"}, {"name": "value", "valueCode": "curfew"}],
        },
        {
            "name": "extension",
            "part": [
                {"name": "url", "valueUri": "until"},
                {"name": "value", "valuePeriod": {"end": "2027-01-01"}},
            ],
        },
    ]
    found = patched(GOAL, operation("add", "Goal", name="extension", value={"part": parts}))
    assert found["extension"][2] == {
        "url": "http://example.org/stipulation",
        "extension": [
            {"url": "kind", "valueCode": "curfew"},
            {"url": "until", "valuePeriod": {"end": "2027-01-01"}},
        ],
    }


def test_backbone_element_is_added_with_all_below_it():
    plan = b'{"resourceType":"CarePlan","status":"draft","intent":"plan","subject":{"reference":"Patient/example"}}'
    detail = [
        {"name": "status", "valueCode": "not-started"},
        {"name": "description", "valueString": "Walk"},
        {"name": "goal", "valueReference": {"reference": "Goal/1"}},
        {"name": "goal", "valueReference": {"reference": "Goal/2"}},
        {"name": "scheduled", "valueTiming": {"repeat": {"frequency": 2}}},
    ]
    value = {"part": [{"name": "detail", "part": detail}]}
    found = patched(plan, operation("add", "CarePlan", name="activity", value=value))
    assert found["activity"] == [
        {
            "detail": {
                "status": "not-started",
                "description": "Walk",
                "goal": [{"reference": "Goal/1"}, {"reference": "Goal/2"}],
                "scheduledTiming": {"repeat": {"frequency": 2}},
            }
        }
    ]


def test_extension_of_a_primitive_comes_and_goes_beside_it():
    parts = [{"name": "url", "valueUri": "http://example.org/why"}, {"name": "value", "valueString": "asked"}]
    added = patched(GOAL, operation("add", "Goal.lifecycleStatus", name="extension", value={"part": parts}))
    beside = {"extension": [{"url": "http://example.org/why", "valueString": "asked"}]}
    assert (added["lifecycleStatus"], added["_lifecycleStatus"]) == ("active", beside)
    gone = patched(dump(added), operation("delete", "Goal.lifecycleStatus.extension('http://example.org/why')"))
    assert dump_sorted(gone) == dump_sorted(parse(GOAL))


def test_lists_of_primitives_keep_what_stands_beside_them():
    plan = b"""{"resourceType":"CarePlan","instantiatesUri":["http://a","http://b","http://c"],
    "_instantiatesUri":[null,{"id":"b"},null]}"""
    moved = patched(plan, operation("move", "CarePlan.instantiatesUri", source=1, destination=0))
    assert moved["instantiatesUri"] == ["http://b", "http://a", "http://c"]
    assert moved["_instantiatesUri"] == [{"id": "b"}, None, None]
    added = patched(
        plan,
        operation("insert", "CarePlan.instantiatesUri", index=1, value={"valueUri": "http://n"}),
        operation("delete", "CarePlan.instantiatesUri.where($this = 'http://a')"),
    )
    assert added["instantiatesUri"] == ["http://n", "http://b", "http://c"]
    assert added["_instantiatesUri"] == [None, {"id": "b"}, None]
    replaced = patched(plan, operation("replace", "CarePlan.instantiatesUri[1]", value={"valueUri": "http://n"}))
    assert (replaced["instantiatesUri"][1], "_instantiatesUri" in replaced) == ("http://n", False)
    with_id = patched(
        plan,
        operation("replace", "CarePlan.instantiatesUri[0]", value={"valueUri": "http://a", "_valueUri": {"id": "a"}}),
    )
    assert with_id["_instantiatesUri"] == [{"id": "a"}, {"id": "b"}, None]


def test_delete_of_what_is_not_there_changes_nothing():
    assert dump(patched(GOAL, operation("delete", "Goal.note.where(text = 'four')"))) == dump(parse(GOAL))


def test_contained_resources_are_patched_too():
    plan = b"""{"resourceType":"CarePlan","contained":[{"resourceType":"Goal","id":"g","lifecycleStatus":"active"},
    {"resourceType":"Slot","id":"s","comment":"x","serviceType":[{"text":"y"}]}]}"""
    found = patched(
        plan,
        operation("replace", "CarePlan.contained.where(id = 'g').lifecycleStatus", value={"valueCode": "completed"}),
        operation("delete", "CarePlan.contained[1].serviceType"),
        operation("add", "CarePlan", name="contained", value={"resource": {"resourceType": "Group", "id": "x"}}),
    )
    assert [item["id"] for item in found["contained"]] == ["g", "s", "x"]
    assert found["contained"][0]["lifecycleStatus"] == "completed"
    assert found["contained"][1] == {"resourceType": "Slot", "id": "s", "comment": "x"}


def test_narrative_is_given_by_its_parts():
    div = '<div xmlns="http://www.w3.org/1999/xhtml">Hello</div>'
    parts = [{"name": "status", "valueCode": "additional"}, {"name": "div", "valueString": div}]
    found = patched(GOAL, operation("add", "Goal", name="text", value={"part": parts}))
    assert found["text"] == {"status": "additional", "div": div}


@pytest.mark.parametrize(
    "given",
    [
        operation("add", "Goal.note[7]", name="text", value={"valueString": "x"}),
        operation("add", "Goal.note", name="time", value={"valueDateTime": "2026"}),
        operation("add", "Goal", name="nothing", value={"valueString": "x"}),
        operation("add", "Goal", name="lifecycleStatus", value={"valueCode": "planned"}),
        operation("add", "Goal.target[0]", name="detail", value={"valueString": "x"}),
        operation("add", "Goal", name="start", value={"valueString": "2026-01-01"}),
        operation("add", "Goal", name="start", value={"part": [{"name": "x", "valueString": "x"}]}),
        operation("add", "Goal", name="note", value={"part": []}),
        operation("add", "Goal", name="note", value={"part": [{"name": "text", "valueString": "x"}] * 2}),
        operation("add", "Goal", name="note", value={"part": [{"name": "unknown", "valueString": "x"}]}),
        operation("add", "Goal", name="identifier", value={"valuePeriod": {"start": "2026"}}),
        operation("add", "Goal", name="identifier", value={"valueString": "x"}),
        operation("add", "Goal", name="resourceType", value={"valueString": "x"}),
        operation("insert", "Goal.note", index=4, value={"valueAnnotation": {"text": "x"}}),
        operation("insert", "Goal.description", index=0, value={"valueCodeableConcept": {"text": "x"}}),
        operation("insert", "Goal.note[0]", index=0, value={"valueAnnotation": {"text": "x"}}),
        operation("insert", "Goal.note.where(text = 'words of a person')", index=0, value={"valueString": "x"}),
        operation("delete", "Goal.note"),
        operation("delete", "Goal"),
        operation("replace", "Goal", value={"resource": {"resourceType": "Goal"}}),
        operation("replace", "Goal.note.text", value={"valueString": "x"}),
        operation("replace", "Goal.priority", value={"valueCodeableConcept": {"text": "x"}}),
        operation("replace", "Goal.description", value={"valueString": "x"}),
        operation("move", "Goal.note", source=3, destination=0),
        operation("move", "Goal.note", source=0, destination=3),
        operation("move", "Goal.description", source=0, destination=0),
        operation("replace", "Goal.note.where(text.matches('(a+)+$')).text", value={"valueString": "x"}),
        operation("replace", "Goal.note.where(words of a person).text", value={"valueString": "x"}),
        operation("replace", "Goal.note.where(wordsOfAPerson = 'words of a person').text", value={"valueString": "x"}),
        operation("replace", "Goal.note.where(%resource.note.count() > 1).text", value={"valueString": "x"}),
        operation("replace", "Goal.subject.resolve().name", value={"valueString": "x"}),
        operation("replace", "Goal.note.select(text)", value={"valueString": "x"}),
        operation("replace", "Goal.note | Goal.target", value={"valueString": "x"}),
        operation("replace", "Goal.note[-1].text", value={"valueString": "x"}),
        operation("replace", "'words of a person'", value={"valueString": "x"}),
        operation("delete", "(" * 1500 + "Goal" + ")" * 400),
        operation("delete", "Goal." + "a" * 3000),
        operation("delete", ""),
    ],
)
def test_operation_that_cannot_be_done_is_422_and_its_number_is_told(given):
    error = refused(GOAL, operation("delete", "Goal.identifier"), given)
    (issue,) = error.issues
    assert (error.status, issue.rule, issue.expression) == (422, "patch-operation", "Parameters.parameter[1]")
    assert issue.diagnostics.startswith("Operation 2 of the patch, ")


@pytest.mark.parametrize(
    "given",
    [
        {"name": "change", "part": []},
        {"name": "operation"},
        operation("remove", "Goal.note[0]"),
        operation("add", "Goal", name="note"),
        operation("add", "Goal", value={"valueString": "x"}),
        operation("insert", "Goal.note", value={"valueAnnotation": {"text": "x"}}),
        operation("insert", "Goal.note", index=-1, value={"valueAnnotation": {"text": "x"}}),
        operation("move", "Goal.note", source=0),
        operation("delete", "Goal.note", index=0),
        {"name": "operation", "part": [{"name": "type", "valueString": "delete"}]},
        {"name": "operation", "part": [{"name": "type", "valueCode": "delete"}, {"name": "where", "valueString": "x"}]},
        {"name": "operation", "part": [{"name": "type", "valueCode": "delete"}] * 2},
    ],
)
def test_parameters_that_are_no_patch_are_400(given):
    error = refused(GOAL, operation("delete", "Goal.note[0]"), given)
    assert (error.status, error.issues[0].rule) == (400, "patch-format")
    assert error.issues[0].expression == "Parameters.parameter[1]"
