"""Equality, order and membership (http://hl7.org/fhirpath/N1/#equality)."""

from collections.abc import Callable
from typing import Any

from service.conformance.fhirpath.collection import Collection, Get, MemberIs, Scope, Truth, boolean
from service.conformance.fhirpath.moments import order_of_moments
from service.conformance.fhirpath.operators.logic import negation
from service.conformance.fhirpath.system import equal, equivalent, identity, order, same_members

_FAMILIES = {"Integer": "number", "Decimal": "number", "Quantity": "number", "Date": "date", "DateTime": "date"}
"""System types whose values can be compared with each other; every other type only with itself."""
_AS_THEY_ARE = ({"String"}, {"Boolean"}, {"Integer"}, {"Decimal"})
"""Types of which Python's own equality is that of FHIRPath."""


def _equality(left: Collection, right: Collection) -> Collection:
    """Return whether two collections hold equal values in the same order."""
    _demand_comparable(left, right, "equal")
    if left.key and isinstance(right.literal, str):
        return _text_is(left.key, right.literal)
    if left.is_single and right.is_single:
        return boolean(_equal_values(left, right))
    return boolean(_equal_lists(left, right))


def _text_is(key: str, text: str) -> Collection:
    found = boolean(lambda focus, scope: None if (value := focus.get(key)) is None else value == text)
    found.asks = MemberIs(key, text)
    return found


def _equal_values(left: Collection, right: Collection) -> Truth:
    if left.is_typed and isinstance(right.literal, str):
        return _node_is(left.item, right.literal)
    mine, theirs = left.value, right.value
    if left.systems == right.systems and left.systems in _AS_THEY_ARE:
        if right.literal is not None:
            wanted = right.literal
            return lambda focus, scope: None if (one := mine(focus, scope)) is None else one == wanted

        def is_same(focus: Any, scope: Scope) -> bool | None:
            one = mine(focus, scope)
            other = theirs(focus, scope)
            return None if one is None or other is None else one == other

        return is_same

    def is_equal(focus: Any, scope: Scope) -> bool | None:
        one, other = mine(focus, scope), theirs(focus, scope)
        return None if one is None or other is None else equal(one, other)

    return is_equal


def _equal_lists(left: Collection, right: Collection) -> Truth:
    lefts, rights = left.values, right.values
    is_simple = left.systems == right.systems and left.systems in _AS_THEY_ARE

    def truth(focus: Any, scope: Scope) -> bool | None:
        mine, theirs = lefts(focus, scope), rights(focus, scope)
        if not mine or not theirs:
            return None
        if is_simple or len(mine) != len(theirs):
            return bool(mine == theirs)
        compared = [equal(one, other) for one, other in zip(mine, theirs, strict=True)]
        return False if False in compared else None if None in compared else True

    return truth


def _node_is(item: Get, text: str) -> Truth:
    def truth(focus: Any, scope: Scope) -> bool | None:
        node = item(focus, scope)
        if node is None or node.value is None:
            return None
        return node.value == text and node.kind.system in ("String", None)

    return truth


def _equivalence(left: Collection, right: Collection) -> Collection:
    _demand_comparable(left, right, "equivalent")
    lefts, rights = left.values, right.values
    return boolean(lambda focus, scope: _are_equivalent(lefts(focus, scope), rights(focus, scope)))


def _are_equivalent(left: list[Any], right: list[Any]) -> bool:
    if len(left) == len(right) == 1:
        return equivalent(left[0], right[0])
    return same_members(left, right)


def _comparison(is_so: Callable[[int], bool]) -> Callable[[Collection, Collection], Collection]:
    def compare(left: Collection, right: Collection) -> Collection:
        _demand_comparable(left, right, "in order")
        if {None, "Boolean"} & (left.systems | right.systems) and not (left.is_typed or right.is_typed):
            raise ValueError("Only texts, numbers, quantities, dates and times have an order")
        mine, theirs = left.value, right.value
        are_moments = not (left.is_typed or right.is_typed) and _families(left) == _families(right) == {"date"}
        compare_values = order_of_moments if are_moments else order

        def truth(focus: Any, scope: Scope) -> bool | None:
            one, other = mine(focus, scope), theirs(focus, scope)
            compared = None if one is None or other is None else compare_values(one, other)
            return None if compared is None else is_so(compared)

        return boolean(truth)

    return compare


def _demand_comparable(left: Collection, right: Collection, relation: str) -> None:
    mine, theirs = _families(left), _families(right)
    if mine and theirs and None not in mine | theirs and not mine & theirs:
        raise ValueError(f"{_names(left)} and {_names(right)} can never be {relation}")


def _families(collection: Collection) -> set[str | None]:
    return {_FAMILIES.get(str(system), system) for system in collection.systems}


def _names(collection: Collection) -> str:
    return " or ".join(sorted({kind.name for kind in collection.kinds}))


def _membership(value: Collection, group: Collection) -> Collection:
    """Return whether ``value`` is in ``group``.

    The specification allows one value only; R4's own tim-9 gives several, of which then each has to be in it.
    """
    _demand_comparable(value, group, "equal")
    mine, theirs = value.values, group.values

    def truth(focus: Any, scope: Scope) -> bool | None:
        wanted = mine(focus, scope)
        if not wanted:
            return None
        members = {identity(item) for item in theirs(focus, scope)}
        return all(identity(item) in members for item in wanted)

    return boolean(truth)


COMPARISON: dict[str, Callable[[Collection, Collection], Collection]] = {
    "=": _equality,
    "!=": lambda left, right: boolean(negation(_equality(left, right).truth)),
    "~": _equivalence,
    "!~": lambda left, right: boolean(negation(_equivalence(left, right).truth)),
    "<": _comparison(lambda compared: compared < 0),
    "<=": _comparison(lambda compared: compared <= 0),
    ">": _comparison(lambda compared: compared > 0),
    ">=": _comparison(lambda compared: compared >= 0),
    "in": _membership,
    "contains": lambda left, right: _membership(right, left),
}
