"""Some of the values of a collection (http://hl7.org/fhirpath/N1/#subsetting)."""

from typing import Any

from service.conformance.fhirpath.collection import Collection, Get, Scope
from service.conformance.fhirpath.functions.invocation import Function, Invocation
from service.conformance.fhirpath.system import distinct, identity


def _part(part: slice) -> Function:
    """Return the function that gives one part of a list."""

    def function(call: Invocation) -> Collection:
        items = call.of.items
        return Collection(call.of.kinds, items=lambda focus, scope: items(focus, scope)[part])

    return function


def _first(call: Invocation) -> Collection:
    return _at(call.of, lambda focus, scope: 0)


def _last(call: Invocation) -> Collection:
    items = call.of.items
    return Collection(call.of.kinds, item=lambda focus, scope: found[-1] if (found := items(focus, scope)) else None)


def index(call: Invocation) -> Collection:
    """Return the value at the place that the argument names: ``of[0]``."""
    return _at(call.of, call.integer(0))


def _at(of: Collection, place: Get) -> Collection:
    items = of.items

    def item(focus: Any, scope: Scope) -> Any:
        found, number = items(focus, scope), place(focus, scope)
        return found[number] if number is not None and 0 <= number < len(found) else None

    return Collection(of.kinds, item=item)


def _skip(call: Invocation) -> Collection:
    items, number = call.of.items, call.integer(0)
    return Collection(
        call.of.kinds, items=lambda focus, scope: items(focus, scope)[max(number(focus, scope) or 0, 0) :]
    )


def _take(call: Invocation) -> Collection:
    items, number = call.of.items, call.integer(0)
    return Collection(
        call.of.kinds, items=lambda focus, scope: items(focus, scope)[: max(number(focus, scope) or 0, 0)]
    )


def _single(call: Invocation) -> Collection:
    return Collection(call.of.kinds, item=call.of.item)


def _intersect(call: Invocation) -> Collection:
    of, others = call.of, call.argument(0).values
    items, read = of.items, of.read

    def common(focus: Any, scope: Scope) -> list[Any]:
        members = {identity(value) for value in others(focus, scope)}
        return distinct([item for item in items(focus, scope) if identity(read(item)) in members], read)

    return Collection(of.kinds, items=common)


def _exclude(call: Invocation) -> Collection:
    of, others = call.of, call.argument(0).values
    items, read = of.items, of.read

    def remaining(focus: Any, scope: Scope) -> list[Any]:
        members = {identity(value) for value in others(focus, scope)}
        return [item for item in items(focus, scope) if identity(read(item)) not in members]

    return Collection(of.kinds, items=remaining)


SUBSETTING: dict[str, tuple[Function, range]] = {
    "exclude": (_exclude, range(1, 2)),
    "first": (_first, range(1)),
    "intersect": (_intersect, range(1, 2)),
    "last": (_last, range(1)),
    "single": (_single, range(1)),
    "skip": (_skip, range(1, 2)),
    "tail": (_part(slice(1, None)), range(1)),
    "take": (_take, range(1, 2)),
}
"""Each function by its name, and how many arguments it can have."""
