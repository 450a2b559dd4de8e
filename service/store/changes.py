"""The versions of resources in the order in which they were committed, from a place on: MongoDB's change stream.

https://www.mongodb.com/docs/manual/changeStreams/: what is told of has been confirmed by a majority, and a place can be
gone on from after any failure, for as long as the database's log reaches back to it. Where it does not, the versions
that were stored meanwhile are read from the collections.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple

from pymongo.errors import OperationFailure

from service.fhir.datetimes import microseconds
from service.store.document import SERVED, IndexedType, Stored, from_history, index_of, key_of, to_stored
from service.store.driver import Document, Driver
from service.store.ending import ended
from service.store.faults import DATABASE_ERRORS

MOST_AT_ONCE = 500
_WAITING = 1_000
"""Changes that are read before those who ask for them take them."""
_INDEXED = "search._lastUpdated.lo"
_NEEDED: Document = {"ns": 1, "clusterTime": 1, **{f"fullDocument.{name}": 1 for name in ("_id", *SERVED)}}


class PlaceLostError(Exception):
    """The change stream cannot be gone on with from that place; the message says why."""


class Change(NamedTuple):
    """A version that was stored, and is no deletion."""

    version: Stored
    moment: Any
    """The time of the database when it was committed, None where that is not known."""
    order: str
    """A text by which changes are in the order of their commits: the place of the change in the stream."""


class Feed:
    """What a change stream tells, as it comes."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._read: asyncio.Queue[tuple[Document | None, Any]] = asyncio.Queue(_WAITING)
        self._failure: BaseException | None = None

    async def read(self) -> None:
        """Read until cancelled, or until the stream fails."""
        try:
            while True:
                event = await self._stream.try_next()
                await self._read.put((event, self._stream.resume_token))
        except DATABASE_ERRORS as error:
            self._failure = error
            await self._read.put((None, None))

    async def batch(self) -> tuple[list[Change], Any]:
        """Return what has come, in its order, and the place after it; that may be nothing after a second.

        Raises PlaceLostError where the stream cannot be gone on with, and PyMongoError where the database fails.
        """
        taken = [await self._read.get()]
        while len(taken) < MOST_AT_ONCE and not self._read.empty():
            taken.append(self._read.get_nowait())
        if taken[-1] == (None, None) and self._failure is not None:
            raise _lost(self._failure) or self._failure
        return [_change(event) for event, _ in taken if event is not None], taken[-1][1]


class Changes:
    """Follows the versions of the resources of ``types``."""

    def __init__(self, driver: Driver, types: Mapping[str, IndexedType]) -> None:
        self._driver = driver
        self._types = types

    def document(self, version: Stored) -> Document:
        """Return the id and the index of a version, in the form in which predicates are held against it."""
        return {"_id": version.id, **index_of(version, self._types[version.type])}

    @asynccontextmanager
    async def after(self, token: Any = None, moment: Any = None) -> AsyncIterator[Feed]:
        """Give what comes after a place, or where there is none, after a time of the database.

        Raises PlaceLostError where the log of the database does not reach back so far.
        """
        where = {"start_at_operation_time": moment} if token is None else {"start_after": token}
        wanted = {
            "operationType": {"$in": ["insert", "replace"]},
            "ns.coll": {"$in": [*self._types]},
            "fullDocument.deleted": False,
        }
        try:
            stream = await self._driver.watch([{"$match": wanted}, {"$project": _NEEDED}], **where)
        except OperationFailure as error:
            raise _lost(error) or error from None
        feed = Feed(stream)
        reading = asyncio.create_task(feed.read())
        try:
            yield feed
        finally:
            await ended([reading])
            with suppress(*DATABASE_ERRORS):
                await stream.close()

    async def written_since(self, moment: datetime, now: Any) -> AsyncIterator[list[Change]]:
        """Yield every version that says it was stored at ``moment`` or later, about in order, and some at a time.

        They come before all changes in the stream after ``now``, a time of the database, and after all before it.
        """
        numbers = count()
        streams = [each async for each in _opened(self._keys(moment))]
        heap = [(key, number) for number, (key, _) in enumerate(streams)]
        heapq.heapify(heap)
        found: list[tuple[datetime, str, str, int]] = []
        while heap:
            key, number = heap[0]
            found.append(key)
            if (following := await anext(streams[number][1], None)) is None:
                heapq.heappop(heap)
            else:
                heapq.heapreplace(heap, (following, number))
            if len(found) == MOST_AT_ONCE or not heap:
                versions = await self._versions(found)
                yield [Change(each, None, _order_at(now, next(numbers))) for each in versions]
                found = []

    def _keys(self, moment: datetime) -> Iterable[AsyncIterator[tuple[datetime, str, str, int]]]:
        for name in self._types:
            yield self._current(name, moment)
            yield self._earlier(name, moment)

    async def _current(self, name: str, moment: datetime) -> AsyncIterator[tuple[datetime, str, str, int]]:
        query, shown = {_INDEXED: {"$gte": microseconds(moment)}}, {"lastUpdated": 1, "version": 1}
        async for each in self._driver.collection(name).find(query, shown, sort=[(_INDEXED, 1), ("_id", 1)]):
            yield each["lastUpdated"], name, each["_id"], each["version"]

    async def _earlier(self, name: str, moment: datetime) -> AsyncIterator[tuple[datetime, str, str, int]]:
        query, order = {"lastUpdated": {"$gte": moment}}, [("lastUpdated", 1), ("_id", 1)]
        async for each in self._driver.collection(f"{name}_history").find(query, {"lastUpdated": 1}, sort=order):
            yield each["lastUpdated"], name, each["_id"]["id"], each["_id"]["version"]

    async def _versions(self, keys: list[tuple[datetime, str, str, int]]) -> list[Stored]:
        """Return those of the versions that are no deletions and were not erased.

        The current ones are read first: what has moved to the history since is found there.
        """
        found: dict[tuple[str, str, int], Stored] = {}
        for name in {key[1] for key in keys}:
            asked = [(each, version) for _, of_type, each, version in keys if of_type == name]
            query: Document = {"_id": {"$in": [each for each, _ in asked]}}
            async for document in self._driver.collection(name).find(query):
                stored = to_stored(name, document)
                found[name, stored.id, stored.version] = stored
            query = {"_id": {"$in": [key_of(*each) for each in asked]}}
            async for document in self._driver.collection(f"{name}_history").find(query):
                stored = from_history(name, document)
                found.setdefault((name, stored.id, stored.version), stored)
        versions = [found[key[1:]] for key in dict.fromkeys(keys) if key[1:] in found]
        return [each for each in versions if not each.deleted]


async def _opened(
    streams: Iterable[AsyncIterator[tuple[datetime, str, str, int]]],
) -> AsyncIterator[tuple[tuple[datetime, str, str, int], AsyncIterator[tuple[datetime, str, str, int]]]]:
    """Yield the first of each of ``streams``, and the rest, but for those that are empty."""
    for each in streams:
        if (first := await anext(each, None)) is not None:
            yield first, each


def _change(event: Document) -> Change:
    stored = to_stored(event["ns"]["coll"], event["fullDocument"])
    return Change(stored, event["clusterTime"], event["_id"]["_data"])


def _order_at(moment: Any, number: int) -> str:
    """Return what comes after the place of every change up to ``moment``, in the form that MongoDB gives to places.

    They begin with 82 and the time of the commit, and go on with a digit that is greater than 0.
    """
    return f"82{moment.time:08X}{moment.inc:08X}00{number:012d}"


def _lost(error: BaseException) -> PlaceLostError | None:
    """Return that a place is lost, unless ``error`` passes by itself."""
    if not isinstance(error, OperationFailure) or error.has_error_label("ResumableChangeStreamError"):
        return None
    return PlaceLostError(f"MongoDB answers with error {error.code}")
