"""What is to be delivered: a row for each version and subscriber, in the order in which versions were committed.

One worker at a time follows the changes, by a lease, and notes rows before it keeps the place after them. What is noted
again, because a worker ended in between or two believed they hold the lease, has the same key and the same order: it
changes nothing. There is no transaction that a worker which is killed could leave open.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pymongo import ReturnDocument, UpdateOne

from service.store.changes import Change
from service.store.driver import Document, Driver
from service.store.open import FOLLOWING, NOTIFICATIONS
from service.store.subscribers import LEASE, LostLeaseError, Subscriber

MARGIN = timedelta(minutes=2)
"""By how much a version can be committed later than it says it was stored, clocks of workers that differ included."""
_PLACE = "place"
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_ROWS = 100


class Row(NamedTuple):
    """That a subscriber is to be told of a version."""

    order: str
    """Its place among all rows."""
    type: str
    id: str
    version: int


@dataclass(slots=True)
class Following:
    """How far the changes were followed, by whom."""

    holder: str
    token: Any
    """The place after the last change, None where nothing was followed yet."""
    at: datetime
    """A time up to which everything was followed, give or take MARGIN."""


class Notifications:
    """The rows of all subscribers, and for one worker at a time the place up to which they are noted."""

    def __init__(self, driver: Driver) -> None:
        self._worker = uuid.uuid4().hex
        self._rows = driver.collection(NOTIFICATIONS)
        self._following = driver.collection(FOLLOWING)

    async def follow(self) -> Following | None:
        """Return the place from which this worker is to follow the changes, or None where another one does."""
        held = {"holder": {"$ne": self._worker}, "$expr": {"$gte": ["$renewed", _lapsed()]}}
        if await self._following.find_one({"_id": _PLACE, **held}, {"_id": 1}) is not None:
            return None  # the usual case where there are several workers, which writes nothing
        fresh = {"token": None, "at": _NEVER, "renewed": _NEVER}
        await self._following.update_one({"_id": _PLACE}, {"$setOnInsert": fresh}, upsert=True)
        free = [{"holder": self._worker}, {"$expr": {"$lt": ["$renewed", _lapsed()]}}]
        found = await self._following.find_one_and_update(
            {"_id": _PLACE, "$or": free},
            {"$set": {"holder": self._worker}, "$currentDate": {"renewed": True}},
            return_document=ReturnDocument.AFTER,
        )
        return Following(self._worker, found["token"], found["at"]) if found else None

    async def leave(self, place: Following) -> None:
        """Let another worker follow the changes at once."""
        query = {"_id": _PLACE, "holder": place.holder}
        await self._following.update_one(query, {"$set": {"holder": None, "renewed": _NEVER}})

    async def note(self, wanted: Sequence[tuple[str, Change]]) -> None:
        """Note a row for each of ``wanted``, a subscriber and a change, unless it has one for that version."""
        rows = [
            UpdateOne({"_id": f"{subscriber} {change.version.location}"}, {"$setOnInsert": row}, upsert=True)
            for subscriber, change in wanted
            for row in [_row(subscriber, change)]
        ]
        await self._rows.bulk_write(rows)

    async def keep(self, place: Following) -> None:
        """Keep ``place``, before which all is noted; raises LostLeaseError where another worker follows the changes."""
        query, kept = {"_id": _PLACE, "holder": place.holder}, {"token": place.token, "at": place.at}
        change = {"$set": kept, "$currentDate": {"renewed": True}}
        if (await self._following.update_one(query, change)).matched_count == 0:
            raise LostLeaseError

    async def renew(self, place: Following) -> None:
        """Go on to hold the changes; raises LostLeaseError where another worker follows them."""
        query = {"_id": _PLACE, "holder": place.holder}
        if (await self._following.update_one(query, {"$currentDate": {"renewed": True}})).matched_count == 0:
            raise LostLeaseError

    async def after(self, subscriber: str, reached: str) -> list[Row]:
        """Return the next rows of a subscriber after the place ``reached``."""
        query = {"subscriber": subscriber, "order": {"$gt": reached}}
        cursor = self._rows.find(query, sort=[("order", 1)], limit=_MOST_ROWS)
        return [Row(each["order"], each["type"], each["id"], each["version"]) async for each in cursor]

    async def forget_done(self, subscribers: Iterable[Subscriber], place: Following) -> None:
        """Remove the rows that are done with, and so old that no version of theirs can be met again."""
        before = place.at - MARGIN
        for each in subscribers:
            query = {"subscriber": each.id, "order": {"$lte": each.reached}, "at": {"$lt": before}}
            await self._rows.delete_many(query)

    async def forget(self, subscriber: str) -> None:
        """Remove all rows of a subscriber."""
        await self._rows.delete_many({"subscriber": subscriber})


def _lapsed() -> Document:
    """Return before when a lease has to be renewed that nobody holds any more, as the database tells it."""
    return {"$subtract": ["$$NOW", int(LEASE * 1000)]}


def _row(subscriber: str, change: Change) -> Document:
    version = change.version
    named = {"type": version.type, "id": version.id, "version": version.version}
    return {"subscriber": subscriber, "order": change.order, "at": version.last_updated, **named}
