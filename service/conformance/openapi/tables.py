"""The tables beside this module: operations, parameters, examples of outcomes, words for extensions."""

from pathlib import Path
from typing import Any

from service.fhir import json
from service.fhir.versions import FhirVersion

JSON, XML = "application/fhir+json", "application/fhir+xml"
"""The formats of resources; the other names that they have are told once."""

Table = dict[str, Any]


def table(name: str) -> Table:
    """Return the table ``name`` beside this module."""
    return _read(Path(__file__).parent / f"{name}.json")


def searches(folder: Path) -> Table:
    """Return the values of search parameters that find one of the samples, by type and parameter."""
    return _read(folder / "examples" / "searches.json")


def base(version: FhirVersion) -> str:
    """Return the path under which a version is served."""
    return f"/fhir/{version.name}"


def in_formats(content: Any) -> Table:
    """Return ``content`` of resources by media type; of XML it is only said that it is text."""
    return {JSON: content, XML: {"schema": refer("schemas", "Xml")}}


def refer(kind: str, name: str) -> Table:
    """Return a reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def in_words(resource_type: str) -> str:
    """Return a type's name as one says it: ``RiskAssessment`` is a risk assessment."""
    letters = (f" {letter.lower()}" if letter.isupper() else letter for letter in resource_type)
    return "".join(letters).strip()


def fill(template: Any, resource_type: str = "") -> Any:
    """Return ``template`` with {type}, {name} and {plural} filled in, in every text of it."""
    if isinstance(template, str):
        name = in_words(resource_type)
        filled = template.replace("{type}", resource_type)
        return filled.replace("{name}", name).replace("{plural}", f"{name}s")
    if isinstance(template, dict):
        return {key: fill(value, resource_type) for key, value in template.items()}
    if isinstance(template, list):
        return [fill(value, resource_type) for value in template]
    return template


def _read(file: Path) -> Table:
    content: Table = json.parse(file.read_bytes())
    return content
