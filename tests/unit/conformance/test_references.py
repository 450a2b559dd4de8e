"""The References in a resource, and the FHIRPath expressions of their places."""

import json
from typing import Any

import pytest
from fhirpathpy import evaluate
from hypothesis import given, settings
from hypothesis import strategies as st

from service.conformance.definitions import Definitions
from service.conformance.references import places_of, references_in
from service.conformance.structures import Structures
from service.fhir.versions import R4

STRUCTURES = Structures(Definitions(R4))
EXAMPLES = sorted((R4.definitions / "examples" / "valid").glob("*.json"))


def resources_in(value: Any) -> list[dict[str, Any]]:
    if value["resourceType"] == "Bundle":
        return [item["resource"] for item in value["entry"]]
    return [value]


def places(resource: dict[str, Any], root: str) -> dict[str, str]:
    """Return the literal references by their places."""
    found = references_in(resource)
    named = places_of(found, resource, root, STRUCTURES)
    return {place: item["reference"] for place, item in zip(named, found, strict=True)}


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_each_place_leads_to_its_reference(file: Any) -> None:
    for resource in resources_in(json.loads(file.read_bytes())):
        found = places(resource, resource["resourceType"])
        assert len(found) == json.dumps(resource).count('"reference": "')
        for place, text in found.items():
            assert [item["reference"] for item in evaluate(resource, _plain(place))] == [text]


def _plain(place: str) -> str:
    """Return the place as an engine finds it that does not know which elements are a choice."""
    return place.replace(".ofType(Reference)", "Reference")


NESTED = {
    "resourceType": "CarePlan",
    "contained": [
        {"resourceType": "Goal", "extension": [{"url": "x", "valueReference": {"reference": "Goal/1"}}]},
        {"resourceType": "SupplyDelivery", "suppliedItem": {"itemReference": {"reference": "Substance/1"}}},
    ],
    "_status": {"extension": [{"url": "x", "valueReference": {"reference": "Goal/2"}}]},
    "_instantiatesUri": [None, {"extension": [{"url": "x", "valueReference": {"reference": "Goal/3"}}]}],
    "subject": {"reference": "Patient/1", "identifier": {"assigner": {"reference": "Organization/1"}}},
    "activity": [
        {"detail": {"productReference": {"reference": "Medication/1"}, "reasonReference": [{"reference": "#"}]}}
    ],
    "unknown": {"thing": [{"reference": "Goal/4"}]},
}


def test_places_are_named_as_fhirpath_names_them() -> None:
    assert places(NESTED, "Bundle.entry[3].resource") == {
        f"Bundle.entry[3].resource.{place}": text
        for place, text in {
            "contained[0].extension[0].value.ofType(Reference)": "Goal/1",
            "contained[1].suppliedItem.itemReference": "Substance/1",
            "status.extension[0].value.ofType(Reference)": "Goal/2",
            "instantiatesUri[1].extension[0].value.ofType(Reference)": "Goal/3",
            "subject": "Patient/1",
            "subject.identifier.assigner": "Organization/1",
            "activity[0].detail.product.ofType(Reference)": "Medication/1",
            "activity[0].detail.reasonReference[0]": "#",
            "unknown.thing[0]": "Goal/4",
        }.items()
    }


def test_no_depth_is_too_deep() -> None:
    deep: Any = {"reference": "Goal/1"}
    for _ in range(50_000):
        deep = [{"x": deep}]
    resource = {"resourceType": "Goal", "x": deep}
    (place,) = places(resource, "Goal")
    assert place.startswith("Goal.x[0].x[0].x")
    assert places(resource, "Goal") == {place: "Goal/1"}


keys = st.sampled_from(["resourceType", "reference", "subject", "contained", "extension", "_status", "valueReference"])
leaves = st.sampled_from(["Goal", "CarePlan", "Goal/1", "", 7, None, True])
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3))


@settings(max_examples=300)
@given(st.dictionaries(keys, values, max_size=4))
def test_nothing_that_json_can_say_is_too_odd(resource: dict[str, Any]) -> None:
    for place, text in places(resource, "Goal").items():
        assert isinstance(text, str)
        assert place.startswith("Goal")
