"""The state of a type at a moment: each resource's newest version at or before it (https://hl7.org/fhir/R4/http.html#history).

What is current answers for every resource that has not changed since the moment, and earlier versions for the rest. No
version ever changes, so the same question has the same answer whenever it is asked, and by whatever process: who was
interrupted goes on after the last id.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from service.fhir.datetimes import microseconds
from service.search.memory import holds
from service.search.predicate import All, Predicate
from service.store.document import REVIVES, SERVED, SUBJECT, Stored, from_history, key_of, to_stored
from service.store.driver import Document
from service.store.ending import ended
from service.store.faults import LONGEST_WRITE
from service.store.filter import LIVING, both, to_filter
from service.store.guard import Guard
from service.store.history import LATEST
from service.store.indexes import DELETED, LAST_UPDATED
from service.store.reading import Reading
from service.store.tombstones import buried

AT_ONCE = 500
"""Resources that are read from the database at a time, or as many as have 16 MB, so that memory does for any."""
_MOST_BY_THEMSELVES = 50
"""Of so many that have moved on, each is looked up; of more all versions are read that lie between their ids."""
_ON_THE_WAY = timedelta(seconds=LONGEST_WRITE + 5)
"""How long a version may take to be seen after the time that it carries, and what clocks may differ by."""
EVERYTHING = All()
_CHANGED = "search._lastUpdated.lo"
"""The field that tells when what is not deleted was changed, in microseconds; an index has it before the id."""
_MOST_BETWEEN = 1_000_000
"""Resources whose earlier versions lie between two ids of a batch: those of the batch, and others that were erased."""
_NEWEST = {"version": "_id.version", **{name: name for name in (LAST_UPDATED, "method", "body", REVIVES, SUBJECT)}}
"""What is taken of the newest of several versions, by the name under which it comes."""
Batch = tuple[list[Stored], str | None]
"""What is told of some resources, and the id of the last that was looked at, None where there are no more."""
Read = Callable[[Callable[[Reading], Awaitable[Batch]]], Coroutine[Any, Any, Batch]]


@dataclass(frozen=True, slots=True)
class StateOf:
    """The resources of a type that are asked for, as they were at a moment."""

    type: str
    at: datetime
    since: datetime | None = None
    """Leaves out what has not changed after it; with it deletions are told."""
    predicate: Predicate = EVERYTHING
    """What else has to hold of them, and of what was deleted before it was; it has no links."""
    after: str = ""
    """The id beyond which they begin."""
    until: str | None = None
    """The last id, None where there is no end."""
    ids: tuple[str, ...] | None = None
    """The ids of those that are asked for, None where it is all of them."""


def settled(now: datetime, lag: timedelta) -> datetime:
    """Return the latest moment whose state no write that is still on its way can change, in whole milliseconds.

    Others see what a majority of the servers has, which is by ``lag`` behind what was written.
    """
    moment = now - _ON_THE_WAY - lag
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


async def state(asked: StateOf, guard: Guard, read: Read) -> AsyncGenerator[list[Stored]]:
    """Yield what is asked for in the order of ids, some at a time, and of it what the client of ``guard`` may see.

    While some are made use of the next ones are read.
    """

    def begin(after: str) -> asyncio.Task[Batch]:
        return asyncio.create_task(read(partial(_batch, asked, after, guard)))

    coming: asyncio.Task[Batch] | None = begin(asked.after)
    try:
        while coming is not None:
            versions, last = await coming
            coming = None if last is None else begin(last)
            await asyncio.sleep(0)  # lets it be asked for now, and not when these have been made use of
            if versions:
                yield versions
    finally:
        if coming is not None:
            await ended([coming])


async def _batch(asked: StateOf, after: str, guard: Guard, reading: Reading) -> Batch:
    documents, are_more = await reading.find_some(
        asked.type, wanted(asked, after, guard), sort={"_id": 1}, limit=AT_ONCE, projection=SERVED
    )
    moved = [document["_id"] for document in documents if document[LAST_UPDATED] > asked.at]
    earlier = await _earlier(asked, moved, guard, reading) if moved else {}
    found = (
        earlier.get(document["_id"]) if document[LAST_UPDATED] > asked.at else to_stored(asked.type, document)
        for document in documents
    )
    versions = [version for version in found if version is not None]
    if guard.limits("r", asked.type):
        versions = await guard.of_the_seen(reading, "r", versions)
    return versions, documents[-1]["_id"] if are_more else None


def wanted(asked: StateOf, after: str, guard: Guard) -> Document:
    """Return the filter for what is asked for beyond an id, as far as it has not moved on, and for all that has."""
    ids: Document = {"$gt": after} if asked.until is None else {"$gt": after, "$lte": asked.until}
    if asked.ids is not None:
        ids["$in"] = list(asked.ids)
    still = both(LIVING, to_filter(guard.visible("r", asked.type, asked.predicate)))
    if asked.since is None:
        return {"_id": ids, "$or": [still, *later_than(asked.at)]}
    moved = {LAST_UPDATED: {"$gt": asked.at}}
    changed, gone = later_than(asked.since)
    before = to_filter(buried(asked.predicate))
    return {"_id": ids, "$or": [{**changed, "$or": [still, moved]}, {**gone, "$or": [before, moved]}]}


def later_than(moment: datetime) -> tuple[Document, Document]:
    """Return the filters for what was changed and for what was deleted after a moment; each has an index of its own."""
    return {_CHANGED: {"$gt": microseconds(moment)}}, {DELETED: True, LAST_UPDATED: {"$gt": moment}}


async def _earlier(asked: StateOf, ids: Sequence[str], guard: Guard, reading: Reading) -> dict[str, Stored]:
    """Return by id what is asked for of resources that have moved on since the moment."""
    stages = [
        {"$match": both({"$or": _versions_of(ids)}, {LAST_UPDATED: {"$lte": asked.at}})},
        {"$sort": {"_id": 1}},
        {"$group": {"_id": "$_id.id", **{name: {"$last": f"${field}"} for name, field in _NEWEST.items()}}},
    ]
    found = await reading.aggregate(f"{asked.type}_history", stages, _MOST_BETWEEN)
    among = set(ids)
    versions = [_of_newest(asked.type, document) for document in found if document["_id"] in among]
    return {version.id: version for version in versions if await _is_asked_for(version, asked, guard, reading)}


def _versions_of(ids: Sequence[str]) -> list[Document]:
    """Return the filters for all versions of resources with ``ids``, which are in order."""
    ends = [(each, each) for each in ids] if len(ids) <= _MOST_BY_THEMSELVES else [(ids[0], ids[-1])]
    return [{"_id": {"$gte": key_of(first, 1), "$lte": key_of(last, LATEST)}} for first, last in ends]


def _of_newest(resource_type: str, document: Document) -> Stored:
    there = {name: value for name, value in document.items() if value is not None and name not in ("_id", "version")}
    return from_history(resource_type, {"_id": key_of(document["_id"], document["version"]), **there})


async def _is_asked_for(version: Stored, asked: StateOf, guard: Guard, reading: Reading) -> bool:
    if asked.since is None:
        return not version.deleted and _holds(asked, version, guard)
    if version.last_updated <= asked.since:
        return False
    if not version.deleted or asked.predicate == EVERYTHING:
        return _holds(asked, version, guard)
    before = {"_id": key_of(version.id, version.version - 1)}
    found = await reading.find(f"{asked.type}_history", before, sort={"_id": 1}, limit=1, projection={})
    # A backup may be restored without it; nobody is told then, as by the tombstone itself.
    return any(_holds(asked, from_history(asked.type, document), guard) for document in found)


def _holds(asked: StateOf, version: Stored, guard: Guard) -> bool:
    return asked.predicate == EVERYTHING or holds(asked.predicate, guard.document(version))
