"""What there is of a collection (http://hl7.org/fhirpath/N1/#existence)."""

from collections.abc import Callable
from typing import Any

from service.conformance.fhirpath.collection import Collection, EvaluationError, Scope, boolean
from service.conformance.fhirpath.functions.filtering import where
from service.conformance.fhirpath.functions.invocation import Function, Invocation, numbered
from service.conformance.fhirpath.kinds import SYSTEM
from service.conformance.fhirpath.operators.logic import negation
from service.conformance.fhirpath.system import distinct, identity
from service.conformance.fhirpath.values import Node


def _empty(call: Invocation) -> Collection:
    exists = call.of.exists
    return boolean(lambda focus, scope: not exists(focus, scope))


def _exists(call: Invocation) -> Collection:
    return boolean(where(call).exists if call.arguments else call.of.exists)


def _count(call: Invocation) -> Collection:
    items = call.of.items
    return Collection((SYSTEM["Integer"],), item=lambda focus, scope: len(items(focus, scope)))


def _not(call: Invocation) -> Collection:
    return boolean(negation(call.of.truth))


def _all(call: Invocation) -> Collection:
    items, holds = call.of.items, call.each(0).truth
    if call.speaks_of_index:
        pairs = numbered(items, holds)
        return boolean(lambda focus, scope: all(is_so for _, is_so in pairs(focus, scope)))

    def truth(focus: Any, scope: Scope) -> bool:
        for item in items(focus, scope):  # noqa: SIM110 - a generator costs more than the loop
            if not holds(item, scope):
                return False
        return True

    return boolean(truth)


def _of_truths(summary: Callable[[list[Any]], bool]) -> Function:
    """Return the function that asks ``summary`` about a list of truth values."""

    def function(call: Invocation) -> Collection:
        values = call.of.values

        def truth(focus: Any, scope: Scope) -> bool:
            found = values(focus, scope)
            if any(type(value) is not bool for value in found):
                raise EvaluationError
            return summary(found)

        return boolean(truth)

    return function


def _distinct(call: Invocation) -> Collection:
    items, read = call.of.items, call.of.read
    return Collection(call.of.kinds, items=lambda focus, scope: distinct(items(focus, scope), read))


def _is_distinct(call: Invocation) -> Collection:
    items, read = call.of.items, call.of.read

    def truth(focus: Any, scope: Scope) -> bool:
        found = items(focus, scope)
        return len(distinct(found, read)) == len(found)

    return boolean(truth)


def _subset_of(call: Invocation) -> Collection:
    return _is_subset(call.of, call.argument(0))


def _superset_of(call: Invocation) -> Collection:
    return _is_subset(call.argument(0), call.of)


def _is_subset(part: Collection, whole: Collection) -> Collection:
    some, every = part.values, whole.values
    return boolean(
        lambda focus, scope: (
            {identity(value) for value in some(focus, scope)} <= {identity(value) for value in every(focus, scope)}
        )
    )


def _has_value(call: Invocation) -> Collection:
    item, items = call.of.item, call.of.items
    if call.of.is_single:
        return boolean(lambda focus, scope: _is_value(item(focus, scope)))

    def truth(focus: Any, scope: Scope) -> bool:
        found = items(focus, scope)
        return len(found) == 1 and _is_value(found[0])

    return boolean(truth)


def _is_value(item: Any) -> bool:
    value = item.value if type(item) is Node else item
    return value is not None and type(value) is not dict


EXISTENCE: dict[str, tuple[Function, range]] = {
    "all": (_all, range(1, 2)),
    "allFalse": (_of_truths(lambda values: not any(values)), range(1)),
    "allTrue": (_of_truths(all), range(1)),
    "anyFalse": (_of_truths(lambda values: not all(values)), range(1)),
    "anyTrue": (_of_truths(any), range(1)),
    "count": (_count, range(1)),
    "distinct": (_distinct, range(1)),
    "empty": (_empty, range(1)),
    "exists": (_exists, range(2)),
    "hasValue": (_has_value, range(1)),
    "isDistinct": (_is_distinct, range(1)),
    "not": (_not, range(1)),
    "subsetOf": (_subset_of, range(1, 2)),
    "supersetOf": (_superset_of, range(1, 2)),
}
"""Each function by its name, and how many arguments it can have."""
