"""References: which types they may lead to, and that those to contained resources lead somewhere.

https://hl7.org/fhir/R4/references.html
"""

from collections.abc import Callable
from typing import Any

from service.conformance.validation.bindings import listed
from service.conformance.validation.place import Place
from service.conformance.validation.report import Item, Report
from service.fhir.outcome import Issue
from service.fhir.reference import is_by_search, parse_reference


def target_check(targets: frozenset[str]) -> Item:
    """Return the check that a Reference leads to one of ``targets``, where its text tells the type."""

    def check(value: Any, place: Place, report: Report) -> None:
        text = value.get("reference") if value.__class__ is dict else None
        if text.__class__ is not str or text.partition("/")[0] in targets:
            return
        found = report.root.contained.get(text[1:]) if text[:1] == "#" else _type_in(text)
        if found is not None and found not in targets:
            sentence = f"A reference to {found} is not allowed here, only to: {listed(targets)}"
            report.add(Issue("reference-target", sentence, f"{place}.reference"))

    return check


def _type_in(text: str) -> str | None:
    literal = parse_reference(text)
    return literal.type if literal else None


def check_literal(value: dict[str, Any], place: Place, report: Report) -> None:
    """Report a Reference to a contained resource that is not there (FHIR's ref-1), and one by search.

    That is allowed in a transaction only, which has put what was found in its place.
    """
    text = value.get("reference")
    if type(text) is not str:
        return
    if text[:1] != "#":
        if is_by_search(text):
            sentence = "A reference by search is resolved in a transaction only; refer to the id of what is meant"
            report.add(Issue("reference-unresolved", sentence, f"{place}.reference"))
        return
    is_container = text == "#" and report.scope.resource is not report.root.resource  # as R4B words the rule
    if not is_container and text[1:] not in report.root.contained:
        sentence = "No contained resource has this id; a reference that starts with # names one of the same resource"
        report.add(Issue("ref-1", sentence, f"{place}.reference"))


LocalLinks = Callable[[dict[str, Any]], set[str]]
"""Returns the addresses in a resource that start with #."""


def contained_check(local_links: LocalLinks) -> Item:
    """Return the check that what a resource contains is referred to, or refers to it (FHIR's dom-3)."""

    def check(value: Any, place: Place, report: Report) -> None:
        members = value.get("contained")
        if type(members) is not list:
            return
        links = local_links(value)
        for number, resource in enumerate(members):
            if type(resource) is dict and f"#{resource.get('id')}" not in links and "#" not in local_links(resource):
                sentence = "A contained resource is referred to from the one that contains it, or refers to that"
                report.add(Issue("dom-3", sentence, f"{place}.contained[{number}]"))

    return check
