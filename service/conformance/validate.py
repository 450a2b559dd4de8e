"""Validation of shape: elements, types, cardinality, required bindings, reference targets.

Compiled once from StructureDefinition snapshots (https://hl7.org/fhir/R4/validation.html); every issue of a resource
is reported at once, with its place and the rule's key.
"""

from collections.abc import Callable
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

from service.conformance.models import model_issues
from service.conformance.place import Place, path_name
from service.conformance.primitives import Check
from service.conformance.structures import ANY, Element, Structure, Structures
from service.conformance.terminology import Terminology
from service.fhir.outcome import Issue
from service.fhir.reference import parse_reference

MOST_ISSUES = 100
"""In one resource; after so many the rest is not looked at, so that no body costs minutes or megabytes to refuse."""


class Report(list[Issue]):
    """The issues found so far."""

    def append(self, issue: Issue) -> None:
        """Add ``issue``; raises FullError where that is enough."""
        super().append(issue)
        if len(self) > MOST_ISSUES:
            raise FullError


class FullError(Exception):
    """A resource has more issues than anyone reads at once."""


Rule = Callable[[Any, dict[str, Any], Place, Report], None]
"""Checks the value of one JSON key, given the object it stands in and that object's place."""
Item = Callable[[Any, Place, Report], None]
"""Checks one value at its place."""

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
            report.extend(model_issues(value, name, str(place)))
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
        choice_of = {e.key: name for name, some in structure.choices.items() if len(some) > 1 for e in some}
        mandatory = [
            (name, tuple(mark + e.key for e in structure.choices[name] for mark in ("", "_")))
            for name in structure.mandatory
        ]
        known = [key for key in rules if not key.startswith("_")]

        def check(value: Any, place: Place, report: Report) -> None:
            if type(value) is not dict:
                return _wrong_type("an object", value, place, report)
            if not value:
                return report.append(Issue("wrong-type", "An object in FHIR is never empty", str(place)))
            if place.depth > DEEPEST:
                return report.append(_too_deep(place))
            chosen = None
            for key, item in value.items():
                rule = rules.get(key)
                if rule is None:
                    _unknown(key, known, place, report)
                    continue
                rule(item, value, place, report)
                if key in choice_of:
                    if choice_of[key] == chosen:
                        sentence = f"Only one form of {chosen}[x] may be given"
                        report.append(Issue("unknown-element", sentence, f"{place}.{chosen}"))
                    chosen = choice_of[key]
            for name, keys in mandatory:
                if not any(key in value for key in keys):
                    report.append(Issue("cardinality", f"The element {name} must be there", f"{place}.{name}"))
            return None

        return check

    def _rules(self, structure: Structure) -> dict[str, Rule]:
        rules: dict[str, Rule] = {}
        for choice, elements in structure.choices.items():
            for element in elements:
                name = path_name(element.key, choice, element.type)
                is_primitive = self._structures.is_primitive(element.type)
                item = self._primitive(element) if is_primitive else self._complex(element)
                rules[element.key] = (_list if element.many else _single)(element.key, name, item, is_primitive)
                if is_primitive:
                    extra = self._objects_of("Element")
                    rules[f"_{element.key}"] = (_extras if element.many else _single)(element.key, name, extra, True)
        return rules

    def _primitive(self, element: Element) -> Item:
        is_written_right, type_name = self._primitives[element.type], element.type
        allowed = self._allowed_codes(element)

        def check(value: Any, place: Place, report: Report) -> None:
            if not is_written_right(value):
                report.append(Issue("format", f"This is not written as a FHIR {type_name}", str(place)))
            elif allowed is not None and value not in allowed:
                report.append(Issue("binding", f"The code must be one of: {_listed(allowed)}", str(place)))

        return check

    def _allowed_codes(self, element: Element) -> frozenset[str] | None:
        if element.value_set is None or not self._terminology.is_enumerable(element.value_set):
            return None
        return frozenset(code for _, code in self._terminology.codings(element.value_set))

    def _complex(self, element: Element) -> Item:
        if element.type == ANY:
            return self._any_resource
        check = self._object(element.structure) if element.structure else self._objects_of(element.type)
        if element.type == "Reference" and element.targets and ANY not in element.targets:
            return _reference_check(check, element.targets)
        if element.value_set is not None and element.type == "CodeableConcept":
            return _concept_check(check, self._terminology.codings(element.value_set), element.value_set)
        return check


def _single(key: str, name: str, item: Item, is_primitive: bool) -> Rule:
    def rule(value: Any, parent: dict[str, Any], place: Place, report: Report) -> None:
        if value.__class__ is list:
            report.append(Issue("wrong-type", "This element has one value, not a list", f"{place}.{name}"))
        else:
            item(value, Place(place, name, None, place.depth + 1), report)

    return rule


def _list(key: str, name: str, item: Item, is_primitive: bool) -> Rule:
    def rule(value: Any, parent: dict[str, Any], place: Place, report: Report) -> None:
        if value.__class__ is not list:
            return _wrong_type("a list", value, Place(place, name), report)
        if not value:
            return report.append(Issue("wrong-type", "A list in FHIR is never empty", f"{place}.{name}"))
        depth = place.depth + 1
        for index, member in enumerate(value):
            if member is None and is_primitive and _has_extra(parent, key, index):
                continue
            item(member, Place(place, name, index, depth), report)
        return None

    return rule


def _extras(key: str, name: str, item: Item, is_primitive: bool) -> Rule:
    def rule(value: Any, parent: dict[str, Any], place: Place, report: Report) -> None:
        if value.__class__ is not list:
            return _wrong_type("a list", value, Place(place, name), report)
        values = parent.get(key)
        if values.__class__ is list and len(values) != len(value):
            sentence = f"_{key} has as many members as {key}, with null where there is nothing to say"
            return report.append(Issue("wrong-type", sentence, f"{place}.{name}"))
        for index, member in enumerate(value):
            if member is not None:
                item(member, Place(place, name, index, place.depth + 1), report)
        return None

    return rule


def _has_extra(parent: dict[str, Any], key: str, index: int) -> bool:
    extras = parent.get(f"_{key}")
    return extras.__class__ is list and index < len(extras) and extras[index] is not None


def _reference_check(check: Item, targets: frozenset[str]) -> Item:
    def checked(value: Any, place: Place, report: Report) -> None:
        check(value, place, report)
        text = value.get("reference") if value.__class__ is dict else None
        literal = parse_reference(text) if text.__class__ is str else None
        if literal is not None and literal.type not in targets:
            sentence = f"A reference to {literal.type} is not allowed here, only to: {_listed(targets)}"
            report.append(Issue("reference-target", sentence, f"{place}.reference"))

    return checked


def _concept_check(check: Item, allowed: frozenset[tuple[str, str]], value_set: str) -> Item:
    def checked(value: Any, place: Place, report: Report) -> None:
        before = len(report)
        check(value, place, report)
        if len(report) == before:
            given = {(coding.get("system"), coding.get("code")) for coding in value.get("coding", ())}
            if not given & allowed:
                codes = _listed({code for _, code in allowed})
                report.append(Issue("binding", f"One coding must be of {value_set}: {codes}", str(place)))

    return checked


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


def _unknown(key: str, known: list[str], place: Place, report: Report) -> None:
    name = ascii(key[:64])[1:-1]
    near = get_close_matches(key[:64], known, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    report.append(Issue("unknown-element", f"The element {name} is not defined here{hint}", f"{place}.{name}"))


def _wrong_type(wanted: str, value: Any, place: Place, report: Report) -> None:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    sentence = f"This must be {wanted} and is {kinds.get(type(value), 'a number')}"
    report.append(Issue("wrong-type", sentence, str(place)))


def _listed(names: frozenset[str] | set[str]) -> str:
    shown = sorted(names)[:20]
    return ", ".join(shown) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
