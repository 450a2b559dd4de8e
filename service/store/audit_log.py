"""The durable log of what happened: blocks of events, by group commit."""

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime

from pymongo.errors import DuplicateKeyError

from service.security.audit import Happened, Parts, parts_of
from service.security.audit_split import split
from service.security.chain import FIRST_PREVIOUS, Block, Seals
from service.store.audit_block import AUDIT, WRITERS, Terms, document_of, milliseconds
from service.store.audit_heads import Heads
from service.store.driver import Driver
from service.store.faults import DATABASE_ERRORS, unavailable

PATIENCE = 15.0
"""Seconds after which an answer whose event is not durable is given up; the event goes on being tried."""
DRAIN = 10.0
"""Seconds that the end of the service waits for the last events."""
MOST_WAITING = 20_000
MOST_BYTES = 100_000_000
"""Events that wait for a database that does not answer, and their bytes; beyond that requests are refused at once."""
FULL_EVENTS = 4_000
FULL_BYTES = 6_000_000
"""When a block is full: 8 MB and more are never reached, since one event has at most half a megabyte."""
_ENTITY_BYTES = 60
_PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds between tries; the last is repeated."""

log = logging.getLogger(__name__)


class _Filling:
    """A block that events are still added to, and those who wait for it."""

    def __init__(self) -> None:
        self.events: list[Parts] = []
        self.terms = Terms()
        self.waiters: list[asyncio.Future[None]] = []
        self.size = 0
        self.is_sealed = False
        self.patience: asyncio.TimerHandle | None = None

    @property
    def takes_more(self) -> bool:
        return not self.is_sealed and len(self.events) < FULL_EVENTS and self.size < FULL_BYTES

    def add(self, happened: Happened) -> int:
        """Add an event, and return how much larger that makes the block."""
        parts = parts_of(happened)
        self.events.append(parts)
        self.terms.add(happened)
        size = len(parts.who) + len(parts.what) + _ENTITY_BYTES * len(happened.touched)
        self.size += size
        return size

    def succeeded(self) -> None:
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)

    def failed(self) -> None:
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_exception(unavailable())


class AuditLog:
    """The log of one writer: of one process from the first event to the last."""

    def __init__(self, driver: Driver, seals: Seals, heads: Heads, clock: Callable[[], datetime]) -> None:
        self._driver = driver
        self._seals = seals
        self._heads = heads
        self._clock = clock
        self._blocks: deque[_Filling] = deque()
        self._waiting = self._bytes = 0
        self._writing: asyncio.Task[None] | None = None
        self._is_closed = False
        self._begin_writer()

    def _begin_writer(self) -> None:
        self._writer = f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(4)}"
        self._number = 0
        self._recorded = 0
        self._previous = FIRST_PREVIOUS

    @property
    def waiting(self) -> int:
        """How many events are not durable yet."""
        return self._waiting

    async def record(self, happened: Happened) -> None:
        """Return when the event is durable: on a majority of the servers, in their journals.

        Raises OutcomeError 503 where that takes longer than PATIENCE, or where too many events wait for it.
        """
        if self._is_closed or self._waiting >= MOST_WAITING or self._bytes >= MOST_BYTES:
            raise unavailable()
        loop = asyncio.get_running_loop()
        for event in split(happened):
            block = self._to_fill(loop)
            self._bytes += block.add(event)
            self._waiting += 1
        waiter: asyncio.Future[None] = loop.create_future()
        block.waiters.append(waiter)
        if self._writing is None:
            self._writing = loop.create_task(self._write())
        await waiter

    async def close(self) -> None:
        """Return when all events are durable, or DRAIN seconds have passed."""
        self._is_closed = True
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=DRAIN)
        if self._writing is not None:
            self._writing.cancel()
            for block in self._blocks:
                block.failed()
            log.error("audit: %s events were not recorded before the end", self._waiting)
        self._heads.close()

    def _to_fill(self, loop: asyncio.AbstractEventLoop) -> _Filling:
        if not self._blocks or not self._blocks[-1].takes_more:
            block = _Filling()
            block.patience = loop.call_later(PATIENCE, block.failed)
            self._blocks.append(block)
        return self._blocks[-1]

    async def _write(self) -> None:
        """Make block after block durable, until none is left."""
        try:
            while self._blocks:
                filled = self._blocks[0]
                filled.is_sealed = True
                await self._write_block(filled)
                self._blocks.popleft()
                self._waiting -= len(filled.events)
                self._bytes -= filled.size
                if filled.patience:
                    filled.patience.cancel()
                filled.succeeded()
        finally:
            self._writing = None

    async def _write_block(self, filled: _Filling) -> None:
        block = self._sealed(filled)
        tries = 0
        while True:
            try:
                if await self._insert(block, filled.terms):
                    break
                block = self._sealed_by_another(filled)
                continue
            except Exception as error:  # whatever it is, nothing is answered that is not recorded
                if tries % 20 == 0:
                    fault = None if isinstance(error, DATABASE_ERRORS) else error
                    log.error(
                        "audit: %s events are not durable yet: %s", self._waiting, type(error).__name__, exc_info=fault
                    )
            await asyncio.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += 1
        self._number, self._recorded, self._previous = block.number, block.recorded, block.mac
        self._heads.note(block)

    def _sealed(self, filled: _Filling) -> Block:
        recorded = max(milliseconds(self._clock()), self._recorded + 1)
        return self._seals.sealed(self._writer, self._number + 1, recorded, filled.events, self._previous)

    def _sealed_by_another(self, filled: _Filling) -> Block:
        log.error("audit: the place of block %s is taken by a forged one; a new chain begins", self._number + 1)
        self._begin_writer()
        return self._sealed(filled)

    async def _insert(self, block: Block, terms: Terms) -> bool:
        """Make a block durable; return False where there is another one in its place."""
        blocks = self._driver.collection(AUDIT)
        try:
            await blocks.insert_one(document_of(block, terms))
        except DuplicateKeyError as error:  # an earlier try, of which it was not known whether it was done
            found = await blocks.find_one({"_id": block.id}, {"mac": 1})
            if found is None:
                raise error  # a majority does not have it yet
            if found.get("mac") != block.mac:
                return False
        if block.number == 1:
            await self._register(block)
        return True

    async def _register(self, first: Block) -> None:
        """Enter this writer in the register, after the last one that is there."""
        register = self._driver.collection(WRITERS)
        while await register.find_one({"writer": first.writer}) is None:
            found = await register.find_one({}, sort=[("_id", -1)])
            number, previous = (found["_id"], found["mac"]) if found else (0, FIRST_PREVIOUS)
            entry = self._seals.registration(number + 1, first.writer, first.mac, previous)
            document = {"_id": entry.number, "writer": entry.writer, "first": entry.first}
            try:
                await register.insert_one({**document, "previous": entry.previous, "mac": entry.mac})
            except DuplicateKeyError:  # another writer was faster
                continue
            return
