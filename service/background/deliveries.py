"""The deliveries of a worker process: it serves the subscribers that no other worker does, each by itself."""

import asyncio
import logging
from functools import partial

from service.background.delivery import Delivery, Service
from service.store.ending import ended
from service.store.faults import DATABASE_ERRORS

AT_ONCE = 64
"""Receivers to which one worker delivers at the same time."""
POLL = 0.5
"""Seconds between looks for subscribers that other workers have called."""

log = logging.getLogger(__name__)


class Deliveries:
    """Serves the subscribers that no other worker does."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Deliver until cancelled; what is under way then is left to other workers at once."""
        try:
            while True:
                try:
                    await self._begin_what_is_due()
                except DATABASE_ERRORS as error:
                    log.warning("subscriptions: the database failed: %s", type(error).__name__)
                await self._called()
        finally:
            await ended([*self._under_way.values()])
            await self._service.receivers.close()

    async def _begin_what_is_due(self) -> None:
        subscribers, under_way = self._service.subscribers, self._under_way
        while len(under_way) < AT_ONCE and (lease := await subscribers.claim(under_way)) is not None:
            subscription = lease.subscriber.id
            under_way[subscription] = asyncio.create_task(Delivery(self._service, lease).run())
            under_way[subscription].add_done_callback(partial(self._ended, subscription))

    def _ended(self, subscription: str, _: asyncio.Task[None]) -> None:
        del self._under_way[subscription]

    async def _called(self) -> None:
        try:
            async with asyncio.timeout(POLL):
                await self._service.rung.wait()
        except TimeoutError:
            return
        self._service.rung.clear()
