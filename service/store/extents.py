"""How many resources a state holds, told without reading them: so are files of a certain size planned.

The database counts what has not changed since the moment; of the few others the earlier versions are looked at.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from service.store.driver import Document
from service.store.guard import Guard
from service.store.indexes import LAST_UPDATED
from service.store.links import links_in
from service.store.reading import Reading
from service.store.state import StateOf, wanted

AT_MOST = 50_000
"""Resources that are counted in one go: the ids of all of them fit into one document."""
_AT_ONCE = 1_000
_JUST_ONE = 1


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
    size = min(most, AT_MOST)
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
