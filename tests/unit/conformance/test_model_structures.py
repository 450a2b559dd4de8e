"""The tables made from typed models, against those made from the definitions where both are there."""

import pytest

from service.conformance.model_structures import model_structure, resource_model
from service.conformance.structures import Structure
from tests.support.xml import STRUCTURES
from tests.unit.conformance.test_structures import ONLY_R4B, held

Row = tuple[str, str, bool, bool]


def rows(structure: Structure, seen: set[str]) -> list[Row]:
    """Return key, type, repetition and whether it is an attribute, of all elements in their order."""
    seen.add(structure.path)
    found = []
    for key, element in structure.elements.items():
        if key in ONLY_R4B:
            continue
        inner = element.structure
        found.append((key, "" if inner else element.type, element.many, element.is_bare))
        if inner and inner.path not in seen:
            found += rows(inner, seen)
    return found


@pytest.mark.parametrize("name", [*held("resource"), *(name for name in held("complex-type") if name != "Extension")])
def test_a_model_gives_what_the_definition_gives(name: str) -> None:
    assert rows(model_structure(name), set()) == rows(STRUCTURES.of_type(name), set())


def test_what_no_definition_is_held_of_is_there_with_its_parts() -> None:
    rest = model_structure("CapabilityStatement").elements["rest"]
    assert (rest.many, list(rest.structure.elements)[:5]) == (
        True,
        ["id", "extension", "modifierExtension", "mode", "documentation"],
    )
    contains = model_structure("ValueSet").elements["expansion"].structure.elements["contains"]
    assert contains.structure.elements["contains"].structure is contains.structure


@pytest.mark.parametrize(
    "name", ["Resource", "DomainResource", "Quantity", "CapabilityStatementRest", "", "a b", "Nothing"]
)
def test_other_names_are_no_resource_types(name: str) -> None:
    assert resource_model(name) is None


def test_a_type_that_is_none_has_no_structure() -> None:
    with pytest.raises(LookupError):
        model_structure("Nothing")
