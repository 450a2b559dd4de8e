"""Invariants: what has to be true of an element, in FHIRPath (https://hl7.org/fhir/R4/conformance-rules.html#constraints)."""

from collections.abc import Iterable
from typing import Any

from service.conformance.fhirpath.conditions import Condition, SameReference, Scope, compile_condition
from service.conformance.fhirpath.syntax import Node, parse
from service.conformance.structures import Constraint, Structure, Structures
from service.conformance.validation.members import members_of_all
from service.conformance.validation.place import Place
from service.conformance.validation.report import Item, Report
from service.fhir.outcome import Issue

WRITTEN_BY_HAND = frozenset({"ele-1", "ext-1", "ref-1", "dom-3", "txt-1", "txt-2"})
"""Invariants of nearly every element, and those that speak of the whole resource; tests hold them to their FHIRPath."""

MENDED = {
    "ras-2": "probability.ofType(decimal).all($this <= 100)",
    "bdl-8": "fullUrl.all(contains('/_history/').not())",
    "per-1": "iif(start > end, false, true)",
    "rng-2": "iif(low > high, false, true)",
}
"""Official expressions that by the letter refuse what lacks the element of which they speak, official examples among
it (https://github.com/hapifhir/org.hl7.fhir.core/issues/623), or what cannot be compared: moments of unlike precision,
quantities of unlike units. And what their sentences say."""


class Invariants:
    """Compiles invariants to checks; raises ValueError where one uses FHIRPath that is not supported."""

    def __init__(self, structures: Structures, same_reference: SameReference | None) -> None:
        self._structures = structures
        self._same_reference = same_reference

    def checks(
        self, constraints: Iterable[Constraint], start: Structure | str, choice: Iterable[str] = ()
    ) -> list[Item]:
        """Return the checks of a value that ``start`` describes: a structure, or the name of a primitive type.

        ``choice`` are the types that the element can have, where it is one of several.
        """
        return [self._check(item, start, choice) for item in constraints if item.key not in WRITTEN_BY_HAND]

    def _check(self, constraint: Constraint, start: Structure | str, choice: Iterable[str]) -> Item:
        tree = parse(MENDED.get(constraint.key, constraint.expression))
        members = members_of_all(tree, start, self._structures) if isinstance(start, Structure) else None
        if members is None:
            return _check_of(constraint, self._compiled(tree, start, choice))
        check = _check_of(constraint, self._compiled(members.criterion, members.structure))

        def check_each(value: Any, place: Place, report: Report) -> None:
            for member, its_place in members.found(value, place):
                check(member, its_place, report)

        return check_each

    def _compiled(self, tree: Node, start: Structure | str, choice: Iterable[str] = ()) -> Condition:
        return compile_condition(tree, start, self._structures, self._same_reference, choice)


def _check_of(constraint: Constraint, holds: Condition) -> Item:
    def check(value: Any, place: Place, report: Report) -> None:
        if not (_holds_as_far_as_told if report.has_malformed else holds)(value, report.scope):
            report.add(Issue(constraint.key, f"Rule not met: {constraint.human}", str(place), constraint.severity))

    def _holds_as_far_as_told(value: Any, scope: Scope) -> bool:
        try:
            return holds(value, scope)
        except (AttributeError, KeyError, TypeError, ValueError):
            return True  # what it stumbles over is malformed, and has been reported as that

    return check
