"""Pages by key: which documents come after the last one that was seen, in any order.

Resources without a sort field come last, ascending or descending, so an order with n such fields has 2^n segments:
those that have all of them, those that lack the last, and so on. Within a segment plain keys decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from service.search.request import SortKey
from service.store.driver import Document
from service.store.filter import both


@dataclass(frozen=True, slots=True)
class Segment:
    """The documents that have the fields of ``keys`` and lack those of ``missing``."""

    keys: tuple[SortKey, ...]
    missing: tuple[SortKey, ...]

    @property
    def filter(self) -> Document:
        """The filter for the documents of the segment."""
        there = {key.field: {"$ne": None} for key in self.keys if not key.always_there}
        return there | {key.field: None for key in self.missing}

    @property
    def sort(self) -> list[tuple[str, int]]:
        """The order within the segment."""
        return [(key.field, -1 if key.descending else 1) for key in self.keys]

    def values(self, document: Document) -> list[Any]:
        """Return the document's place in the segment."""
        return [_value_at(document, key.field) for key in self.keys]

    def after(self, values: Sequence[Any]) -> Document:
        """Return the filter for the documents that come after the place ``values``."""
        alternatives = []
        for position, key in enumerate(self.keys):
            beyond: Document = {key.field: {"$lt" if key.descending else "$gt": values[position]}}
            equal: Document = {self.keys[i].field: values[i] for i in range(position)}
            alternatives.append(both(equal, beyond))
        return alternatives[0] if len(alternatives) == 1 else {"$or": alternatives}


def segments(sort: Sequence[SortKey]) -> list[Segment]:
    """Return the segments of an order, first to last."""
    optional = [key for key in sort if not key.always_there]
    found = []
    for lacking in product((False, True), repeat=len(optional)):
        missing = tuple(key for key, lacks in zip(optional, lacking, strict=True) if lacks)
        found.append(Segment(tuple(key for key in sort if key not in missing), missing))
    return found


def _value_at(document: Document, field: str) -> Any:
    value: Any = document
    for name in field.split("."):
        value = value[name]
    return value
