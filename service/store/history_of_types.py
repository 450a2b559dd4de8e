"""The versions of all resources of some types, the latest first (https://hl7.org/fhir/R4/http.html#history).

Those of one time are in the order of type and id. Each type has its versions in three places, each with an index by
time: what is current, deletions, and what is earlier.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any

from service.fhir.datetimes import microseconds, moment_of
from service.search.source import SortKey
from service.store.document import SERVED, Stored, from_history, key_of, to_stored
from service.store.driver import Document
from service.store.filter import IMPOSSIBLE, both
from service.store.history import LATEST, Versions, Within, place_of, same
from service.store.indexes import DELETED, LAST_UPDATED
from service.store.pages import page_of
from service.store.place import Place, Values
from service.store.reading import Reading
from service.store.walk import Walk

Ids = Mapping[str, Sequence[str]]
NO_IDS: Ids = {}


@dataclass(frozen=True, slots=True)
class _Kind:
    """One of the places where versions are, in the order of an index."""

    suffix: str
    """Of the name of the collection."""
    wanted: Document
    key: SortKey
    """The time; the id comes after it."""
    time: Callable[[datetime], Any]
    """Returns a time as it stands there."""
    id: Callable[[str, int], Any]
    """Returns id and number as they stand in ``_id``."""
    of: Callable[[Sequence[str]], Document]
    """Returns the filter for the versions of some resources, by their ids."""
    projection: Document
    read: Callable[[str, Document], Stored]


def _with_ids(ids: Sequence[str]) -> Document:
    return {"_id": {"$in": list(ids)}}


def _earlier_of(ids: Sequence[str]) -> Document:
    ranges = [{"_id": {"$gte": key_of(each, 1), "$lte": key_of(each, LATEST)}} for each in ids]
    return {"$or": ranges} if ranges else IMPOSSIBLE


_INDEXED = SortKey("search._lastUpdated.lo", descending=True)
_TIME = SortKey(LAST_UPDATED, descending=True, is_demanded=True)
_ID = SortKey("_id", descending=True)
_LIVING = _Kind("", {}, _INDEXED, microseconds, lambda name, _: name, _with_ids, SERVED, to_stored)
_BURIED = _Kind("", {DELETED: True}, _TIME, same, lambda name, _: name, _with_ids, SERVED, to_stored)
_EARLIER = _Kind("_history", {}, _TIME, same, key_of, _earlier_of, {}, from_history)


@dataclass(frozen=True, slots=True)
class _Walker:
    """Finds the first ``count`` versions on the way from ``place``."""

    reading: Reading
    within: Within
    count: int
    place: Place | None
    ids: Ids

    @property
    def is_backward(self) -> bool:
        return self.place is not None and self.place.backward

    async def walk(self, resource_type: str, kind: _Kind, end: datetime | None) -> list[Stored]:
        """Return the first of one kind, none of them beyond the time ``end``."""
        demands = [kind.wanted, *self.within.demands(kind.key.field, kind.time)]
        if resource_type in self.ids:
            demands.append(kind.of(self.ids[resource_type]))
        if end is not None:
            demands.append({kind.key.field: {"$lte" if self.is_backward else "$gte": kind.time(end)}})
        start: Values | None = None
        if self.place is not None:
            since_1970, of_type, resource_id, version = self.place.values
            moment = kind.time(moment_of(since_1970))
            if of_type == resource_type:
                start = (moment, kind.id(resource_id, version))
            else:
                demands.append({kind.key.field: {self._beyond(of_type, resource_type): moment}})
        way = Walk(partial(self._fetch, resource_type, kind), start, backward=self.is_backward, includes_equal=False)
        found = await way.first(both(*demands), (kind.key, _ID), self.count)
        return [kind.read(resource_type, document) for document in found]

    def _beyond(self, here: str, there: str) -> str:
        """Return the operator for the times of type ``there`` that are beyond one of type ``here``."""
        operator, is_later = ("$gt", there > here) if self.is_backward else ("$lt", there < here)
        return f"{operator}e" if is_later else operator

    async def _fetch(
        self, resource_type: str, kind: _Kind, wanted: Document, sort: dict[str, int], limit: int
    ) -> list[Document]:
        collection = resource_type + kind.suffix
        if kind is _EARLIER and self.within.at:
            stages = [{"$match": wanted}, {"$sort": sort}, *_current_after(self.within.at[0], resource_type)]
            return await self.reading.aggregate(collection, stages, limit)
        return await self.reading.find(collection, wanted, sort=sort, limit=limit, projection=kind.projection)

    def in_order(self, versions: Sequence[Stored]) -> list[Stored]:
        """Return the first of ``versions``."""
        return sorted(versions, key=_rank, reverse=not self.is_backward)[: self.count]


async def versions_of_types(
    reading: Reading, types: Sequence[str], within: Within, count: int, place: Place | None, ids: Ids = NO_IDS
) -> Versions:
    """Return a page of the versions of resources of ``types``, of those types that have ``ids`` of these alone.

    What is current is read first: where that fills the page, nothing is read of earlier versions beyond its end.
    """
    walker = _Walker(reading, within, count + 1, place, ids)

    async def walk(kinds: Sequence[_Kind], end: datetime | None = None) -> list[Stored]:
        each = [partial(walker.walk, name, kind, end) for name in types for kind in kinds]
        return list(chain(*await reading.each(each)))

    current = walker.in_order(await walk([_LIVING, _BURIED]))
    end = current[-1].last_updated if len(current) > count else None
    every = {_rank(version): version for version in (*await walk([_EARLIER], end), *current)}
    page, before, after = page_of(walker.in_order(list(every.values())), count, place, place_of)
    return Versions(page, before, after, reading.moment)


def _rank(version: Stored) -> tuple[datetime, str, str]:
    """Return what is greater for what comes earlier; no resource has two versions of one time."""
    return version.last_updated, version.type, version.id


def _current_after(moment: datetime, resource_type: str) -> list[Document]:
    """Return the stages that leave out earlier versions which the next one had succeeded at ``moment``.

    That is in the history too, or it is the current one.
    """
    then: Document = {LAST_UPDATED: {"$lte": moment}}
    newer = {**then, "$expr": {"$gt": ["$version", "$$version"]}}
    return [
        {"$set": {"next": {"id": "$_id.id", "version": {"$add": ["$_id.version", 1]}}}},
        _lookup(f"{resource_type}_history", "next", then),
        {"$match": {"next": []}},
        _lookup(resource_type, "_id.id", newer),
        {"$match": {"next": []}},
        {"$unset": "next"},
    ]


def _lookup(collection: str, field: str, wanted: Document) -> Document:
    found = [{"$match": wanted}, {"$project": {"_id": 1}}]
    by_id = {"from": collection, "localField": field, "foreignField": "_id", "let": {"version": "$_id.version"}}
    return {"$lookup": {**by_id, "pipeline": found, "as": "next"}}
