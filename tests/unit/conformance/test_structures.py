"""The tables compiled from StructureDefinitions, against fhir.resources and the definitions themselves."""

import json
from typing import Any, get_args, get_origin

import pytest
from fhir.resources.R4B import get_fhir_model_class

from service.conformance.definitions import Definitions
from service.conformance.structures import ANY, Element, Structure, Structures
from service.fhir.versions import R4
from tests.support.mutations import CORE

DEFINITIONS = Definitions(R4)
STRUCTURES = Structures(DEFINITIONS)
ONLY_R4B = {"valueCodeableReference", "valueRatioRange"}
SERVED = ("CarePlan", "Goal", "RiskAssessment")


def held(kind: str) -> list[str]:
    """Return the names of the types of which we hold a definition, without the abstract ones."""
    items = DEFINITIONS.of_type("StructureDefinition")
    return sorted(
        {item["type"] for item in items if item["kind"] == kind and not item["abstract"] and "derivation" in item}
    )


def is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(map(is_list, get_args(annotation)))


def in_model(model: Any) -> dict[str, bool]:
    """Return the JSON keys of a model's elements and whether each repeats."""
    own = {"resource_type", "fhir_comments"}
    found = {}
    for name, item in model.model_fields.items():
        key = item.alias or name
        if name not in own and key != "resourceType" and not key.startswith("_"):
            found[key] = is_list(item.annotation)
    return found


def in_structure(structure: Structure) -> dict[str, bool]:
    return {key: element.many for key, element in structure.elements.items()}


def inline_parts(structure: Structure) -> list[Structure]:
    """Return the structures that are defined inside ``structure``, each once."""
    found: list[Structure] = []
    waiting = [structure]
    while waiting:
        for element in waiting.pop().elements.values():
            if element.structure and element.structure not in found:
                found.append(element.structure)
                waiting.append(element.structure)
    return found


@pytest.mark.parametrize("name", [*held("resource"), *held("complex-type")])
def test_a_type_has_the_elements_that_its_model_has(name: str) -> None:
    expected = in_model(get_fhir_model_class(name))
    if name == "Extension":  # the one difference between R4 and R4B that our types meet
        expected = {key: many for key, many in expected.items() if key not in ONLY_R4B} | {"valueMeta": False}
    assert in_structure(STRUCTURES.of_type(name)) == expected


@pytest.mark.parametrize("name", SERVED)
def test_the_parts_of_a_served_type_have_the_elements_that_their_models_have(name: str) -> None:
    parts = inline_parts(STRUCTURES.of_type(name))
    for part in parts:
        model = "".join(step[0].upper() + step[1:] for step in part.path.split("."))
        module = __import__(f"fhir.resources.R4B.{name.lower()}", fromlist=[model])
        assert in_structure(part) == in_model(getattr(module, model)), part.path
    expected = {"CarePlan": 2, "Goal": 1, "RiskAssessment": 1}
    assert len(parts) == expected[name]


@pytest.mark.parametrize("name", SERVED)
def test_every_element_of_the_definition_is_in_the_table(name: str) -> None:
    snapshot = json.loads((CORE / f"StructureDefinition-{name}.json").read_bytes())["snapshot"]["element"]
    known = {element.path for part in (STRUCTURES.of_type(name), *inline_parts(STRUCTURES.of_type(name)))
             for element in part.elements.values()}  # fmt: skip
    assert known == {element["path"] for element in snapshot[1:]}


@pytest.mark.parametrize(
    ("name", "mandatory"),
    [
        ("CarePlan", ["status", "intent", "subject"]),
        ("Goal", ["lifecycleStatus", "description", "subject"]),
        ("RiskAssessment", ["status", "subject"]),
        ("Extension", ["url"]),
        ("Bundle", ["type"]),
    ],
)
def test_the_mandatory_elements_are_those_of_the_specification(name: str, mandatory: list[str]) -> None:
    assert STRUCTURES.of_type(name).mandatory == mandatory


def element(path: str) -> Element:
    """Return the element at a path of JSON keys, inline parts included."""
    first, *keys = path.split(".")
    structure = STRUCTURES.of_type(first)
    for key in keys[:-1]:
        structure = STRUCTURES.below(structure.elements[key])
    return structure.elements[keys[-1]]


def test_a_choice_is_one_element_for_each_type() -> None:
    forms = STRUCTURES.of_type("Goal").choices["start"]
    assert [(form.key, form.type) for form in forms] == [
        ("startDate", "date"),
        ("startCodeableConcept", "CodeableConcept"),
    ]
    assert len(STRUCTURES.of_type("Extension").choices["value"]) == 50


def test_what_an_element_is_bound_to_and_may_refer_to_is_kept() -> None:
    assert element("CarePlan.status").value_set == "http://hl7.org/fhir/ValueSet/request-status|4.0.1"
    assert element("CarePlan.category").value_set is None  # an example binding, which demands nothing
    assert element("CarePlan.activity.detail.status").type == "code"
    assert element("Goal.subject").targets == {"Patient", "Group", "Organization"}
    assert element("CarePlan.supportingInfo").targets == {ANY}


def test_ids_and_extension_urls_stand_alone() -> None:
    bare = {path for path in ("CarePlan.id", "CarePlan.status", "Extension.url", "Extension.valueUri", "Coding.id")
            if element(path).is_bare}  # fmt: skip
    assert bare == {"CarePlan.id", "Extension.url", "Coding.id"}
    assert (element("CarePlan.id").type, element("Coding.id").type, element("Extension.url").type) == (
        "id",
        "string",
        "uri",
    )


def test_abstract_types_are_no_resources() -> None:
    assert [name for name in ("Resource", "DomainResource", "Element") if STRUCTURES.is_resource(name)] == []
    assert STRUCTURES.is_resource("CareTeam")
    assert not STRUCTURES.is_resource("Schedule")  # not held
    assert STRUCTURES.is_primitive("code")
    assert not STRUCTURES.is_primitive("Coding")


def test_a_type_that_is_not_held_is_named() -> None:
    with pytest.raises(LookupError, match="Schedule"):
        STRUCTURES.of_type("Schedule")


def test_parts_that_refer_to_each_other_share_one_structure() -> None:
    parameters = STRUCTURES.of_type("Parameters").elements["parameter"].structure
    assert parameters is not None
    assert parameters.elements["part"].structure is parameters
