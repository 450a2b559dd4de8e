"""Rules for one JSON key, and the report that they write to: single values, lists, choices, references, codes."""

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from service.conformance.validation.place import Place
from service.conformance.validation.primitives import Check
from service.fhir.outcome import Issue, shown
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


def unless(accepts: Check, rule: Rule) -> Rule:
    """Return ``rule``, which is not asked about a value that ``accepts`` finds right."""

    def checked(value: Any, parent: dict[str, Any], place: Place, report: Report) -> None:
        if not accepts(value):
            rule(value, parent, place, report)

    return checked


def single(name: str, item: Item) -> Rule:
    """Return the rule of an element that does not repeat; ``name`` is what FHIRPath calls it."""

    def rule(value: Any, parent: dict[str, Any], place: Place, report: Report) -> None:
        if value.__class__ is list:
            report.append(Issue("wrong-type", "This element has one value, not a list", f"{place}.{name}"))
        else:
            item(value, Place(place, name, None, place.depth + 1), report)

    return rule


def many(key: str, name: str, item: Item, or_null: bool = False) -> Rule:
    """Return the rule of an element that repeats; ``or_null`` where a member may be given by its extension alone."""

    def rule(value: Any, parent: dict[str, Any], place: Place, report: Report) -> None:
        if value.__class__ is not list:
            return wrong_type("a list", value, Place(place, name), report)
        if not value:
            return report.append(Issue("wrong-type", "A list in FHIR is never empty", f"{place}.{name}"))
        depth = place.depth + 1
        for index, member in enumerate(value):
            if member is None and or_null and _has_extra(parent, key, index):
                continue
            item(member, Place(place, name, index, depth), report)
        return None

    return rule


def many_extras(key: str, name: str, item: Item) -> Rule:
    """Return the rule of what stands beside a primitive element that repeats: its ids and extensions."""

    def rule(value: Any, parent: dict[str, Any], place: Place, report: Report) -> None:
        if value.__class__ is not list:
            return wrong_type("a list", value, Place(place, name), report)
        values = parent.get(key)
        if values is None and not any(value):
            return report.append(Issue("wrong-type", "A list in FHIR is never empty", f"{place}.{name}"))
        if values.__class__ is list and len(values) != len(value):
            sentence = f"_{key} has as many members as {key}, with null where there is nothing to say"
            return report.append(Issue("wrong-type", sentence, f"{place}.{name}"))
        for index, member in enumerate(value):
            if member is not None:
                item(member, Place(place, name, index, place.depth + 1), report)
        return None

    return rule


def demand_one_form(rules: dict[str, Rule], choice: str, keys: list[str]) -> None:
    """Make the rules of the forms of ``choice`` refuse an object that has two of them."""
    for own in keys:
        others = {mark + key for key in keys if key != own for mark in ("", "_")} & rules.keys()
        for key in {own, f"_{own}"} & rules.keys():
            rules[key] = _only_form(rules[key], key, choice, others)


def _only_form(rule: Rule, key: str, choice: str, others: set[str]) -> Rule:
    def only(value: Any, parent: dict[str, Any], place: Place, report: Report) -> None:
        given = others.intersection(parent)
        if given and key > max(given):  # said once, not for each form
            report.append(Issue("unknown-element", f"Only one form of {choice}[x] may be given", f"{place}.{choice}"))
        rule(value, parent, place, report)

    return only


def says_why(extra: Any) -> bool:
    """Return whether what stands beside a missing value may say why it is missing (FHIR's ele-1)."""
    return extra is not None and (extra.__class__ is not dict or "extension" in extra)


def _has_extra(parent: dict[str, Any], key: str, index: int) -> bool:
    extras = parent.get(f"_{key}")
    return extras.__class__ is list and index < len(extras) and extras[index] is not None


def reference_check(check: Item, targets: frozenset[str]) -> Item:
    """Return ``check`` of a Reference, which also demands that it leads to one of ``targets``."""

    def checked(value: Any, place: Place, report: Report) -> None:
        check(value, place, report)
        text = value.get("reference") if value.__class__ is dict else None
        if text.__class__ is not str or text.partition("/")[0] in targets:
            return
        literal = parse_reference(text)
        if literal is not None and literal.type not in targets:
            sentence = f"A reference to {literal.type} is not allowed here, only to: {listed(targets)}"
            report.append(Issue("reference-target", sentence, f"{place}.reference"))

    return checked


def concept_check(check: Item, allowed: frozenset[tuple[str, str]], value_set: str) -> Item:
    """Return ``check`` of a CodeableConcept, which also demands a coding among ``allowed``."""

    def checked(value: Any, place: Place, report: Report) -> None:
        before = len(report)
        check(value, place, report)
        if len(report) == before:
            given = {(coding.get("system"), coding.get("code")) for coding in value.get("coding", ())}
            if not given & allowed:
                codes = listed({code for _, code in allowed})
                report.append(Issue("binding", f"One coding must be of {value_set}: {codes}", str(place)))

    return checked


def unknown_element(key: str, known: list[str], place: Place, report: Report) -> None:
    """Report a key that no element has, with the nearest one that is known."""
    name = shown(key)
    near = get_close_matches(key[:64], known, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    report.append(Issue("unknown-element", f"The element {name} is not defined here{hint}", f"{place}.{name}"))


def wrong_type(wanted: str, value: Any, place: Place, report: Report) -> None:
    """Report a value that is of another JSON type than ``wanted``."""
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    sentence = f"This must be {wanted} and is {kinds.get(type(value), 'a number')}"
    report.append(Issue("wrong-type", sentence, str(place)))


def listed(names: frozenset[str] | set[str]) -> str:
    """Return the first twenty of ``names``, to be read."""
    shown = sorted(names)[:20]
    return ", ".join(shown) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
