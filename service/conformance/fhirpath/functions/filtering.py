"""Filtering and projection (http://hl7.org/fhirpath/N1/#filtering-and-projection)."""

from typing import Any

from service.conformance.fhirpath.collection import Collection, Get, Scope, Truth, chain, this
from service.conformance.fhirpath.functions.invocation import Function, Invocation, numbered
from service.conformance.fhirpath.system import distinct


def where(call: Invocation) -> Collection:
    """Return the values for which the argument is true."""
    of, criterion = call.of, call.each(0)
    items, holds = of.items, criterion.truth
    if call.speaks_of_index:
        pairs = numbered(items, holds)
        return Collection(of.kinds, items=lambda focus, scope: [item for item, is_so in pairs(focus, scope) if is_so])
    if of.is_single:
        return Collection(of.kinds, item=_if(of.item, holds))
    if criterion.asks is not None:
        key, text = criterion.asks
        return Collection(
            of.kinds, items=lambda focus, scope: [item for item in items(focus, scope) if item.get(key) == text]
        )

    def exists(focus: Any, scope: Scope) -> bool:
        for item in items(focus, scope):  # noqa: SIM110 - a generator costs more than the loop
            if holds(item, scope):
                return True
        return False

    return Collection(
        of.kinds,
        items=lambda focus, scope: [item for item in items(focus, scope) if holds(item, scope)],
        exists=exists,
    )


def _if(item: Get, holds: Truth) -> Get:
    def get(focus: Any, scope: Scope) -> Any:
        found = item(focus, scope)
        return found if found is not None and holds(found, scope) else None

    return get


def _select(call: Invocation) -> Collection:
    projection = call.each(0)
    if call.speaks_of_index:
        pairs = numbered(call.of.items, projection.items)
        return Collection(
            projection.kinds, items=lambda focus, scope: [item for _, some in pairs(focus, scope) for item in some]
        )
    return chain(call.of, projection)


def _repeat(call: Invocation) -> Collection:
    navigation, kinds = call.compiler.navigation, call.of.kinds
    projection = call.each(0)
    while more := [kind for kind in projection.kinds if kind not in kinds]:
        kinds = (*kinds, *more)
        projection = call.compiler.collection(call.arguments[0], this(kinds))
    start, following = navigation.alike(kinds, call.of, projection)
    read = this(kinds).read

    def items(focus: Any, scope: Scope) -> list[Any]:
        found: list[Any] = []
        todo = start(focus, scope)
        while todo:
            both = [*found, *(item for one in todo for item in following(one, scope))]
            new = distinct(both, read)
            todo, found = new[len(found) :], new
        return found

    return Collection(kinds, items=items)


FILTERING: dict[str, tuple[Function, range]] = {
    "repeat": (_repeat, range(1, 2)),
    "select": (_select, range(1, 2)),
    "where": (where, range(1, 2)),
}
"""Each function by its name, and how many arguments it can have."""
