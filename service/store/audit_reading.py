"""Reading the audit: one event, or those that may be wanted, the newest first."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from service.security.audit import Parts, Recorded, happened_in
from service.security.chain import event_id, is_erased, rest_of
from service.store.audit_block import AUDIT, OF_RANGES, RECORDED, within_range
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
        bounds = _bounds(wanted, after)
        place = None if after is None else _place(*after)
        async for documents in self._by_moment(wanted, bounds):
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

    async def _by_moment(self, wanted: Wanted, bounds: Document) -> AsyncIterator[list[Document]]:
        """Yield the blocks of each moment together: the order of the index is that of moments alone."""
        together: dict[Any, Document] = {}
        moment = None
        async for document in self._found(wanted, bounds):
            if document[RECORDED] != moment and together:
                yield list(together.values())
                together = {}
            moment = document[RECORDED]
            together[document["_id"]] = document
        if together:
            yield list(together.values())

    async def _found(self, wanted: Wanted, bounds: Document) -> AsyncIterator[Document]:
        """Yield the blocks, the newest first; one that has a resource both by itself and in a range comes twice."""
        query = _query(wanted) | bounds
        if wanted.entities:
            one_by_one = self._cursor(query | {"entities": {"$in": sorted(wanted.entities)}})
            in_ranges = (self._cursor(within_range(name) | query).hint(OF_RANGES) for name in sorted(wanted.entities))
            cursors = [one_by_one, *in_ranges]
        else:
            cursors = [self._cursor(query)]
        try:
            async for document in self._merged(cursors):
                yield document
        finally:
            for cursor in cursors:
                await cursor.close()

    async def _merged(self, cursors: Sequence[Any]) -> AsyncIterator[Document]:
        heads = [await self._next(cursor) for cursor in cursors]
        while there := [(head[RECORDED], at, head) for at, head in enumerate(heads) if head is not None]:
            _, newest, document = max(there, key=itemgetter(0))
            yield document
            heads[newest] = await self._next(cursors[newest])

    def _cursor(self, query: Document) -> Any:
        return self._blocks.find(query, _READ, batch_size=_AT_ONCE).sort(RECORDED, -1)

    @translated
    async def _next(self, cursor: Any) -> Document | None:
        return await anext(cursor, None)


def _query(wanted: Wanted) -> Document:
    """Return the condition of the terms, but for the resources."""
    values = {name: getattr(wanted, name) for name in ("patients", "agents", "statuses")}
    return {name: {"$in": sorted(among)} for name, among in values.items() if among}


def _bounds(wanted: Wanted, after: tuple[datetime, str] | None) -> Document:
    """Return the condition of the moment."""
    ends = [moment for moment in (wanted.until, after and after[0]) if moment is not None]
    bounds = {"$gte": wanted.since, "$lte": min(ends, default=None)}
    given = {operator: moment for operator, moment in bounds.items() if moment is not None}
    return {RECORDED: given} if given else {}


def _place(recorded: datetime, name: str) -> tuple[datetime, str, int]:
    block, _, position = name.rpartition("-")
    return recorded, block, int(position)


def _events_in(document: Document) -> Iterator[Recorded]:
    block, recorded = document["_id"], document[RECORDED]
    whos, whats = document["who"].split(b"\n"), document["what"].split(b"\n")
    for position, (who, what) in enumerate(zip(whos, whats, strict=True)):
        happened = happened_in(Parts(who, rest_of(what)))
        yield Recorded(event_id(block, position), recorded, happened, is_erased(what))
