"""Reading the audit: one event, or those that may be wanted, the newest first."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.security.audit import Parts, Recorded, happened_in
from service.security.chain import event_id, is_erased, rest_of
from service.store.audit_block import AUDIT, RECORDED
from service.store.driver import Document, Driver
from service.store.faults import translated

_EVENT_ID = re.compile(r"([0-9a-z]+-[0-9]{12})-([0-9]{1,6})")
_READ = {RECORDED: 1, "who": 1, "what": 1}
_AT_ONCE = 20
"""Blocks that are fetched at once: a page is found in the first few."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which blocks to look into: for each that is given, those that have one of the values in any event."""

    entities: frozenset[str] = frozenset()
    """Such as ``CarePlan/1``."""
    patients: frozenset[str] = frozenset()
    """Such as ``Patient/1``."""
    agents: frozenset[str] = frozenset()
    """Users, subjects of tokens, ids of clients."""
    statuses: frozenset[int] = frozenset()
    """The HTTP statuses."""
    since: datetime | None = None
    until: datetime | None = None
    """Both inclusive."""


class AuditReading:
    """Reads the events of all writers."""

    in_transaction = False

    def __init__(self, driver: Driver) -> None:
        self._blocks = driver.collection(AUDIT)

    @translated
    async def read(self, name: str) -> Recorded | None:
        """Return the event with this id, or None; raises OutcomeError where the database does not answer."""
        found = _EVENT_ID.fullmatch(name)
        if found is None:
            return None
        document = await self._blocks.find_one({"_id": found[1]}, _READ)
        events = {event.id: event for event in _events_in(document)} if document else {}
        return events.get(name)

    async def events(self, wanted: Wanted, after: tuple[datetime, str] | None = None) -> AsyncGenerator[Recorded]:
        """Yield the events of the blocks that are wanted, the newest first, from the one that follows ``after`` on.

        That is a moment of recording and an id. Each block has an event for each thing that is wanted, but it also has
        others. Raises OutcomeError.
        """
        query = _query(wanted)
        place = None if after is None else _place(*after)
        if after is not None:
            bounds = query.setdefault(RECORDED, {})
            bounds["$lte"] = min(after[0], bounds.get("$lte", after[0]))
        async for documents in self._by_moment(query):
            for document in sorted(documents, key=lambda each: str(each["_id"]), reverse=True):
                for event in reversed(list(_events_in(document))):
                    if place is None or _place(event.recorded, event.id) < place:
                        yield event

    async def oldest_first(self, since: datetime | None) -> AsyncIterator[list[Recorded]]:
        """Yield the events of each block recorded since a moment, or of all; raises PyMongoError."""
        bounds = {"$gte": since} if since else {"$exists": True}
        async for document in self._blocks.find({RECORDED: bounds}, _READ).sort(RECORDED, 1):
            yield list(_events_in(document))

    async def count(self, since: datetime | None) -> int:
        """Return about how many blocks those are; raises PyMongoError."""
        if since is None:
            found: int = await self._blocks.estimated_document_count()
        else:
            found = await self._blocks.count_documents({RECORDED: {"$gte": since}})
        return found

    async def _by_moment(self, query: Document) -> AsyncIterator[list[Document]]:
        """Yield the blocks of each moment together: the order of the index is that of moments alone."""
        together: list[Document] = []
        async for document in self._found(query):
            if together and together[0][RECORDED] != document[RECORDED]:
                yield together
                together = []
            together.append(document)
        if together:
            yield together

    async def _found(self, query: Document) -> AsyncIterator[Document]:
        cursor = self._blocks.find(query, _READ, batch_size=_AT_ONCE).sort(RECORDED, -1)
        try:
            while (document := await self._next(cursor)) is not None:
                yield document
        finally:
            await cursor.close()

    @translated
    async def _next(self, cursor: Any) -> Document | None:
        return await anext(cursor, None)


def _query(wanted: Wanted) -> Document:
    query: Document = {}
    for name in ("entities", "patients", "agents", "statuses"):
        if values := getattr(wanted, name):
            query[name] = {"$in": sorted(values)}
    bounds = {"$gte": wanted.since, "$lte": wanted.until}
    if bounds := {operator: moment for operator, moment in bounds.items() if moment is not None}:
        query[RECORDED] = bounds
    return query


def _place(recorded: datetime, name: str) -> tuple[datetime, str, int]:
    block, _, position = name.rpartition("-")
    return recorded, block, int(position)


def _events_in(document: Document) -> Iterator[Recorded]:
    block, recorded = document["_id"], document[RECORDED]
    whos, whats = document["who"].split(b"\n"), document["what"].split(b"\n")
    for position, (who, what) in enumerate(zip(whos, whats, strict=True)):
        happened = happened_in(Parts(who, rest_of(what)))
        yield Recorded(event_id(block, position), recorded, happened, is_erased(what))
