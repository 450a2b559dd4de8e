"""Transactions of the database, tried again where others touch the same records.

https://www.mongodb.com/docs/manual/core/transactions-in-applications/
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from pymongo.errors import PyMongoError

from service.store import faults
from service.store.driver import Driver

T = TypeVar("T")

TRANSACTION_SECONDS = 10.0
"""How long a transaction is tried again."""
LONGEST_ATTEMPT = faults.LONGEST_WRITE - 2.0
"""How long one try may take until it is committed: the moment that its versions carry is that of its beginning."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.002, 0.2


class Transactions:
    """Runs transactions; those of one process that have to run again do so one after the other.

    All at once, they would only stand in each other's way, and in the way of the one that gets through.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._turn = asyncio.Lock()

    async def run(self, attempt: Callable[[Any], Awaitable[T]]) -> T:
        """Return what ``attempt`` returns, having committed what it reads and writes in the session that it is given.

        After TRANSACTION_SECONDS of conflicts OutcomeError 409 is raised. An error of ``attempt`` undoes everything.
        """
        deadline, pause = time.monotonic() + TRANSACTION_SECONDS, _FIRST_PAUSE
        turn: asyncio.Lock | None = None
        async with self._driver.session() as session:
            while True:
                async with _in_turn(turn, deadline):
                    try:
                        return await self._attempt(attempt, session, deadline)
                    except faults.DATABASE_ERRORS as error:
                        again, _ = faults.labels(error)
                        if not again or time.monotonic() > deadline:
                            raise faults.as_outcome(error) from error
                await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 - spreads the retries
                pause, turn = min(pause * 2, _LONGEST_PAUSE), self._turn

    async def _attempt(self, attempt: Callable[[Any], Awaitable[T]], session: Any, deadline: float) -> T:
        begin = time.monotonic()
        await self._driver.start_transaction(session)
        try:
            result = await attempt(session)
            if time.monotonic() - begin > LONGEST_ATTEMPT:
                raise faults.unavailable()
            await _commit(session, deadline)
        except BaseException:
            if session.in_transaction:
                await session.abort_transaction()
            raise
        return result


@asynccontextmanager
async def _in_turn(turn: asyncio.Lock | None, deadline: float) -> AsyncIterator[None]:
    """Hold ``turn``, if there is one; raises OutcomeError 409 where it does not come before the ``deadline``."""
    if turn is None:
        yield
        return
    try:
        await asyncio.wait_for(turn.acquire(), deadline - time.monotonic())
    except TimeoutError:
        raise faults.conflict() from None
    try:
        yield
    finally:
        turn.release()


async def _commit(session: Any, deadline: float) -> None:
    while True:
        try:
            await session.commit_transaction()
            return
        except PyMongoError as error:
            _, unknown = faults.labels(error)
            if not unknown or time.monotonic() > deadline:
                raise
