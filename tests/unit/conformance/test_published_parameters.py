"""What is listed for a type of definitions can be searched, or the service does not start."""

import json
import shutil
from pathlib import Path

import pytest

from service.conformance.definitions import Definitions
from service.conformance.published_parameters import published_parameters
from service.conformance.search_modifiers import modifiers_of
from service.conformance.terminology import Terminology
from service.fhir.reference import Addresses
from service.fhir.versions import R4
from service.interactions.published import Published
from service.search.modifier import Knowledge
from service.search.references import References
from service.search.source import SortKey, Source
from service.search.text import escape
from service.search.values import read_values


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
    assert modifiers_of(parameters["publisher"]) == ["missing", "exact", "contains"]


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


async def test_a_long_text_is_found_by_its_end(tmp_path: Path) -> None:
    definitions = listing(tmp_path, "description")
    parameters = published_parameters(definitions, "ValueSet")
    published = Published(definitions, {"ValueSet": parameters})
    longest = max(definitions.of_type("ValueSet"), key=lambda item: len(item.get("description", "")))
    knowledge = Knowledge(References(Addresses()), Terminology(definitions), lambda: 0)
    wanted = read_values(parameters["description"], "contains", escape(longest["description"][-60:]), knowledge)
    page = await published.search([Source("ValueSet", wanted, (SortKey("_id"),))], 10)
    assert len(longest["description"]) > 200
    assert longest["id"] in [match.id for match in page.matches]
