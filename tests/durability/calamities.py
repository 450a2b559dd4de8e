"""What goes wrong at random while clients are at work: primaries step down, processes are killed, connections break."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from tests.durability.sequence import Weather
from tests.support.processes import Processes
from tests.support.three_nodes import ThreeNodes

PAUSES = (0.2, 1.0)
"""Seconds of quiet between two calamities."""
WRITES = ("insert", "update", "commitTransaction")


class Calamities:
    """One after the other, each kind once and then in an order that chance gives; ``happened`` counts them by name."""

    def __init__(
        self,
        nodes: ThreeNodes,
        processes: Processes,
        chance: random.Random,
        weather: Weather,
        kinds: Sequence["Calamity"] | None = None,
    ) -> None:
        self.happened: Counter[str] = Counter()
        self._nodes = nodes
        self._processes = processes
        self._chance = chance
        self._weather = weather
        self._kinds = list(kinds or KINDS)

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Let them happen until the end of the block, and then wait until all is well again."""
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:  # which ends the block where one of them fails
            group.create_task(self._happen(over))
            try:
                yield
            finally:
                over.set()

    async def _happen(self, over: asyncio.Event) -> None:
        ending = asyncio.create_task(over.wait())
        self._chance.shuffle(self._kinds)
        coming = list(self._kinds)
        while not over.is_set():
            calamity = coming.pop() if coming else self._chance.choice(self._kinds)
            await calamity(self)
            self.happened[calamity.__name__] += 1
            await asyncio.wait({ending}, timeout=self._chance.uniform(*PAUSES))

    async def primary_steps_down(self) -> None:
        """The primary hands over."""
        async with self._storm():
            await self._nodes.step_down()

    async def primary_dies(self) -> None:
        """The primary is killed, and comes back as a secondary."""
        async with self._storm():
            await self._nodes.lose_primary()

    async def process_is_killed(self) -> None:
        """A process of the service is killed and started again."""
        number = self._chance.randrange(2)
        self._processes.kill(number)
        await self._processes.start_again(number)

    async def connections_break(self) -> None:
        """The database closes the connection on a few writes, before they are carried out."""
        await self._fail(closeConnection=True)

    async def answers_are_lost(self) -> None:
        """A few writes are carried out, and the database says that it does not know whether they last."""
        # Not of inserts: those of a transaction have no write concern of their own that could fail.
        await self._fail("update", "commitTransaction", writeConcernError={"code": 64, "errmsg": "injected"})

    async def transactions_are_undone(self) -> None:
        """A few transactions are not committed but undone, and may be tried again."""
        await self._fail("commitTransaction", errorCode=251, errorLabels=["TransientTransactionError"])

    async def _fail(self, *commands: str, **how: object) -> None:
        async with self._nodes.failing(*(commands or WRITES), times=self._chance.randint(1, 4), **how):
            await asyncio.sleep(self._chance.uniform(0.05, 0.3))

    @asynccontextmanager
    async def _storm(self) -> AsyncIterator[None]:
        self._weather.storms, self._weather.stormy = self._weather.storms + 1, True
        try:
            yield
        finally:
            self._weather.stormy = False


Calamity = Callable[[Calamities], Awaitable[None]]
KINDS: tuple[Calamity, ...] = (
    Calamities.primary_steps_down,
    Calamities.primary_dies,
    Calamities.process_is_killed,
    Calamities.connections_break,
    Calamities.answers_are_lost,
    Calamities.transactions_are_undone,
)
