"""What is kept of a Subscription beside the resource: for whom, with which secrets, and how far its delivery is.

A worker that delivers holds the subscriber by a lease, and keeps how far it is on condition that the lease is still its
own and that no client has written the Subscription since. Leases and pauses go by the clock of the database.
"""

import uuid
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pymongo import ReturnDocument
from pymongo.errors import ExecutionTimeout

from service.security.client import Client
from service.store.driver import Document, Driver
from service.store.open import FOLLOWING, NOTIFICATIONS, SUBSCRIBERS

LEASE = 15.0
"""Seconds after which a subscriber whose worker keeps nothing any more is another worker's to take."""
_ORDERS = "orders"
_STANDING = {"status": 1, "trying": 1}
_MOST_TRIED = 16
_HELD = 500
"""Milliseconds after which a subscriber that cannot be claimed is left for the next time."""
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_FRESH: Document = {"number": 0, "reached": "", "rung": 0, "trying": None, "holder": None, "renewed": _NEVER}


class LostLeaseError(Exception):
    """The subscriber is no longer this worker's, or its Subscription was written by a client."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a client asks for by the Subscription that it wrote."""

    client: Client
    """With whose access it is delivered."""
    base: str
    """The address by which that client calls this service."""
    criteria: str
    endpoint: str
    has_payload: bool
    end: datetime | None
    headers: tuple[tuple[str, str], ...] = field(repr=False)

    def to_document(self) -> Document:
        """Return the order as the database holds it."""
        plain = {name: getattr(self, name) for name in ("base", "criteria", "endpoint", "has_payload", "end")}
        return {**plain, "client": self.client.to_json(), "headers": [list(header) for header in self.headers]}

    @classmethod
    def from_document(cls, document: Document) -> "Order":
        """Return the order that ``to_document`` was called on."""
        headers = tuple((name, value) for name, value in document["headers"])
        return cls(**{**document, "client": Client.from_json(document["client"]), "headers": headers})


class Trying(NamedTuple):
    """A notification that has its number and was perhaps received, but not acknowledged."""

    place: str
    number: int


@dataclass(slots=True)
class Subscriber:
    """A subscriber as it stood when it was read; whoever holds it writes here what is then kept."""

    id: str
    """The id of the Subscription."""
    revision: int
    """How often clients have written it."""
    order: Order
    since: Any
    """The time of the database after which a version has to be committed to be told of."""
    status: str
    greeted: bool
    """Whether the receiver has answered the first ping."""
    number: int
    """That of the last event that was acknowledged."""
    reached: str
    """The place of the last of its notifications that is done with."""
    rung: int
    """How often it was called, because there is something to tell."""
    trying: Trying | None
    tries: int
    """Deliveries that failed one after the other."""
    failing: datetime | None
    """Since when they do."""
    sent: datetime | None
    """When the receiver answered last."""


_KEPT = ("status", "greeted", "number", "reached", "trying", "tries", "failing", "sent")


class Subscribers:
    """The subscribers of all workers; within ``session`` what is written is part of that transaction."""

    def __init__(self, driver: Driver, session: Any = None) -> None:
        self._driver = driver
        self._session = session
        self._worker = uuid.uuid4().hex
        self._documents = driver.collection(SUBSCRIBERS)

    async def moment(self) -> Any:
        """Return the time of the database: whatever is committed from now on has a later one."""
        return (await self._driver.command({"ping": 1}, None))["operationTime"]

    async def headers_of(self, subscription: str) -> dict[str, str]:
        """Return the headers, by names in lower case, that a subscription has."""
        found = await self._documents.find_one({"_id": subscription}, {"order.headers": 1}, session=self._session)
        order = (found or {}).get("order")
        return {name.lower(): value for name, value in order["headers"]} if order else {}

    async def place(self, subscription: str, order: Order, status: str, moment: Any) -> None:
        """Keep what a client has asked for; one that was off begins anew at ``moment``."""
        found = await self._documents.find_one({"_id": subscription}, _STANDING, session=self._session)
        begins = found is None or found["status"] == "off"
        wanted: Document = {"order": order.to_document(), "status": status, "greeted": False}
        wanted |= {"tries": 0, "failing": None, "sent": None, **({"since": moment} if begins else {})}
        wanted |= {"due": None, **_settled(found)} if status == "off" else {}
        change: Document = {"$set": wanted, "$inc": {"revision": 1}, "$setOnInsert": _fresh(wanted)}
        if status == "off" or begins:
            await self._forget(subscription)
        if status != "off":
            change["$currentDate"] = {"due": True}
        await self._documents.update_one({"_id": subscription}, change, upsert=True, session=self._session)
        await self.count_order()

    async def end(self, subscription: str) -> None:
        """Forget all of a subscription but its numbers, which go on should its id be used again."""
        found = await self._documents.find_one({"_id": subscription}, _STANDING, session=self._session)
        gone = {"status": "off", "order": None, "due": None, **_settled(found)}
        change: Document = {"$set": gone, "$inc": {"revision": 1}}
        await self._documents.update_one({"_id": subscription}, change, session=self._session)
        await self._forget(subscription)
        await self.count_order()

    async def _forget(self, subscription: str) -> None:
        await self._driver.collection(NOTIFICATIONS).delete_many({"subscriber": subscription}, session=self._session)

    async def count_order(self) -> None:
        """Let those who follow the changes know that somebody else is to be told of them."""
        query, change = {"_id": _ORDERS}, {"$inc": {"times": 1}}
        await self._driver.collection(FOLLOWING).update_one(query, change, upsert=True, session=self._session)

    async def orders(self) -> int:
        """Return how often it has changed who is to be told of changes."""
        found = await self._driver.collection(FOLLOWING).find_one({"_id": _ORDERS})
        return int(found["times"]) if found else 0

    async def awake(self) -> list[Subscriber]:
        """Return all subscribers that are not off."""
        return [_read(document) async for document in self._documents.find({"status": {"$ne": "off"}})]

    async def ring(self, subscriptions: Iterable[str]) -> None:
        """Let subscribers be served soon, those whose receivers fail when their pause is over."""
        now = {"$cond": [{"$gt": ["$tries", 0]}, "$due", "$$NOW"]}
        change = [{"$set": {"rung": {"$add": ["$rung", 1]}, "due": now}}]
        query = {"_id": {"$in": [*subscriptions]}, "status": {"$ne": "off"}}
        await self._documents.update_many(query, change)

    async def claim(self, but: Collection[str] = ()) -> "Lease | None":
        """Return a lease on the subscriber that waits longest to be served, or None where none does.

        Left out are those that this worker serves already; a lease of its own that it could not give back is none.
        """
        lapsed = {"$lt": ["$renewed", {"$subtract": ["$$NOW", int(LEASE * 1000)]}]}
        is_free = {"$or": [{"$eq": ["$holder", self._worker]}, lapsed]}
        free: Document = {"due": {"$type": "date"}, "$expr": {"$and": [{"$lte": ["$due", "$$NOW"]}, is_free]}}
        others = {"_id": {"$nin": [*but]}}
        waiting = self._documents.find(others | free, {"_id": 1}, sort=[("due", 1)], limit=_MOST_TRIED)
        change = {"$set": {"holder": self._worker}, "$currentDate": {"renewed": True}}
        async for each in waiting:
            with suppress(ExecutionTimeout):  # a write that was broken off holds it, which is no other's matter
                found = await self._documents.find_one_and_update(
                    {**each, **free}, change, return_document=ReturnDocument.AFTER, maxTimeMS=_HELD
                )
                if found is not None:
                    return Lease(self._documents, _read(found), self._worker)
        return None


class Lease:
    """The right to serve a subscriber; raises LostLeaseError where that is lost."""

    def __init__(self, documents: Any, subscriber: Subscriber, holder: str) -> None:
        self._documents = documents
        self._holder = holder
        self.subscriber = subscriber

    @property
    def _query(self) -> Document:
        held = self.subscriber
        return {"_id": held.id, "holder": self._holder, "revision": held.revision}

    async def keep(self, session: Any = None) -> None:
        """Keep how far the subscriber is, and hold it for LEASE seconds more."""
        change = {"$set": _kept(self.subscriber), "$currentDate": {"renewed": True}}
        result = await self._documents.update_one(self._query, change, session=session)
        if result.matched_count == 0:
            raise LostLeaseError

    async def rest(self, seconds: float) -> bool:
        """Leave the subscriber until so many seconds have passed; or return False, where it was called meanwhile."""
        return await self._leave(seconds, {"rung": self.subscriber.rung})

    async def pause(self, seconds: float | None) -> None:
        """Leave the subscriber until so many seconds have passed, for ever where None, whatever there is to tell."""
        await self._leave(seconds, {})

    async def _leave(self, seconds: float | None, condition: Document) -> bool:
        due = None if seconds is None else {"$add": ["$$NOW", int(seconds * 1000)]}
        kept = {name: {"$literal": value} for name, value in _kept(self.subscriber).items()}
        change = [{"$set": {**kept, "holder": None, "renewed": _NEVER, "due": due}}]
        result = await self._documents.update_one({**self._query, **condition}, change)
        if result.matched_count:
            return True
        found = await self._documents.find_one(self._query, {"rung": 1})
        if found is None:
            raise LostLeaseError
        self.subscriber.rung = found["rung"]
        return False

    async def release(self) -> None:
        """Leave the subscriber to whoever takes it next, as it was kept last."""
        query, change = {"_id": self.subscriber.id, "holder": self._holder}, {"holder": None, "renewed": _NEVER}
        await self._documents.update_one(query, {"$set": change})


def _settled(found: Document | None) -> Document:
    """Return the numbers of a subscriber who gets nothing more: one that was perhaps received is not used again."""
    trying = (found or {}).get("trying")
    return {"trying": None, **({"number": trying[1]} if trying else {})}


def _fresh(beside: Document) -> Document:
    """Return what a new subscriber has, ``beside`` what it is given."""
    return {name: value for name, value in _FRESH.items() if name not in beside}


def _kept(subscriber: Subscriber) -> Document:
    kept = {name: getattr(subscriber, name) for name in _KEPT}
    return {**kept, "trying": list(subscriber.trying) if subscriber.trying else None}


def _read(document: Document) -> Subscriber:
    plain = {name: document[name] for name in (*_KEPT, "revision", "since", "rung")}
    trying = Trying(*document["trying"]) if document["trying"] else None
    return Subscriber(id=document["_id"], order=Order.from_document(document["order"]), **{**plain, "trying": trying})
