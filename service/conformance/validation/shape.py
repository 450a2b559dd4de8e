"""Validation of shape: elements, types, cardinality, required bindings, reference targets.

Compiled once from StructureDefinition snapshots (https://hl7.org/fhir/R4/validation.html); every issue of a resource
is reported at once, with its place and the rule's key.
"""

from contextlib import suppress
from typing import Any

from service.conformance.structures import ANY, Element, Structure, Structures
from service.conformance.terminology import Terminology
from service.conformance.validation.models import model_issues
from service.conformance.validation.place import Place, path_name
from service.conformance.validation.primitives import Check
from service.conformance.validation.rules import (
    FullError,
    Item,
    Report,
    Rule,
    concept_check,
    demand_one_form,
    listed,
    many,
    many_extras,
    reference_check,
    says_why,
    single,
    unknown_element,
    unless,
    wrong_type,
)
from service.fhir.outcome import Issue

DEEPEST = 60
"""Levels of elements below the root; no real record comes near."""


class Validator:
    """Checks resources of the types whose definitions are held."""

    def __init__(self, structures: Structures, terminology: Terminology, checks: dict[str, Check]) -> None:
        self._structures = structures
        self._terminology = terminology
        self._primitives = checks
        self._objects: dict[str, Item] = {}

    def prepare(self, resource_type: str) -> None:
        """Compile the rules of a type; raises LookupError where a definition that they need is not held."""
        self._objects_of(resource_type)

    def issues(self, resource: Any, root: str | None = None) -> list[Issue]:
        """Return all that is wrong with ``resource``; empty when its shape is right.

        ``root`` is what places start with, the resource type unless the resource stands in a Bundle.
        """
        report = Report()
        with suppress(FullError):
            self._any_resource(resource, Place(None, root or _type_of(resource) or "Resource"), report)
        return report

    def _any_resource(self, value: Any, place: Place, report: Report) -> None:
        name = _type_of(value)
        if name is None:
            report.append(Issue("resource-type", "A resource is an object that names its resourceType", str(place)))
        elif self._structures.is_resource(name):
            self._objects_of(name)(value, place, report)
        else:
            if _is_deeper(value, DEEPEST - place.depth):
                return report.append(_too_deep(place))
            for issue in model_issues(value, name, str(place)):
                report.append(issue)
        return None

    def _objects_of(self, name: str) -> Item:
        return self._object(self._structures.of_type(name), self._structures.is_resource(name))

    def _object(self, structure: Structure, is_resource: bool = False) -> Item:
        """Return the check of an object; a structure that contains itself refers to the check that is being made."""
        path, checks = structure.path, self._objects
        if path not in checks:
            checks[path] = lambda value, place, report: checks[path](value, place, report)
            checks[path] = self._compiled(structure, is_resource)
        return checks[path]

    def _compiled(self, structure: Structure, is_resource: bool) -> Item:
        rules = self._rules(structure)
        if is_resource:
            rules["resourceType"] = lambda value, parent, place, report: None
        mandatory = [(name, tuple(e.key for e in structure.choices[name])) for name in structure.mandatory]
        known = [key for key in rules if not key.startswith("_")]

        def check(value: Any, place: Place, report: Report) -> None:
            if type(value) is not dict:
                return wrong_type("an object", value, place, report)
            if not value:
                return report.append(Issue("wrong-type", "An object in FHIR is never empty", str(place)))
            if place.depth > DEEPEST:
                return report.append(_too_deep(place))
            for key, item in value.items():
                rule = rules.get(key)
                if rule is None:
                    unknown_element(key, known, place, report)
                    continue
                rule(item, value, place, report)
            for name, keys in mandatory:
                if name not in value and not any(key in value or says_why(value.get(f"_{key}")) for key in keys):
                    report.append(Issue("cardinality", f"The element {name} must be there", f"{place}.{name}"))
            return None

        return check

    def _rules(self, structure: Structure) -> dict[str, Rule]:
        rules: dict[str, Rule] = {}
        for choice, elements in structure.choices.items():
            for element in elements:
                self._add_rules(rules, element, path_name(element.key, choice, element.type))
            if len(elements) > 1:
                demand_one_form(rules, choice, [element.key for element in elements])
        return rules

    def _add_rules(self, rules: dict[str, Rule], element: Element, name: str) -> None:
        key = element.key
        if not self._structures.is_primitive(element.type):
            item = self._complex(element)
            rules[key] = many(key, name, item) if element.many else single(name, item)
            return
        item, extra = self._primitive(element), self._objects_of("Element")
        if element.many:
            rules[key] = many(key, name, item, or_null=True)
        else:
            rules[key] = unless(self._accepts(element), single(name, item))
        if not element.is_bare:
            rules[f"_{key}"] = many_extras(key, name, extra) if element.many else single(name, extra)

    def _primitive(self, element: Element) -> Item:
        is_written_right, type_name = self._primitives[element.type], element.type
        allowed = self._allowed_codes(element)

        def check(value: Any, place: Place, report: Report) -> None:
            if not is_written_right(value):
                report.append(Issue("format", f"This is not written as a FHIR {type_name}", str(place)))
            elif allowed is not None and value not in allowed:
                report.append(Issue("binding", f"The code must be one of: {listed(allowed)}", str(place)))

        return check

    def _accepts(self, element: Element) -> Check:
        """Return what tells at once, without a place to report, that one value is right."""
        allowed = self._allowed_codes(element)
        return (
            self._primitives[element.type] if allowed is None else lambda value: type(value) is str and value in allowed
        )

    def _allowed_codes(self, element: Element) -> frozenset[str] | None:
        if element.value_set is None or not self._terminology.is_enumerable(element.value_set):
            return None
        return frozenset(code for _, code in self._terminology.codings(element.value_set))

    def _complex(self, element: Element) -> Item:
        if element.type == ANY:
            return self._any_resource
        check = self._object(element.structure) if element.structure else self._objects_of(element.type)
        if element.type == "Reference" and element.targets and ANY not in element.targets:
            return reference_check(check, element.targets)
        if element.value_set is not None and element.type == "CodeableConcept":
            return concept_check(check, self._terminology.codings(element.value_set), element.value_set)
        return check


def _type_of(value: Any) -> str | None:
    name = value.get("resourceType") if isinstance(value, dict) else None
    return name if isinstance(name, str) and name else None


def _too_deep(place: Place) -> Issue:
    return Issue("nesting", f"This is nested deeper than {DEEPEST} levels", str(place))


def _is_deeper(value: Any, levels: int) -> bool:
    """Return whether objects and lists in ``value`` stand in each other more than ``levels`` elements deep."""
    layer = [value]
    for _ in range(2 * levels):  # an element that repeats is a list of objects
        layer = [
            item
            for outer in layer
            for item in (outer.values() if type(outer) is dict else outer)
            if type(item) is dict or type(item) is list
        ]
        if not layer:
            return False
    return True
