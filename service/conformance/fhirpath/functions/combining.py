"""Two collections put together, or one of them chosen (http://hl7.org/fhirpath/N1/#combining)."""

from typing import Any

from service.conformance.fhirpath.collection import EMPTY, Collection, Scope
from service.conformance.fhirpath.functions.invocation import Function, Invocation
from service.conformance.fhirpath.navigation import Navigation
from service.conformance.fhirpath.system import distinct


def _combine(call: Invocation) -> Collection:
    return _together(call.compiler.navigation, call.of, call.argument(0))


def _union(call: Invocation) -> Collection:
    return union(call.compiler.navigation, call.of, call.argument(0))


def union(navigation: Navigation, left: Collection, right: Collection) -> Collection:
    """Return the values of both, each once."""
    both = _together(navigation, left, right)
    items, read = both.items, both.read
    return Collection(both.kinds, items=lambda focus, scope: distinct(items(focus, scope), read), exists=both.exists)


def _together(navigation: Navigation, left: Collection, right: Collection) -> Collection:
    kinds = (*left.kinds, *right.kinds)
    mine, theirs = navigation.alike(kinds, left, right)
    first, second = left.exists, right.exists
    return Collection(
        kinds,
        items=lambda focus, scope: [*mine(focus, scope), *theirs(focus, scope)],
        exists=lambda focus, scope: first(focus, scope) or second(focus, scope),
    )


def _iif(call: Invocation) -> Collection:
    """The arguments are about the whole of ``of``: R4's ctm-1 asks whether it is empty."""
    whole = call.of if call.of.is_this else Collection(call.of.kinds, items=lambda focus, scope: focus)
    criterion, if_true, otherwise = [*(call.compiler.collection(node, whole) for node in call.arguments), EMPTY][:3]
    kinds = (*if_true.kinds, *otherwise.kinds)
    first, second = call.compiler.navigation.alike(kinds, if_true, otherwise)
    is_so, about = criterion.truth, call.of.item if call.of.is_this else call.of.items

    def items(focus: Any, scope: Scope) -> Any:
        given = about(focus, scope)
        return first(given, scope) if is_so(given, scope) else second(given, scope)

    return Collection(kinds, items=items)


COMBINING: dict[str, tuple[Function, range]] = {
    "combine": (_combine, range(1, 2)),
    "iif": (_iif, range(2, 4)),
    "union": (_union, range(1, 2)),
}
"""Each function by its name, and how many arguments it can have."""
