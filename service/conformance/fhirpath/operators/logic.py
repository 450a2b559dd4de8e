"""Three-valued logic: true, false, and not known (http://hl7.org/fhirpath/N1/#boolean-logic)."""

from collections.abc import Callable
from typing import Any

from service.conformance.fhirpath.collection import Collection, Scope, Truth, boolean


def _both(left: Truth, right: Truth) -> Truth:
    def both(focus: Any, scope: Scope) -> bool | None:
        first = left(focus, scope)
        if first is False:
            return False
        second = right(focus, scope)
        return second if first or second is False else None

    return both


def _either(left: Truth, right: Truth) -> Truth:
    def either(focus: Any, scope: Scope) -> bool | None:
        first = left(focus, scope)
        if first:
            return True
        second = right(focus, scope)
        return second if first is False or second else None

    return either


def _exactly_one(left: Truth, right: Truth) -> Truth:
    def exactly_one(focus: Any, scope: Scope) -> bool | None:
        first, second = left(focus, scope), right(focus, scope)
        return None if first is None or second is None else first is not second

    return exactly_one


def _implies(left: Truth, right: Truth) -> Truth:
    def implies(focus: Any, scope: Scope) -> bool | None:
        first = left(focus, scope)
        if first is False:
            return True
        second = right(focus, scope)
        return second if first or second else None

    return implies


def negation(truth: Truth) -> Truth:
    """Return the opposite; of what is not known, that it is not."""
    return lambda focus, scope: None if (found := truth(focus, scope)) is None else not found


def _logical(combine: Callable[[Truth, Truth], Truth]) -> Callable[[Collection, Collection], Collection]:
    return lambda left, right: boolean(combine(left.truth, right.truth))


LOGIC: dict[str, Callable[[Collection, Collection], Collection]] = {
    "and": _logical(_both),
    "or": _logical(_either),
    "xor": _logical(_exactly_one),
    "implies": _logical(_implies),
}
