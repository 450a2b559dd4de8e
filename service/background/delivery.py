"""Delivery to the receiver of one subscription: in order, and at least once.

An event has its number before it is sent for the first time, and keeps it: a receiver that has seen a number can leave
out what comes with it again. Each sending of a version is in the audit before it is sent.
"""

import asyncio
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from service.background.receiver import Kind, NotDeliveredError, Notice, Receivers
from service.fhir import json
from service.fhir.outcome import OutcomeError
from service.fhir.touched import Touched
from service.interactions.context import Context
from service.interactions.subscription.criteria import read_criteria
from service.interactions.subscription.writing import TYPE
from service.security.audit import Happened
from service.security.client import Client
from service.store.document import Stored
from service.store.faults import DATABASE_ERRORS, MovedOnError
from service.store.notifications import Notifications, Row
from service.store.subscribers import Lease, LostLeaseError, Subscribers, Trying

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
"""Seconds before a receiver that failed is tried again: twice as many each time, up to so many."""
_PAUSE = 2.0
"""Seconds after which it is gone on with where the service itself failed."""
FAILURES_TOLD = 5
"""Deliveries that fail one after the other before the Subscription has the status error."""
SERVICE = Client(client_id="recovery-plan-service")
"""Who writes the status of a Subscription."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """What deliveries are made with."""

    context: Context
    """Of the service itself, from which nothing is kept."""
    context_of: Callable[[Client], Context]
    subscribers: Subscribers
    notifications: Notifications
    receivers: Receivers
    heartbeat: float
    """Seconds of silence after which a receiver is told that all is well."""
    given_up_after: timedelta
    """For how long a receiver that fails is tried again."""
    rung: asyncio.Event = field(default_factory=asyncio.Event)
    """Set where a subscriber may have been called."""


class Delivery:
    """One subscriber, served until there is nothing more to tell, or its receiver fails."""

    def __init__(self, service: Service, lease: Lease) -> None:
        self._service = service
        self._lease = lease
        self._subscriber = lease.subscriber

    async def run(self) -> None:
        """Serve the subscriber, and leave it with a time at which it is to be served again."""
        try:
            await self._served()
        except LostLeaseError:
            log.info("Subscription/%s: written by a client, or another worker's", self._subscriber.id)
            await self._released()
        except (OutcomeError, *DATABASE_ERRORS) as error:
            log.warning("Subscription/%s waits for the database: %s", self._subscriber.id, type(error).__name__)
            await self._paused()
        except asyncio.CancelledError:
            await self._released()
            raise
        except Exception:  # no other waits for it
            log.exception("Subscription/%s could not be served", self._subscriber.id)
            await self._paused()

    async def _released(self) -> None:
        try:
            await self._lease.release()
        except DATABASE_ERRORS as error:  # then its lease passes
            log.info("Subscription/%s was not released: %s", self._subscriber.id, type(error).__name__)

    async def _paused(self) -> None:
        try:
            await self._lease.pause(_PAUSE)
        except (LostLeaseError, *DATABASE_ERRORS) as error:  # then its lease passes
            log.info("Subscription/%s could not be paused: %s", self._subscriber.id, type(error).__name__)

    async def _served(self) -> None:
        subscriber = self._subscriber
        if subscriber.order.end is not None and subscriber.order.end <= datetime.now(UTC):
            await self._turn_off("It has come to its end")
            return
        try:
            self._check()
            await self._tell_all()
        except NotDeliveredError as error:
            await self._failed(str(error), at_once=isinstance(error, _NotPossibleError))

    def _check(self) -> None:
        """Raise NotDeliveredError where what was asked for is not possible any more."""
        order, context = self._subscriber.order, self._service.context
        if (wrong := context.offer.wrong_with(order.endpoint)) is not None:
            raise _NotPossibleError(wrong)
        try:
            read_criteria(order.criteria, order.base, context.search_parser, context.definitions.stored_types)
        except OutcomeError:
            raise _NotPossibleError("its criteria cannot be read any more, and nothing is noted for it") from None

    async def _tell_all(self) -> None:
        subscriber = self._subscriber
        if not subscriber.greeted:
            await self._ping("handshake")
            subscriber.greeted = True
            if subscriber.status != "active":
                await self._write_status("active")
        while True:
            rows = await self._service.notifications.after(subscriber.id, subscriber.reached)
            for row in rows:
                await self._tell(row)
            if not rows:
                if subscriber.tries or self._silence() >= self._service.heartbeat:
                    await self._ping("heartbeat")
                if await self._lease.rest(self._until_next()):
                    return

    async def _tell(self, row: Row) -> None:
        """Send the version that ``row`` names, unless the client of the subscription may not see it."""
        subscriber, version = self._subscriber, await self._visible(row)
        if subscriber.trying is None or subscriber.trying.place != row.order:
            if version is None:
                subscriber.reached = row.order
                return
            subscriber.trying = Trying(row.order, subscriber.number + 1)
        kind: Kind = "event" if version else "withdrawn"
        notice = Notice(kind, subscriber.trying.number, subscriber.id, version)
        if version is not None:
            await self._disclosed(version)
        await self._lease.keep()
        await self._service.receivers.send(subscriber.order, notice)
        subscriber.number, subscriber.reached, subscriber.trying = notice.number, row.order, None
        await self._acknowledged()

    async def _ping(self, kind: Kind) -> None:
        await self._lease.keep()
        await self._service.receivers.send(
            self._subscriber.order, Notice(kind, self._subscriber.number, self._subscriber.id)
        )
        await self._acknowledged()

    async def _acknowledged(self) -> None:
        subscriber = self._subscriber
        subscriber.sent, subscriber.tries, subscriber.failing = datetime.now(UTC), 0, None
        if subscriber.status == "error":
            await self._write_status("active")

    async def _visible(self, row: Row) -> Stored | None:
        """Return the version that ``row`` names if the client may read and find it, as it stands and as it is now."""
        context = self._service.context_of(self._subscriber.order.client)
        if not context.access.is_limited:
            return await context.store.read_version(row.type, row.id, row.version)
        for name in context.access.types:
            await context.readiness.require(name, context.access.asked_of(name))
        searched = context.store.seen_by(context.access, "s")
        if await searched.read_version(row.type, row.id, row.version) is None:
            return None
        return await context.store.read_version(row.type, row.id, row.version)

    async def _disclosed(self, version: Stored) -> None:
        """Return when it is recorded that a version is sent."""
        order = self._subscriber.order
        host = urlsplit(order.endpoint).hostname or ""
        await self._record(order.client, host, "notification", version.touched)

    async def _record(self, client: Client, address: str, interaction: str, touched: tuple[Touched, ...]) -> None:
        if self._service.context.audit is None:
            return
        await self._service.context.audit.record(
            Happened(
                started=datetime.now(UTC),
                client=client,
                address=address,
                request_id=str(uuid.uuid4()),
                method="PUT" if interaction == "update" or self._subscriber.order.has_payload else "POST",
                interaction=interaction,
                path=f"{TYPE}/{self._subscriber.id}",
                query="",
                entries=(),
                status=200,
                rules=(),
                touched=touched,
            )
        )

    async def _failed(self, why: str, *, at_once: bool) -> None:
        subscriber = self._subscriber
        now = datetime.now(UTC)
        subscriber.tries += 1
        subscriber.failing = subscriber.failing or now
        if now - subscriber.failing > self._service.given_up_after:
            days = self._service.given_up_after / timedelta(days=1)
            await self._turn_off(f"It failed for {days:g} days and is off; the last time {why}")
            return
        if subscriber.status != "error" and (at_once or subscriber.tries >= FAILURES_TOLD):
            since = subscriber.failing.isoformat(timespec="seconds")
            sentence = f"Since {since} {why}; it is tried again, and nothing is left out"
            await self._write_status("error", sentence)
            log.warning("Subscription/%s: %s", subscriber.id, sentence)
        await self._lease.pause(min(FIRST_PAUSE * 2 ** min(subscriber.tries - 1, 30), LONGEST_PAUSE))

    async def _turn_off(self, why: str) -> None:
        if (trying := self._subscriber.trying) is not None:  # its number was perhaps received
            self._subscriber.number, self._subscriber.trying = trying.number, None
        await self._write_status("off", why)
        await self._service.notifications.forget(self._subscriber.id)
        await self._lease.pause(None)
        log.warning("Subscription/%s: %s", self._subscriber.id, why)

    async def _write_status(self, status: str, error: str | None = None) -> None:
        """Store the next version of the Subscription with its ``status``, unless it has that, and keep the status.

        Raises LostLeaseError where a client writes it at the same time: then what that client wants counts.
        """
        store = self._service.context.store
        current = await store.read(TYPE, self._subscriber.id)
        await self._lease.keep()  # as long as it can be kept, no client has written what was read
        if current is None or current.body is None:
            raise LostLeaseError
        before = json.parse(current.body)
        told = {key: value for key, value in before.items() if key != "error"} | {"status": status}
        told |= {"error": error} if error else {}
        if told != before:
            try:
                stored = await store.replace(current, told, "PUT")
            except MovedOnError:
                raise LostLeaseError from None
            await self._record(SERVICE, "", "update", stored.changed)
        self._subscriber.status = status
        await self._lease.keep()
        if status == "off":
            await self._service.subscribers.count_order()

    def _silence(self) -> float:
        sent = self._subscriber.sent
        return float("inf") if sent is None else (datetime.now(UTC) - sent).total_seconds()

    def _until_next(self) -> float:
        """Return the seconds until there is something to do, be it that nothing happens."""
        end = self._subscriber.order.end
        left = self._service.heartbeat - self._silence()
        return max(min(left, (end - datetime.now(UTC)).total_seconds()) if end else left, 0.1)


class _NotPossibleError(NotDeliveredError):
    """What no further attempt mends."""
