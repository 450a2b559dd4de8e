"""Reading many things as they are at one moment (https://www.mongodb.com/docs/manual/reference/read-concern-snapshot/).

The first command of a reading is shown the newest state that cannot be lost any more, and every later one the same
state, whatever is written in between. Such a moment can be read again for as long as the server keeps what has changed
since.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bson.timestamp import Timestamp
from pymongo.errors import AutoReconnect, OperationFailure, ServerSelectionTimeoutError

from service.store.driver import Document, Driver
from service.store.explained import Explained, explain
from service.store.faults import DATABASE_ERRORS, is_too_costly, too_costly, unavailable

T = TypeVar("T")

_OUT_OF_REACH = frozenset({239, 246})
"""SnapshotTooOld, SnapshotUnavailable."""
_INVALID_OPTIONS = 72


class PastMomentError(Exception):
    """The database does not hold the state of that moment any more, or not yet."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment by the clock of the database."""

    timestamp: Timestamp

    @property
    def seconds(self) -> int:
        """Whole seconds since 1970."""
        return self.timestamp.time


class Reading:
    """Reads that all see the state of one moment, or in a transaction what that sees, and share ``seconds``.

    Each raises PastMomentError where the moment is out of reach, and OutcomeError 503 where the time is up or the
    memory of the database does not suffice. How each was answered is added to ``explained``.
    """

    def __init__(
        self,
        driver: Driver,
        session: Any,
        at: Moment | None,
        seconds: float,
        explained: list[Explained] | None = None,
    ) -> None:
        self.moment = at
        """None until the first read has found it, and in a transaction."""
        self._driver = driver
        self._session = session
        self._deadline = time.monotonic() + seconds
        self._explained = explained

    async def find(
        self,
        collection_name: str,
        filter: Document,
        *,
        sort: dict[str, int],
        limit: int,
        projection: Document,
    ) -> list[Document]:
        """Return the first ``limit`` of the documents that ``filter`` finds."""
        found = {"filter": filter, "sort": sort, "limit": limit, "projection": projection}
        return await self._documents(collection_name, {"find": collection_name, **found, "batchSize": limit})

    async def find_some(
        self, collection_name: str, filter: Document, *, sort: dict[str, int], limit: int, projection: Document
    ) -> tuple[list[Document], bool]:
        """Return the first of the documents that ``filter`` finds, and whether there may be more.

        They are ``limit`` at most, and as many as fit into one answer, which has 16 MB or one document.
        """
        found = {"filter": filter, "sort": sort, "limit": limit, "projection": projection}
        cursor = await self._send({"find": collection_name, **found, "batchSize": limit}, self._session)
        if is_cut := cursor["id"] != 0:
            await self._driver.command({"killCursors": collection_name, "cursors": [cursor["id"]]}, self._session)
        documents: list[Document] = cursor["firstBatch"]
        return documents, is_cut or len(documents) == limit

    async def first_key(self, collection_name: str, index: str, start: Document, end: Document) -> Document | None:
        """Return the first key in ``index`` from ``start`` on and before ``end``; no document is looked at."""
        bounds = {"hint": index, "min": start, "max": end, "returnKey": True}
        command = {"find": collection_name, "filter": {}, **bounds, "limit": 1, "singleBatch": True}
        keys = await self._documents(collection_name, command)
        return keys[0] if keys else None

    async def aggregate(self, collection_name: str, stages: Sequence[Document], limit: int) -> list[Document]:
        """Return the first ``limit`` of the documents that ``stages`` yield."""
        pipeline = [*stages, {"$limit": limit}]
        batch = {"batchSize": limit + 1}  # with the last one alone the database would not see that it is the last
        return await self._documents(
            collection_name, {"aggregate": collection_name, "pipeline": pipeline, "cursor": batch}
        )

    async def union(self, pipelines: Sequence[tuple[str, list[Document]]], limit: int) -> list[Document]:
        """Return the first ``limit`` documents that the stages for each of several collections yield, in any order.

        It is one command, save in a transaction, which knows no union.
        """
        if self._session is not None:
            found = [await self.aggregate(name, stages, limit) for name, stages in pipelines]
            return [document for documents in found for document in documents][:limit]
        (first, stages), *others = pipelines
        union = [{"$unionWith": {"coll": name, "pipeline": pipeline}} for name, pipeline in others]
        return await self.aggregate(first, [*stages, *union], limit)

    async def each(self, reads: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """Return what each of ``reads`` returns; once the moment is known they run side by side."""
        found: list[T] = []
        for read in reads:
            if self.moment is not None:
                break
            found.append(await read())
        return [*found, *await asyncio.gather(*(read() for read in reads[len(found) :]))]

    async def _documents(self, collection_name: str, command: Document) -> list[Document]:
        cursor = await self._send(command, self._session)
        if self._explained is not None:
            self._explained.append(await explain(self._driver, command, collection_name, self._milliseconds()))
        found: list[Document] = cursor["firstBatch"]
        if cursor["id"] == 0:
            return found
        if self._session is not None:
            return await self._with_the_rest(collection_name, cursor, self._session)
        # What is too large for one answer has to be asked for in one session, which most need not pay for.
        await self._driver.command({"killCursors": collection_name, "cursors": [cursor["id"]]}, None)
        async with self._driver.session(causal_consistency=False) as session:
            return await self._with_the_rest(collection_name, await self._send(command, session), session)

    async def _with_the_rest(self, collection_name: str, cursor: Document, session: Any) -> list[Document]:
        found: list[Document] = cursor["firstBatch"]
        while cursor["id"]:
            more = {"getMore": cursor["id"], "collection": collection_name}
            cursor = (await self._answer(more, session))["cursor"]
            found += cursor["nextBatch"]
        return found

    async def _send(self, command: Document, session: Any) -> Document:
        """Return the cursor that ``command`` opens."""
        limited = command | {"maxTimeMS": self._milliseconds()}
        if self._session is None:
            concern: Document = {"level": "snapshot"}
            if self.moment:
                concern["atClusterTime"] = self.moment.timestamp
            limited["readConcern"] = concern
        try:
            answer = await self._answer(limited, session)
        except AutoReconnect as error:
            if session is not None or isinstance(error, ServerSelectionTimeoutError):
                raise
            answer = await self._answer(limited, session)  # an idle connection that was lost is found out by using it
        cursor: Document = answer["cursor"]
        if self._session is None and self.moment is None and "atClusterTime" in cursor:
            self.moment = Moment(cursor["atClusterTime"])  # a collection that does not exist tells none
        return cursor

    async def _answer(self, command: Document, session: Any) -> Document:
        try:
            return await self._driver.command(command, session)
        except DATABASE_ERRORS as error:
            if is_too_costly(error):
                raise too_costly() from error
            if self._session is None and self._is_out_of_reach(error):
                raise PastMomentError from error
            raise

    def _is_out_of_reach(self, error: Exception) -> bool:
        code = error.code if isinstance(error, OperationFailure) else None
        # A moment after all that the database knows, as when it was restored from a copy, is an invalid option.
        return code in _OUT_OF_REACH or (code == _INVALID_OPTIONS and self.moment is not None)

    def _milliseconds(self) -> int:
        """Return how much time is left; 0 would mean that there is no limit."""
        return max(1, round(1000 * (self._deadline - time.monotonic())))


async def read_within(
    seconds: float,
    read: Callable[[Reading], Awaitable[T]],
    driver: Driver,
    session: Any,
    at: Moment | None,
    explained: list[Explained] | None,
) -> T:
    """Return what ``read`` returns; what was made while it read may put its own moment out of reach.

    Raises PastMomentError where the moment ``at`` is out of reach, and OutcomeError 503 where it takes too long.
    """
    deadline = time.monotonic() + seconds
    while True:
        left = deadline - time.monotonic()
        try:
            return await read(Reading(driver, session, at, left, explained))
        except PastMomentError:
            if at is not None:
                raise
            if left < 0:
                raise unavailable() from None
        await asyncio.sleep(0.02)
