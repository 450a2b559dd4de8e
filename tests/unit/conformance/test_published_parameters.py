"""What is listed for a type of definitions can be searched, or the service does not start."""

import json
import shutil
from pathlib import Path

import pytest

from service.conformance.definitions import Definitions
from service.conformance.published_parameters import published_parameters
from service.fhir.versions import R4
from service.interactions.published import Published


def listing(folder: Path, code: str, **definition: str) -> Definitions:
    """Return our definitions with one more search parameter of ValueSet."""
    schemas = folder / "r4"
    shutil.copytree(R4.definitions, schemas, ignore=shutil.ignore_patterns("examples"))
    url = f"http://hl7.org/fhir/SearchParameter/conformance-{code}"
    if definition:
        whole = {"resourceType": "SearchParameter", "id": f"conformance-{code}", "url": url, "base": ["ValueSet"]}
        (schemas / f"SearchParameter-conformance-{code}.json").write_text(json.dumps(whole | definition))
    (file,) = schemas.glob("CapabilityStatement-*.json")
    statement = json.loads(file.read_bytes())
    (of_value_sets,) = [item for item in statement["rest"][0]["resource"] if item["type"] == "ValueSet"]
    of_value_sets["searchParam"].append({"name": code, "definition": url, "type": "x", "documentation": "One more."})
    file.write_text(json.dumps(statement))
    return Definitions(R4, schemas)


def test_a_listed_parameter_of_a_plain_element_is_served(tmp_path: Path) -> None:
    parameters = published_parameters(listing(tmp_path, "publisher"), "ValueSet")
    assert {"publisher", "publisher:exact", "publisher:contains"} <= parameters.keys()


@pytest.mark.parametrize(
    "definition",
    [
        {"type": "reference", "expression": "ValueSet.compose"},
        {"type": "token", "expression": "ValueSet.identifier.value"},
        {"type": "token", "expression": "(ValueSet.useContext.value as CodeableConcept)"},
        {"type": "token", "expression": "CodeSystem.content"},
    ],
)
def test_one_that_cannot_be_searched_stops_the_start(tmp_path: Path, definition: dict[str, str]) -> None:
    with pytest.raises(LookupError, match="ValueSet\\?more"):
        published_parameters(listing(tmp_path, "more", **definition), "ValueSet")


def test_one_without_a_definition_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="conformance-more"):
        published_parameters(listing(tmp_path, "more"), "ValueSet")


def test_long_texts_are_not_searched_by_what_they_contain(tmp_path: Path) -> None:
    definitions = listing(tmp_path, "description")
    parameters = published_parameters(definitions, "ValueSet")
    with pytest.raises(ValueError, match="too long"):
        Published(definitions, {"ValueSet": parameters})
