"""Pages by key: which documents come after the last one that was seen, in any order.

Resources without a sort field come last, ascending or descending. For the first key that cuts the order in two: those
that have it, and those that lack it, for which the next key is the first. So an order of n such keys has n + 1
segments. Within a segment a later key may be there or not, and a document that lacks it is last only among its equals:
such a key is sorted by a rank, its value or what the database puts after all values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bson.max_key import MaxKey

from service.search.source import SortKey
from service.store.document import SERVED
from service.store.driver import Document, Driver
from service.store.filter import both


@dataclass(frozen=True, slots=True)
class Segment:
    """The documents that have the first of ``keys`` and lack all of ``missing``, in the order of ``keys``."""

    keys: tuple[SortKey, ...]
    missing: tuple[SortKey, ...]

    @property
    def filter(self) -> Document:
        """The filter for the documents of the segment."""
        first = self.keys[0]
        there = {} if first.always_there else {first.field: {"$ne": None}}
        return there | {key.field: None for key in self.missing}

    @property
    def ranks(self) -> Document:
        """The fields to add to the documents before they can be sorted, by their names; empty where none need be."""
        return {
            self._field(position): {"$ifNull": [f"${key.field}", _last(key)]}
            for position, key in enumerate(self.keys)
            if self._is_ranked(position)
        }

    @property
    def sort(self) -> dict[str, int]:
        """The order within the segment."""
        return {self._field(position): -1 if key.descending else 1 for position, key in enumerate(self.keys)}

    def values(self, document: Document) -> list[Any]:
        """Return the document's place in the segment."""
        return [_value_at(document, self._field(position)) for position in range(len(self.keys))]

    def after(self, values: Sequence[Any]) -> Document:
        """Return the filter for the documents that come after the place ``values``."""
        alternatives: list[Document] = []
        for position, value in enumerate(values):
            equal = {self._field(i): values[i] for i in range(position)}
            alternatives.extend(both(equal, beyond) for beyond in self._beyond(position, value))
        return alternatives[0] if len(alternatives) == 1 else {"$or": alternatives}

    def _beyond(self, position: int, value: Any) -> list[Document]:
        """Return the filters for what one key puts after ``value``; a comparison finds values of one type only."""
        field, key = self._field(position), self.keys[position]
        greater: Document = {field: {"$lt" if key.descending else "$gt": value}}
        if not self._is_ranked(position):
            return [greater]
        return [] if value == _last(key) else [greater, {field: _last(key)}]

    def _is_ranked(self, position: int) -> bool:
        return position > 0 and not self.keys[position].always_there

    def _field(self, position: int) -> str:
        return f"rank.{position}" if self._is_ranked(position) else self.keys[position].field


def segments(sort: Sequence[SortKey]) -> list[Segment]:
    """Return the segments of an order, first to last; the last key of ``sort`` is one that is always there."""
    optional = next(position for position, key in enumerate(sort) if key.always_there)
    return [Segment(tuple(sort[start:]), tuple(sort[:start])) for start in range(optional + 1)]


async def find_page(
    driver: Driver,
    collection: Any,
    wanted: Document,
    sort: Sequence[SortKey],
    count: int,
    after: list[Any] | None,
    session: Any,
) -> tuple[list[Document], list[Any] | None]:
    """Return at most ``count`` of the documents ``wanted``, and the place of the last one where more follow.

    They are in the order of ``sort``, from the place ``after`` on.
    """
    projection = SERVED | {key.field: 1 for key in sort if key.field != "_id"}
    order = segments(sort)
    first, values = (after[0], after[1:]) if after else (0, None)
    found: list[tuple[int, Document]] = []
    for number in range(first, len(order)):
        segment = order[number]
        beyond = segment.after(values) if values is not None and number == first else {}
        most = count + 1 - len(found)
        if segment.ranks:
            stages: list[Document] = [{"$match": both(wanted, segment.filter)}, {"$set": segment.ranks}]
            stages += [{"$match": beyond}, {"$sort": segment.sort}, {"$limit": most}]
            stages.append({"$project": projection | {"rank": 1}})
            documents = await driver.aggregate(collection, stages, session)
        else:
            cursor = collection.find(both(wanted, segment.filter, beyond), projection, session=session)
            documents = await cursor.sort(list(segment.sort.items())).limit(most).to_list(None)
        found.extend([(number, document) for document in documents])
        if len(found) > count:
            break
    place = None
    if len(found) > count > 0:
        number, last = found[count - 1]
        place = [number, *order[number].values(last)]
    return [document for _, document in found[:count]], place


def _last(key: SortKey) -> Any:
    """Return what stands for a missing value: descending, nothing is less than null; ascending, MaxKey is greatest."""
    return None if key.descending else MaxKey()


def _value_at(document: Document, field: str) -> Any:
    value: Any = document
    for name in field.split("."):
        value = value[name]
    return value
