"""The systems that codes inside extensions imply, and how paths tell which extensions they lead into."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.conformance.definitions import CANONICAL, Definitions
from service.conformance.extension_bindings import value_set_of_extension
from service.conformance.fhirpath.paths import compile_path, compile_path_from
from service.conformance.search_parameters import SearchParameter, search_parameters
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.fhir.versions import R4

DEFINITIONS = Definitions(R4)
STRUCTURES = Structures(DEFINITIONS)
AGREEMENT = f"{CANONICAL}/StructureDefinition/agreement"
ACCEPTANCE = "http://hl7.org/fhir/StructureDefinition/goal-acceptance"
HL7_ANSWERS = "http://terminology.hl7.org/CodeSystem/goal-acceptance-status"


@pytest.mark.parametrize(
    ("urls", "value_set"),
    [
        ((f"{CANONICAL}/StructureDefinition/prediction-kind",), f"{CANONICAL}/ValueSet/prediction-kind"),
        ((AGREEMENT, "status"), f"{CANONICAL}/ValueSet/agreement-status"),
        ((ACCEPTANCE, "status"), "http://hl7.org/fhir/ValueSet/goal-acceptance-status|4.0.1"),
        # of several extensions within each other, the innermost that is defined by itself
        ((AGREEMENT, ACCEPTANCE, "status"), "http://hl7.org/fhir/ValueSet/goal-acceptance-status|4.0.1"),
        ((AGREEMENT, "party"), None),  # a Reference
        ((AGREEMENT, "no-such-part"), None),
        ((AGREEMENT, "no-such-part", "status"), None),
        ((AGREEMENT,), None),
        ((f"{CANONICAL}/StructureDefinition/contributor-role",), None),  # extensible
        ((ACCEPTANCE, "priority"), None),  # an example
        (("http://example.org/not-held", "status"), None),
        ((f"{CANONICAL}/ValueSet/chime",), None),
        ((), None),
    ],
)
def test_a_required_binding_is_found_by_the_urls_that_lead_to_it(urls: tuple[str, ...], value_set: str | None) -> None:
    assert value_set_of_extension(urls, DEFINITIONS) == value_set


def test_parts_of_parts_are_told_apart(tmp_path: Path) -> None:
    def part(place: str, url: str, value_set: str) -> list[dict[str, Any]]:
        binding = {"strength": "required", "valueSet": value_set}
        return [{"id": f"{place}.url", "fixedUri": url}, {"id": f"{place}.value[x]", "binding": binding}]

    elements = [
        *part("Extension.extension:outer.extension:kind", "kind", "inner"),
        *part("Extension.extension:kind", "kind", "outer"),
        {"id": "Extension.extension:outer.url", "fixedUri": "outer"},
    ]
    url = "http://example.org/nested"
    definition = {"resourceType": "StructureDefinition", "url": url, "snapshot": {"element": elements}}
    (tmp_path / "StructureDefinition-nested.json").write_text(json.dumps(definition))
    definitions = Definitions(R4, tmp_path)
    assert value_set_of_extension((url, "kind"), definitions) == "outer"
    assert value_set_of_extension((url, "outer", "kind"), definitions) == "inner"
    assert value_set_of_extension((url, "kind", "kind"), definitions) is None


@pytest.mark.parametrize(
    ("expression", "urls"),
    [
        ("Goal.extension.where(url='a').extension.where(url='b').value.ofType(code)", ("a", "b")),
        ("Goal.extension.where(url = 'a').value.ofType(code)", ("a",)),
        ("Goal.extension.where(url='a').where(extension.exists()).value.ofType(code)", ("a",)),
        ("Goal.extension.where(id='a').value.ofType(code)", ()),
        ("Goal.extension.value.ofType(code)", ()),
        ("Goal.lifecycleStatus", ()),
    ],
)
def test_a_path_tells_which_extensions_it_leads_into(expression: str, urls: tuple[str, ...]) -> None:
    (branch,) = compile_path(expression, "Goal", STRUCTURES)
    assert branch.urls == urls


def test_a_path_from_within_an_extension_knows_it() -> None:
    (start,) = compile_path("Goal.extension.where(url='a')", "Goal", STRUCTURES)
    (branch,) = compile_path_from(start, "extension.where(url='b').value.ofType(code)", "Goal", STRUCTURES)
    assert branch.urls == ("a", "b")


def parameters() -> list[SearchParameter]:
    """Return all parameters of the stored types, and the components of the composite ones."""
    terminology = Terminology(DEFINITIONS)
    found = [
        parameter
        for name in DEFINITIONS.stored_types
        for parameter in search_parameters(DEFINITIONS, STRUCTURES, terminology, name).values()
    ]
    return [*found, *(component for parameter in found for component in parameter.components)]


def test_every_code_that_is_searched_has_a_system() -> None:
    coded = [item for item in parameters() if item.type == "token" and "code" in item.value_types]
    assert {"agreement-status", "decision", "person-acceptance", "prediction-kind", "status"} <= {c.code for c in coded}
    assert [item.code for item in coded if not item.codings] == []


def test_a_code_implies_the_systems_of_its_value_set_that_have_it() -> None:
    (answers,) = {item.codings for item in parameters() if item.code == "agreement-status"}
    assert answers == {
        (HL7_ANSWERS, "agree"),
        (HL7_ANSWERS, "disagree"),
        (HL7_ANSWERS, "pending"),
        (f"{CANONICAL}/CodeSystem/agreement-status", "not-asked"),
        (f"{CANONICAL}/CodeSystem/agreement-status", "took-no-part"),
    }
