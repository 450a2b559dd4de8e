"""The rules of types: elements, data types, cardinality, bindings, reference targets, invariants.

Compiled once from StructureDefinition snapshots (https://hl7.org/fhir/R4/validation.html).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from service.conformance.structures import ANY, Element, Structure, Structures
from service.conformance.validation.bindings import Bindings
from service.conformance.validation.extensions import Extensions
from service.conformance.validation.invariants import Invariants
from service.conformance.validation.narrative import check_narrative
from service.conformance.validation.place import Place, path_name
from service.conformance.validation.primitives import Check
from service.conformance.validation.references import check_literal, target_check
from service.conformance.validation.report import Item, Report, Rule, together
from service.conformance.validation.rules import (
    both,
    demand_more_than_id,
    demand_one_form,
    many,
    many_extras,
    says_why,
    single,
    single_extra,
    unknown_element,
    wrong_type,
)
from service.fhir.outcome import Issue, quoted

DEEPEST = 60
"""Levels of elements below the root; no real record comes near."""

_EXTENSIONS = ("extension", "modifierExtension")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the rules of types are made with."""

    structures: Structures
    primitives: dict[str, Check]
    bindings: Bindings
    invariants: Invariants
    extensions: Extensions
    profile: Callable[[str], Item]
    """Returns the check of a data type's profile, by its url."""
    resource: Callable[[Any, Place, Report, bool], None]
    """Checks a resource within a resource, given whether it is contained."""


class Shape:
    """The compiled rules of the types whose definitions are held."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._structures = parts.structures
        self._objects: dict[tuple[str, str], Item] = {}

    def of_type(self, name: str) -> Item:
        """Return the check of a type; raises LookupError where a definition that it needs is not held."""
        return self._object(self._structures.of_type(name))

    def _object(self, structure: Structure, host: str = "") -> Item:
        """Return the check of an object; a structure that contains itself refers to the check that is being made.

        ``host`` is the primitive type whose id and extensions the object holds, where it is no element of its own.
        """
        name, checks = (structure.path, host), self._objects
        if name not in checks:
            rules: dict[str, Rule] = {}  # filled when the check is there, which they may refer to
            checks[name] = self._compiled(structure, host, rules)
            self._fill(rules, structure, host)
        return checks[name]

    def _compiled(self, structure: Structure, host: str, rules: Mapping[str, Rule]) -> Item:
        is_resource = self._structures.is_resource(structure.path)
        accepts = self._acceptances(structure)
        last = [*_BY_TYPE.get(structure.path, ()), *self._parts.invariants.checks(structure.constraints, structure)]
        mandatory = [(name, tuple(e.key for e in structure.choices[name])) for name in structure.mandatory]
        is_element = not is_resource and not host

        def check(value: Any, place: Place, report: Report) -> None:
            if type(value) is not dict:
                return wrong_type("an object", value, place, report)
            if not value:
                return report.add(Issue("wrong-type", "An object in FHIR is never empty", str(place)))
            if place.depth > DEEPEST:
                return report.add(too_deep(place))
            for key, item in value.items():
                accept = accepts.get(key)
                if accept is not None and accept(item):
                    continue
                rule = rules.get(key)
                if rule is None:
                    unknown_element(key, [key for key in rules if not key.startswith("_")], place, report)
                    continue
                rule(item, value, place, report)
            for name, keys in mandatory:
                if name not in value and not any(key in value or says_why(value.get(f"_{key}")) for key in keys):
                    report.add(Issue("cardinality", f"The element {name} must be there", f"{place}.{name}"))
            if is_element and len(value) == 1 and "id" in value:
                demand_more_than_id(value, place, report)
            for item in last:
                item(value, place, report)
            return None

        return check

    def _fill(self, rules: dict[str, Rule], structure: Structure, host: str) -> None:
        """Add to ``rules`` those of all elements of ``structure``."""
        for choice, elements in structure.choices.items():
            for element in elements:
                self._add_rules(rules, element, path_name(element.key, choice, element.type))
            if len(elements) > 1:
                demand_one_form(rules, choice, {element.key: self._acceptance(element) for element in elements})
        for key in _EXTENSIONS:
            if key in rules:
                rules[key] = both(rules[key], self._parts.extensions.rule(key, self._names(structure, host)))
        if self._structures.is_resource(structure.path):
            rules["resourceType"] = lambda value, parent, place, report: None

    def _names(self, structure: Structure, host: str) -> set[str]:
        """Return what definitions of extensions may call an element of ``structure``."""
        if self._structures.is_resource(structure.path):
            return {structure.path, "DomainResource", "Resource", "Base"}
        return {structure.path, host, "Element", "Base"} | ({"BackboneElement"} if "." in structure.path else set())

    def _add_rules(self, rules: dict[str, Rule], element: Element, name: str) -> None:
        key = element.key
        if not self._structures.is_primitive(element.type):
            item = self._complex(element)
            rules[key] = many(key, name, item) if element.many else single(name, item)
            return
        item, extra = self._primitive(element), self._object(self._structures.of_type("Element"), element.type)
        rules[key] = many(key, name, item, or_null=True) if element.many else single(name, item)
        if not element.is_bare and element.type != "xhtml":
            rules[f"_{key}"] = many_extras(key, name, extra) if element.many else single_extra(key, name, extra)

    def _primitive(self, element: Element) -> Item:
        is_written_right, type_name = self._parts.primitives[element.type], element.type
        coded = self._parts.bindings.check(element.binding, element.type)
        checks = [coded] if coded else []
        checks += self._parts.invariants.checks(element.constraints, element.type, element.forms)
        if element.type == "xhtml":
            checks.append(check_narrative)

        def check(value: Any, place: Place, report: Report) -> None:
            if not is_written_right(value):
                return report.add(Issue("format", f"{quoted(value)} is not written as a FHIR {type_name}", str(place)))
            for item in checks:
                item(value, place, report)
            return None

        return check

    def _acceptances(self, structure: Structure) -> dict[str, Check]:
        """Return by key what tells that the value of an element is right, of those with one value in one form."""
        alone = [elements[0] for elements in structure.choices.values() if len(elements) == 1 and not elements[0].many]
        return {element.key: accepts for element in alone if (accepts := self._acceptance(element))}

    def _acceptance(self, element: Element) -> Check | None:
        """Return what tells at once, without a place to report, that a value is right; None where nothing does."""
        is_right = self._parts.primitives.get(element.type)
        if is_right is None:
            return None
        codes = self._parts.bindings.codes(element.binding)
        if codes is not None:
            return lambda value: type(value) is str and value in codes
        has_more = element.type == "xhtml" or self._parts.bindings.check(element.binding, element.type)
        return None if has_more or element.constraints else is_right

    def _complex(self, element: Element) -> Item:
        if element.type == ANY:
            is_contained, check_resource = element.key == "contained", self._parts.resource
            return lambda value, place, report: check_resource(value, place, report, is_contained)
        below = self._structures.below(element)
        checks = [self._object(below)]
        if element.type == "Reference" and element.targets and ANY not in element.targets:
            checks.append(target_check(element.targets))
        if coded := self._parts.bindings.check(element.binding, element.type):
            checks.append(coded)
        checks += self._parts.invariants.checks(element.constraints, below, element.forms)
        checks += [self._parts.profile(url) for url in element.profiles if element.type != "Extension"]
        return together(checks)


def check_value_or_parts(value: dict[str, Any], place: Place, report: Report) -> None:
    """Report an Extension that has both a value and parts, or neither (FHIR's ext-1)."""
    has_value = False
    for key in value:  # a generator costs more than the loop
        has_value = has_value or key.startswith(("value", "_value"))
    if has_value == ("extension" in value):
        report.add(Issue("ext-1", "An extension has either a value or parts", str(place)))


_BY_TYPE: dict[str, tuple[Item, ...]] = {"Extension": (check_value_or_parts,), "Reference": (check_literal,)}
"""Invariants written by hand, by the type that they belong to."""


def too_deep(place: Place) -> Issue:
    """Return the issue of an element that nests too deeply."""
    return Issue("nesting", f"This is nested deeper than {DEEPEST} levels", str(place))
