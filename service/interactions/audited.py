"""The AuditEvents of the service, to be read and searched (https://hl7.org/fhir/R4/auditevent.html).

They are kept as blocks, of which a search looks into those in which there may be something: each event there is made a
resource, indexed and matched as any other. So a search is bounded by time, not by what it goes by.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from service.fhir import json
from service.fhir.datetimes import microseconds, moment_of
from service.fhir.outcome import Issue, OutcomeError
from service.fhir.reference import Addresses
from service.fhir.touched import Touched
from service.interactions.audit_wanted import ids_of, may_be, wanted_of
from service.search.index import Indexer
from service.search.memory import holds
from service.search.predicate import NOTHING, Predicate
from service.search.source import Source
from service.security.access import UNLIMITED, Access
from service.security.audit import Recorded
from service.security.audit_event import TYPE, AuditEvents, seen_by
from service.security.audit_terms import patients_of
from service.store.audit_reading import AuditReading
from service.store.pages import page_of
from service.store.place import Place

_AT_A_TIME = 50
"""Events that are looked at in one go."""


@dataclass(frozen=True)
class AuditEvent:
    """An event as a resource."""

    event: Recorded
    content: dict[str, Any]
    type: str = TYPE

    @property
    def id(self) -> str:
        """The logical id."""
        return self.event.id

    @cached_property
    def body(self) -> bytes:
        """The JSON text."""
        return json.dump(self.content)

    @property
    def recorded(self) -> datetime:
        """When it was recorded, which is when it last changed."""
        return self.event.recorded

    @property
    def touched(self) -> tuple[Touched, ...]:
        """What the audit says where it is disclosed; an event is about somebody where it is about nobody else."""
        people = patients_of(self.event.happened)
        return (Touched(TYPE, self.id, 1, people.pop() if len(people) == 1 else None),)


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Matches of a search, and the place of the last one where more follow."""

    matches: list[AuditEvent]
    after: Place | None
    before: None = None
    moment: None = None


@dataclass(frozen=True)
class Audited:
    """What a client with this ``access`` sees of the audit; searched as a store is, the newest first."""

    reading: AuditReading
    writer: AuditEvents
    indexer: Indexer
    addresses: Addresses
    seconds: float
    """How long a search may take."""
    access: Access = UNLIMITED

    def seen_by(self, access: Access) -> "Audited":
        """Return what a client with ``access`` sees."""
        return replace(self, access=access)

    async def read(self, event_id: str) -> AuditEvent | None:
        """Return the event with this id, or None where there is none that the client may read."""
        event = await self.reading.read(event_id)
        return None if event is None else self._shown(event, self.access.seen("r", TYPE))

    async def search(
        self, sources: Sequence[Source], count: int, place: Place | None = None, *, at: None = None
    ) -> AuditPage:
        """Return at most ``count`` matches, from ``place`` on; what is recorded never changes.

        Raises OutcomeError 503 where it takes too long.
        """
        found: list[AuditEvent] = []
        async with self._in_time(), aclosing(self._matches(sources, place)) as matches:
            async for event in matches:
                found.append(event)
                if len(found) > count:
                    break
        page, _, after = page_of(found, count, place, _place_of)
        return AuditPage(page, after)

    async def count(self, sources: Sequence[Source], *, at: None = None) -> int:
        """Return how many events match; raises as ``search`` does."""
        number = 0
        async with self._in_time(), aclosing(self._matches(sources, None)) as matches:
            async for _ in matches:
                number += 1
        return number

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.seconds):
                yield
        except TimeoutError:
            raise _too_costly() from None

    async def _matches(self, sources: Sequence[Source], place: Place | None) -> AsyncGenerator[AuditEvent]:
        (source,) = sources
        visible = self.access.seen("s", TYPE)
        async with aclosing(self._candidates(source.predicate, visible, place)) as candidates:
            async for event in candidates:
                shown = self._shown(event, visible)
                if shown and holds(source.predicate, self._document(shown)):
                    yield shown

    async def _candidates(
        self, asked: Predicate, visible: Predicate | None, place: Place | None
    ) -> AsyncGenerator[Recorded]:
        """Yield the events that may match, the newest first; now and then others have their turn."""
        after = (moment_of(place.values[0]), str(place.values[1])) if place else None
        wanted = wanted_of(asked, self.addresses.bases)
        if visible is not None:
            limits = wanted_of(visible, self.addresses.bases)
            wanted = replace(wanted, patients=limits.patients or wanted.patients)
        ids = ids_of(asked)
        events = self.reading.events(wanted, after) if ids is None else self._named(ids, after)
        number = 0
        async with aclosing(events) as found:
            async for event in found:
                number += 1
                if number % _AT_A_TIME == 0:
                    await asyncio.sleep(0)  # which is where a search ends whose time is up
                if may_be(event, wanted):
                    yield event

    async def _named(self, ids: Iterable[str], after: tuple[datetime, str] | None) -> AsyncGenerator[Recorded]:
        found = [event for name in ids if (event := await self.reading.read(name))]
        for event in sorted(found, key=_order, reverse=True):
            if after is None or _order(event) < _order_of(*after):
                yield event

    def _shown(self, event: Recorded, visible: Predicate | None) -> AuditEvent | None:
        """Return what the client sees of an event where ``visible`` holds for the whole of it, or None."""
        whole = AuditEvent(event, self.writer.resource(event))
        if visible is None:
            return whole
        if visible == NOTHING or not holds(visible, self._document(whole)):
            return None
        person = self.access.patients
        if person is None:
            return whole
        part = seen_by(person, event)
        return AuditEvent(part, self.writer.resource(part, is_redacted=True))

    def _document(self, event: AuditEvent) -> dict[str, Any]:
        return {"_id": event.id, **self.indexer(event.content)}


def _place_of(event: AuditEvent, backward: bool) -> Place:
    return Place((microseconds(event.recorded), event.id), backward=backward)


def _order(event: Recorded) -> tuple[datetime, str, int]:
    return _order_of(event.recorded, event.id)


def _order_of(recorded: datetime, event_id: str) -> tuple[datetime, str, int]:
    block, _, position = event_id.rpartition("-")
    return recorded, block, int(position)


def _too_costly() -> OutcomeError:
    sentence = (
        "The search was stopped because it takes too long: the audit is looked up by patient, entity, agent and date; "
        "name one of the first three, or a shorter time, and leave out _total"
    )
    return OutcomeError(Issue("search-too-costly", sentence))
