"""How many resources a state holds, told without reading them: so are files of a certain size planned.

The database counts what has not changed since the moment; of the few others the earlier versions are looked at.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from service.store.driver import Document
from service.store.filter import both
from service.store.guard import Guard
from service.store.indexes import DELETED, LAST_UPDATED
from service.store.links import links_in
from service.store.reading import Reading
from service.store.state import EVERYTHING, StateOf, later_than, wanted

AT_MOST = 50_000
"""Resources that are counted in one go: the ids of all of them fit into one document."""
WIDE = 1_000
"""Resources that are looked at in one go at least: who looks at a few that are newer than the moment does not get past
those that others add meanwhile."""
_AT_ONCE = 1_000
_JUST_ONE = 1
_ID_ALONE: Document = {"_id": 1}


class Extent(NamedTuple):
    """Resources of a state that follow each other."""

    number: int
    """Those that have not changed since the moment."""
    later: list[str]
    """The ids of others, of which some may have been there."""
    until: str | None
    """The last id of all of them, None where none come after that."""


def can_count(asked: StateOf, guard: Guard) -> bool:
    """Return whether the database can count what is asked for: no deletions, and nothing that others decide about."""
    visible = guard.access.seen("r", asked.type) if guard.access.is_limited else None
    return asked.since is None and (visible is None or not links_in(visible))


async def extent_of(asked: StateOf, most: int, guard: Guard, reading: Reading) -> Extent:
    """Return the extent of the first ``most`` resources that are asked for, or of AT_MOST."""
    is_of_all = asked.predicate == EVERYTHING and not guard.limits("r", asked.type)
    return await (_told_by_keys if is_of_all else _told_by_documents)(asked, min(most, AT_MOST), guard, reading)


async def _told_by_keys(asked: StateOf, size: int, _: Guard, reading: Reading) -> Extent:
    """Return the extent of the first ``size`` documents, of which only keys of indexes and deletions are looked at."""
    beyond: Document = {"_id": {"$gt": asked.after}}
    in_order: list[Document] = [{"$match": beyond}, {"$sort": {"_id": 1}}, {"$project": _ID_ALONE}]
    ends = await reading.aggregate(asked.type, [*in_order, {"$skip": size - 1}], 1)
    until = ends[0]["_id"] if ends else None
    among = both(beyond, {} if until is None else {"_id": {"$lte": until}})
    every = size if ends else await _count(asked.type, among, reading)
    gone = await _count(asked.type, both(among, {DELETED: True, LAST_UPDATED: {"$lte": asked.at}}), reading)
    later: list[str] = []
    for moved in later_than(asked.at):
        found = await reading.find(asked.type, both(among, moved), sort={"_id": 1}, limit=AT_MOST, projection=_ID_ALONE)
        later += [each["_id"] for each in found]
    return Extent(every - gone - len(later), sorted(later), until)


async def _count(resource_type: str, wanted: Document, reading: Reading) -> int:
    found = await reading.aggregate(resource_type, [{"$match": wanted}, {"$count": "number"}], _JUST_ONE)
    return sum(each["number"] for each in found)


async def _told_by_documents(asked: StateOf, size: int, guard: Guard, reading: Reading) -> Extent:
    is_later = {"$gt": [f"${LAST_UPDATED}", asked.at]}
    stages: list[Document] = [
        {"$match": wanted(asked, asked.after, guard)},
        {"$sort": {"_id": 1}},
        {"$limit": size},
        {
            "$group": {
                "_id": None,
                "until": {"$last": "$_id"},
                "every": {"$sum": 1},
                "later": {"$push": {"$cond": [is_later, "$_id", "$$REMOVE"]}},
            }
        },
    ]
    found = await reading.aggregate(asked.type, stages, _JUST_ONE)
    if not found:
        return Extent(0, [], None)
    (told,) = found
    every, later = told["every"], told["later"]
    return Extent(every - len(later), later, told["until"] if every == size else None)


def rest_of(asked: StateOf, extent: Extent) -> Iterator[StateOf]:
    """Yield what is to be looked at one by one of an extent of what is asked for, some at a time."""
    for start in range(0, len(extent.later), _AT_ONCE):
        yield replace(asked, ids=tuple(extent.later[start : start + _AT_ONCE]))
