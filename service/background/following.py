"""Which versions which subscribers are to be told of: one worker follows the changes and notes it for all.

What is noted stays until it is delivered, however long a receiver fails, and however far the log of the database
reaches back.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from service.fhir.outcome import OutcomeError
from service.interactions.subscription.criteria import Criteria, read_criteria
from service.search.memory import Document, holds
from service.search.request import SearchParser
from service.store.changes import Change, Changes, Feed, PlaceLostError
from service.store.document import Stored
from service.store.faults import DATABASE_ERRORS
from service.store.notifications import MARGIN, Following, Notifications
from service.store.subscribers import LEASE, LostLeaseError, Subscriber, Subscribers

POLL = 0.5
"""Seconds between looks whether there is anybody to follow the changes for, and whether another worker does."""
_TIDY = 60.0
"""Seconds between removals of what was delivered long ago."""

log = logging.getLogger(__name__)


class Audience:
    """The subscribers that are not off, with their criteria, as clients have written them last."""

    def __init__(self, subscribers: Subscribers, parser: SearchParser, types: Collection[str]) -> None:
        self._subscribers = subscribers
        self._parser = parser
        self._types = types
        self._orders = -1
        self._all: list[tuple[Subscriber, Criteria]] = []

    async def look(self) -> bool:
        """Find out who there is now, and return whether that is anybody."""
        orders = await self._subscribers.orders()
        if orders != self._orders:
            everybody = await self._subscribers.awake()
            self._all = [(each, found) for each in everybody if (found := self._criteria(each)) is not None]
            self._orders = orders
        return bool(self._all)

    @property
    def since(self) -> Any:
        """The time of the database from which on somebody is to be told of changes."""
        return min(each.since for each, _ in self._all)

    def interested_in(
        self, changes: Iterable[Change], document_of: Callable[[Stored], Document]
    ) -> list[tuple[str, Change]]:
        """Return who is to be told of which change, in the order of ``changes``."""
        found: list[tuple[str, Change]] = []
        for change in changes:
            asking = [
                (subscriber, criteria)
                for subscriber, criteria in self._all
                if criteria.type == change.version.type and _comes_later(change, subscriber.since)
            ]
            document = document_of(change.version) if asking else {}
            found += [(each.id, change) for each, criteria in asking if holds(criteria.predicate, document)]
        return found

    def _criteria(self, subscriber: Subscriber) -> Criteria | None:
        """Return the criteria of a subscriber; who delivers finds out where they cannot be read any more."""
        try:
            return read_criteria(subscriber.order.criteria, subscriber.order.base, self._parser, self._types)
        except OutcomeError:
            return None


class Follower:
    """Follows the changes for all workers, as long as no other one does."""

    def __init__(
        self,
        changes: Changes,
        notifications: Notifications,
        subscribers: Subscribers,
        audience: Audience,
        rung: asyncio.Event,
    ) -> None:
        self._changes = changes
        self._notifications = notifications
        self._subscribers = subscribers
        self._audience = audience
        self._rung = rung
        """Set where subscribers of any worker have something to be told of."""

    async def run(self) -> None:
        """Follow the changes until cancelled."""
        while True:
            try:
                if await self._audience.look() and (place := await self._notifications.follow()) is not None:
                    await self._follow(place)
            except LostLeaseError:
                log.info("subscriptions: another worker follows the changes")
            except (OutcomeError, *DATABASE_ERRORS) as error:
                log.warning("subscriptions: the database failed: %s", type(error).__name__)
            except Exception:
                log.exception("subscriptions: the changes could not be followed, which is tried again")
            await asyncio.sleep(POLL)

    async def _follow(self, place: Following) -> None:
        try:
            everybody = await self._subscribers.awake()
            await self._ring(each.id for each in everybody)  # who followed before may have ended before it did so
            try:
                async with self._changes.after(place.token, self._audience.since) as feed:
                    await self._take(feed, place)
            except PlaceLostError as error:
                await self._catch_up(place, error)
        finally:
            await self._notifications.leave(place)

    async def _catch_up(self, place: Following, why: PlaceLostError) -> None:
        """Go on from the collections, where the log of the database cannot be gone on with."""
        since = max(place.at, _moment(self._audience.since)) - MARGIN
        log.warning("subscriptions: %s; what was stored since %s is read from the collections", why, since.isoformat())
        moment, begun = await self._subscribers.moment(), datetime.now(UTC)
        async with self._changes.after(moment=moment) as feed:
            async for changes in self._changes.written_since(since, moment):
                await self._notifications.renew(place)
                await self._audience.look()
                await self._note(changes)
            place.at = begun
            log.warning("subscriptions: all that was stored since was read from the collections")
            await self._take(feed, place)

    async def _take(self, feed: Feed, place: Following) -> None:
        """Note what comes, until nobody is to be told any more."""
        renewed = tidied = time.monotonic()
        while True:
            changes, place.token = await feed.batch()
            place.at = _moment(changes[-1].moment) if changes else datetime.now(UTC)
            if not await self._audience.look():  # after the batch, so that whoever came before it is known
                place.token = None
                await self._notifications.keep(place)
                return
            now = time.monotonic()
            if await self._note(changes) or now - renewed > LEASE / 3:
                renewed = now
                await self._notifications.keep(place)
            if now - tidied > _TIDY:
                tidied = now
                await self._notifications.forget_done(await self._subscribers.awake(), place)

    async def _note(self, changes: list[Change]) -> bool:
        """Note who is to be told of what, and call them; return whether that was anybody."""
        wanted = self._audience.interested_in(changes, self._changes.document)
        if wanted:
            await self._notifications.note(wanted)
            await self._ring(dict.fromkeys(subscriber for subscriber, _ in wanted))
        return bool(wanted)

    async def _ring(self, subscriptions: Iterable[str]) -> None:
        await self._subscribers.ring(subscriptions)
        self._rung.set()


def _moment(time_of_database: Any) -> datetime:
    """Return a time of the database in whole seconds."""
    moment: datetime = time_of_database.as_datetime()
    return moment


def _comes_later(change: Change, since: Any) -> bool:
    if change.moment is None:
        return change.version.last_updated >= _moment(since)
    return bool(change.moment > since)
