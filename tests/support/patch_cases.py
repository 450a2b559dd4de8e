"""The published tests of FHIRPath Patch, which are XML, as JSON values."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from service.conformance.structures import Structure, Structures
from service.fhir.json import Number

PUBLISHED = Path(__file__).parent / "patch_tests"
_NAMESPACE = "{http://hl7.org/fhir}"
_XHTML = "{http://www.w3.org/1999/xhtml}div"


@dataclass(frozen=True, slots=True)
class Case:
    """One test: a resource, a patch as Parameters, and what it makes of the resource, None where it is an error."""

    name: str
    before: dict[str, Any]
    patch: dict[str, Any]
    after: dict[str, Any] | None


def published_cases(structures: Structures) -> list[Case]:
    """Return the cases of HL7's file."""
    root = etree.parse(PUBLISHED / "fhir-patch-tests.xml", etree.XMLParser(remove_comments=True)).getroot()

    def resource(case: Any, tag: str) -> Any:
        found = case.find(tag)
        return None if found is None else _resource(found[0], structures)

    return [
        Case(case.get("name"), resource(case, "input"), resource(case, "diff"), resource(case, "output"))
        for case in root.iter("case")
    ]


def _resource(node: Any, structures: Structures) -> dict[str, Any]:
    name = node.tag.removeprefix(_NAMESPACE)
    return {"resourceType": name, **dict(_members(node, structures.of_type(name), structures))}


def _members(node: Any, structure: Structure, structures: Structures) -> Iterator[tuple[str, Any]]:
    yield from ((name, value) for name, value in node.attrib.items() if name in ("id", "url"))
    found: dict[str, list[tuple[Any, Any]]] = {}
    for child in node:
        key = child.tag.removeprefix(_NAMESPACE) if child.tag != _XHTML else "div"
        found.setdefault(key, []).append(_value(child, structure.elements[key].type, key, structure, structures))
    for key, pairs in found.items():
        many = structure.elements[key].many
        for mark, items in (("", [value for value, _ in pairs]), ("_", [beside for _, beside in pairs])):
            if any(item is not None for item in items):
                yield mark + key, items if many else items[0]


def _value(child: Any, of_type: str, key: str, structure: Structure, structures: Structures) -> tuple[Any, Any]:
    if child.tag == _XHTML:
        return etree.tostring(child, encoding="unicode", with_tail=False).replace(' xmlns:f="x"', ""), None
    if not structures.is_primitive(of_type):
        return dict(_members(child, structures.below(structure.elements[key]), structures)), None
    text = child.get("value")
    readers = {"boolean": lambda value: value == "true", "integer": int, "decimal": Number}
    beside = dict(_members(child, structures.of_type("Element"), structures))
    return None if text is None else readers.get(of_type, str)(text), beside or None
