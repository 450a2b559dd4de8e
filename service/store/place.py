"""Where a resource stands in the order of a search: values compare as in the database, but a missing one comes last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import total_ordering
from typing import Any

from bson.decimal128 import Decimal128

from service.search.source import SortKey
from service.store.driver import Document

Values = tuple[Any, ...]
_KINDS = ((bool,), (int, float, Decimal), (str,), (datetime,))
"""What can be compared with each other."""


@dataclass(frozen=True, slots=True)
class Place:
    """Beside which resource a page begins: its value for each sort key, None where it has none, and its source.

    The last value is the id. The page that ends before the resource is ``backward`` from it.
    """

    values: Values
    source: int = 0
    backward: bool = False


def values_of(document: Document, keys: Sequence[SortKey]) -> Values:
    """Return the value of ``document`` for each key, None where it has none."""
    return tuple(_value_at(document, key.field) for key in keys)


def rank(values: Values, keys: Sequence[SortKey]) -> tuple[Any, ...]:
    """Return what is less for what comes earlier in the order of ``keys``."""
    return tuple(_rank(value, key.descending) for value, key in zip(values, keys, strict=True))


def _rank(value: Any, descending: bool) -> tuple[Any, ...]:
    if value is None:
        return (True,)
    comparable = value.to_decimal() if isinstance(value, Decimal128) else value
    kind = next(number for number, kinds in enumerate(_KINDS) if isinstance(comparable, kinds))
    return (False, _Reversed((kind, comparable)) if descending else (kind, comparable))


@total_ordering
class _Reversed:
    """Less for what is greater."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reversed) and bool(self._value == other._value)

    def __lt__(self, other: "_Reversed") -> bool:
        return bool(other._value < self._value)

    def __hash__(self) -> int:
        return hash(self._value)


def _value_at(document: Document, field: str) -> Any:
    value: Any = document
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
