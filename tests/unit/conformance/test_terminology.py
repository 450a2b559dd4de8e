"""The expansions of value sets, and what cannot be expanded."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.conformance.terminology import NOT_ENUMERABLE, Terminology
from service.fhir.versions import R4

HL7 = "http://hl7.org/fhir"
TERMINOLOGY = Terminology(Definitions(R4))


def test_the_codes_of_a_value_set_come_with_their_system() -> None:
    codings = TERMINOLOGY.codings(f"{HL7}/ValueSet/goal-status")
    assert (f"{HL7}/goal-status", "on-hold") in codings
    assert {system for system, _ in codings} == {f"{HL7}/goal-status"}


def test_codes_below_other_codes_are_there_too() -> None:
    codes = {code for _, code in TERMINOLOGY.codings(f"{HL7}/ValueSet/goal-status")}
    assert {"active", "on-hold", "completed", "cancelled", "entered-in-error", "rejected"} <= codes
    assert len(codes) == 9


def test_a_value_set_of_parts_of_two_systems_has_both() -> None:
    codings = TERMINOLOGY.codings(f"{HL7}/ValueSet/care-plan-intent")
    assert {code for _, code in codings} == {"proposal", "plan", "order", "option"}


def test_the_version_of_a_canonical_does_not_matter() -> None:
    assert TERMINOLOGY.codings(f"{HL7}/ValueSet/goal-status|4.0.1") == TERMINOLOGY.codings(
        f"{HL7}/ValueSet/goal-status"
    )


def test_every_required_binding_of_a_held_type_can_be_checked_or_is_named_as_endless() -> None:
    definitions = Definitions(R4)
    structures = Structures(definitions)
    bound = {
        element.value_set
        for item in definitions.of_type("StructureDefinition")
        if item.get("derivation") != "constraint"
        for element in structures.of_type(item["type"]).elements.values()
        if element.value_set is not None
    }
    assert len(bound) > 20
    assert {name for name in bound if TERMINOLOGY.is_enumerable(name) and not TERMINOLOGY.codings(name)} == set()
    assert {name.partition("|")[0] for name in bound if not TERMINOLOGY.is_enumerable(name)} <= NOT_ENUMERABLE


def definitions_with(folder: Path, **members: Any) -> Terminology:
    """Return the terminology of one value set that is composed of ``members``, and one code system."""
    (folder / "ValueSet-one.json").write_text(
        json.dumps({"resourceType": "ValueSet", "url": "http://example.org/one", "compose": members})
    )
    (folder / "CodeSystem-s.json").write_text(
        json.dumps({"resourceType": "CodeSystem", "url": "http://example.org/s", "concept": [{"code": "a"}]})
    )
    return Terminology(Definitions(R4, folder))


@pytest.mark.parametrize(
    ("compose", "said"),
    [
        ({"include": [{"system": "http://example.org/s", "filter": [{}]}]}, "filters codes"),
        ({"include": [{"system": "http://example.org/s"}], "exclude": [{}]}, "excludes codes"),
        ({"include": [{"system": "http://example.org/missing"}]}, "No definition http://example.org/missing"),
        ({"include": [{"valueSet": ["http://example.org/missing"]}]}, "No definition http://example.org/missing"),
    ],
)
def test_what_cannot_be_expanded_is_refused_and_never_empty(tmp_path: Path, compose: Any, said: str) -> None:
    with pytest.raises(LookupError, match=said):
        definitions_with(tmp_path, **compose).codings("http://example.org/one")


def test_a_value_set_may_be_a_system_whole_or_in_part_or_another_value_set(tmp_path: Path) -> None:
    system = "http://example.org/s"
    assert definitions_with(tmp_path, include=[{"system": system}]).codings("http://example.org/one") == {(system, "a")}
    part = [{"system": system, "concept": [{"code": "b"}]}, {"valueSet": [f"{HL7}/x"]}]
    (tmp_path / "ValueSet-x.json").write_text(
        json.dumps({"resourceType": "ValueSet", "url": f"{HL7}/x", "compose": {"include": [{"system": system}]}})
    )
    found = definitions_with(tmp_path, include=part).codings("http://example.org/one")
    assert found == {(system, "a"), (system, "b")}
