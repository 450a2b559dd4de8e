"""Values of the System types, and when two of them are equal or in order (http://hl7.org/fhirpath/N1/#equality).

Texts, truth values and numbers are Python's own; a value of a complex type is a JSON object.
"""

from collections.abc import Callable, Hashable
from decimal import Decimal
from typing import Any

from service.conformance.fhirpath.moments import Moment, in_utc, order_of_moments
from service.conformance.fhirpath.quantities import Quantity, in_base_unit, order_of_quantities

System = str | bool | int | Decimal | Moment | Quantity


def is_number(value: Any) -> bool:
    """Return whether ``value`` is an Integer or a Decimal."""
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def order(left: Any, right: Any) -> int | None:
    """Return a number below, above or equal to 0 as ``left`` stands before, after or with ``right``.

    Returns None where it cannot be told.
    """
    if isinstance(left, Moment) and isinstance(right, Moment):
        return order_of_moments(left, right)
    if (is_number(left) and is_number(right)) or (isinstance(left, str) and isinstance(right, str)):
        return int(left > right) - int(left < right)
    mine, theirs = _as_quantity(left), _as_quantity(right)
    return None if mine is None or theirs is None else order_of_quantities(mine, theirs)


def _as_quantity(value: Any) -> Quantity | None:
    if isinstance(value, Quantity):
        return value
    return Quantity(Decimal(value), "1") if is_number(value) else None


def equal(left: Any, right: Any) -> bool | None:
    """Return whether two values are equal; None where it cannot be told."""
    if not isinstance(left, (Moment, Quantity)) and not isinstance(right, (Moment, Quantity)):
        return identity(left) == identity(right)
    compared = order(left, right)
    if compared is None:
        return None if type(left) is type(right) else False
    return compared == 0


def identity(value: Any) -> Hashable:
    """Return what is the same for equal values and for no others."""
    if isinstance(value, dict):
        return frozenset((key, identity(item)) for key, item in value.items())
    if isinstance(value, list):
        return tuple(identity(item) for item in value)
    if isinstance(value, bool):
        return "boolean", value
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, Moment):
        return in_utc(value)._replace(text="")
    if isinstance(value, Quantity):
        return in_base_unit(value)
    return value  # type: ignore[no-any-return]


def distinct(items: list[Any], read: Callable[[Any], Any]) -> list[Any]:
    """Return ``items`` without those that equal an earlier one; ``read`` tells the value of each, if it has one."""
    first: dict[Hashable, Any] = {}
    for item in items:
        value = read(item)
        first.setdefault(id(item) if value is None else (identity(value),), item)
    return list(first.values())


def equivalent(left: Any, right: Any) -> bool:
    """Return whether two values are equivalent (``~``)."""
    if isinstance(left, str) and isinstance(right, str):
        return _words(left) == _words(right)
    if is_number(left) and is_number(right):
        places = min(_decimal_places(left), _decimal_places(right))
        return round(Decimal(left), places) == round(Decimal(right), places)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equivalent(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return same_members(left, right)
    return equal(left, right) is True


def same_members(left: list[Any], right: list[Any]) -> bool:
    """Return whether each value of one list has its own equivalent in the other, in any order."""
    others = list(right)
    for value in left:
        found = next((index for index, other in enumerate(others) if equivalent(value, other)), None)
        if found is None:
            return False
        del others[found]
    return not others


def _words(text: str) -> str:
    return " ".join(text.casefold().split())


def _decimal_places(number: Any) -> int:
    exponent = Decimal(number).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
