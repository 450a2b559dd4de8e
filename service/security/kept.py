"""What another server tells, remembered: fetched once for all who wait, not too often, and kept while it is down."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import httpx

logger = logging.getLogger(__name__)

T = TypeVar("T")

FRESH = 300.0
"""Seconds after which it is asked for again, while what is known goes on being used."""
STALE = 600.0
"""Seconds after which a request waits for the answer, unless the other server is known to be down."""
PAUSE = 10.0
"""Seconds between two attempts, however many ask."""
KEPT = 86_400.0
"""Seconds for which what is known is used while the other server does not answer."""
PATIENCE = 5.0
"""Seconds that a request waits."""


class Kept(Generic[T]):
    """What ``load`` returns, as long as that may be used; ``load`` raises HTTPError, OSError or ValueError."""

    def __init__(
        self, what: str, load: Callable[[], Awaitable[T]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._what = what
        self._load = load
        self._clock = clock
        self._value: T | None = None
        self._loaded = self._tried = float("-inf")
        self._attempt: asyncio.Task[None] | None = None
        self.is_failing = False
        """Whether the last attempt failed."""

    async def value(self) -> T | None:
        """Return what is known, having asked where nothing is; None where it cannot be had."""
        age = self._clock() - self._loaded
        if age > KEPT:
            self._value = None
            await self.refresh()
        elif age > STALE and not self.is_failing:
            await self.refresh()
        elif age > FRESH:
            self._start()  # nobody waits for it
        return self._value

    async def refresh(self) -> None:
        """Ask again unless that was done a moment ago, and wait a little for the answer."""
        attempt = self._start()
        if attempt is not None:
            await asyncio.wait([attempt], timeout=PATIENCE)

    def _start(self) -> asyncio.Task[None] | None:
        """Return the attempt under way, which is a new one where it is time for one."""
        if self._attempt is None and self._clock() - self._tried >= PAUSE:
            self._tried = self._clock()
            self._attempt = asyncio.create_task(self._try())
        return self._attempt

    async def _try(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                self._value = await self._load()
            self._loaded, self.is_failing = self._clock(), False
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:  # TimeoutError is an OSError
            self.is_failing = True
            logger.warning("%s cannot be had: %s", self._what, str(error) or type(error).__name__)
        finally:
            self._attempt = None
