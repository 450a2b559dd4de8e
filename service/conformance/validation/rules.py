"""Rules for one JSON key, made of the checks of its values: single values, lists, choices, what stands beside them."""

from typing import Any

from service.conformance.validation.place import Place
from service.conformance.validation.primitives import Check
from service.conformance.validation.report import Item, Report, Rule
from service.fhir.outcome import LONGEST_VALUE, Issue, did_you_mean, shown


def single(name: str, item: Item) -> Rule:
    """Return the rule of an element that does not repeat; ``name`` is what FHIRPath calls it."""

    def rule(value: Any, parent: dict[str, Any], place: Place, report: Report) -> None:
        if value.__class__ is list:
            report.add(Issue("wrong-type", "This element has one value, not a list", f"{place}.{name}"))
        else:
            item(value, Place(place, name, None, place.depth + 1), report)

    return rule


def single_extra(key: str, name: str, item: Item) -> Rule:
    """Return the rule of what stands beside a primitive element that does not repeat: its id and extensions."""
    check_one = single(name, item)

    def rule(value: Any, parent: dict[str, Any], place: Place, report: Report) -> None:
        check_one(value, parent, place, report)
        if parent.get(key) is None and type(value) is dict:
            demand_more_than_id(value, f"{place}.{name}", report)

    return rule


def both(first: Rule, second: Rule) -> Rule:
    """Return the rule that is ``first`` and then ``second``."""

    def rule(value: Any, parent: dict[str, Any], place: Place, report: Report) -> None:
        first(value, parent, place, report)
        second(value, parent, place, report)

    return rule


def demand_more_than_id(value: dict[str, Any], place: object, report: Report) -> None:
    """Report an element of which there is nothing but its id (FHIR's ele-1)."""
    if len(value) == 1 and "id" in value:
        report.add(Issue("ele-1", "An element has a value or elements below it, not an id alone", str(place)))


def many(key: str, name: str, item: Item, or_null: bool = False) -> Rule:
    """Return the rule of an element that repeats; ``or_null`` where a member may be given by its extension alone."""

    def rule(value: Any, parent: dict[str, Any], place: Place, report: Report) -> None:
        if value.__class__ is not list:
            return wrong_type("a list", value, Place(place, name), report)
        if not value:
            return report.add(Issue("wrong-type", "A list in FHIR is never empty", f"{place}.{name}"))
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
            return report.add(Issue("wrong-type", "A list in FHIR is never empty", f"{place}.{name}"))
        if values.__class__ is list and len(values) != len(value):
            sentence = f"_{key} has as many members as {key}, with null where there is nothing to say"
            return report.add(Issue("wrong-type", sentence, f"{place}.{name}"))
        for index, member in enumerate(value):
            if member is not None:
                item(member, Place(place, name, index, place.depth + 1), report)
                is_alone = values is None or (values.__class__ is list and values[index] is None)
                if is_alone and type(member) is dict:
                    demand_more_than_id(member, f"{place}.{name}[{index}]", report)
        return None

    return rule


def demand_one_form(rules: dict[str, Rule], choice: str, accepts: dict[str, Check | None]) -> None:
    """Make the rules of the forms of ``choice`` refuse an object that has two of them.

    ``accepts`` has by their keys what finds a value right of which the rule need not be asked then.
    """
    for own in accepts:
        others = {mark + key for key in accepts if key != own for mark in ("", "_")} & rules.keys()
        for key in {own, f"_{own}"} & rules.keys():
            rules[key] = _only_form(rules[key], key, choice, others, accepts[own] if key == own else None)


def _only_form(rule: Rule, key: str, choice: str, others: set[str], accepts: Check | None) -> Rule:
    def only(value: Any, parent: dict[str, Any], place: Place, report: Report) -> None:
        if not others.isdisjoint(parent) and key > max(others.intersection(parent)):  # said once, not for each form
            report.add(Issue("unknown-element", f"Only one form of {choice}[x] may be given", f"{place}.{choice}"))
        if accepts is None or not accepts(value):
            rule(value, parent, place, report)

    return only


def says_why(extra: Any) -> bool:
    """Return whether what stands beside a missing value may say why it is missing (FHIR's ele-1)."""
    return extra is not None and (extra.__class__ is not dict or "extension" in extra)


def _has_extra(parent: dict[str, Any], key: str, index: int) -> bool:
    extras = parent.get(f"_{key}")
    return extras.__class__ is list and index < len(extras) and extras[index] is not None


def unknown_element(key: str, known: list[str], place: Place, report: Report) -> None:
    """Report a key that no element has, with the nearest one that is known."""
    name = shown(key)
    sentence = f"The element {name} is not defined here{did_you_mean(key[:LONGEST_VALUE], known)}"
    report.add(Issue("unknown-element", sentence, f"{place}.{name}"))


def wrong_type(wanted: str, value: Any, place: Place, report: Report) -> None:
    """Report a value that is of another JSON type than ``wanted``."""
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    sentence = f"This must be {wanted} and is {kinds.get(type(value), 'a number')}"
    report.add(Issue("wrong-type", sentence, str(place)))
