"""A reader that looks throughout sees all of a transaction or nothing, whatever happens to service and database."""

import asyncio
import itertools
import random
import time
import uuid

import httpx
import pytest

from tests.durability.calamities import Calamities
from tests.durability.generations import Family
from tests.durability.sequence import Weather
from tests.support.processes import Processes
from tests.support.resources import Json, entry
from tests.support.three_nodes import ThreeNodes

PATIENCE = 300.0
"""Seconds: a machine that does much else may need some of them."""
ENOUGH = 15
"""Generations that each family is to reach at least."""


class Reader:
    """Looks again and again, and keeps what it has seen of a transaction that was half done."""

    def __init__(self) -> None:
        self.halves: list[str] = []
        self.looked = 0

    def note(self, family: Family, how: str, seen: set[int] | None) -> None:
        if seen is None:
            return
        self.looked += 1
        if len(seen) != 1:
            self.halves.append(f"{how} showed {family.name} at {sorted(seen)}")


async def one_generation(family: Family, client: httpx.AsyncClient) -> int | None:
    """Return the generation that one transaction of reads shows, None where there was no answer."""
    seen = await family.seen_by_client(client)
    return min(seen) if seen else None


async def test_a_reader_sees_all_of_a_transaction_or_nothing(nodes: ThreeNodes, processes: Processes) -> None:
    families = [Family(f"{uuid.uuid4().hex[:8]}{number}") for number in range(3)]
    reached = dict.fromkeys(families, 0)
    reader, chance = Reader(), random.Random(1)
    kinds = (Calamities.primary_steps_down, Calamities.process_is_killed, Calamities.connections_break)
    calamities = Calamities(nodes, processes, chance, Weather(), kinds)
    over = asyncio.Event()
    deadline = time.monotonic() + PATIENCE

    def enough() -> bool:
        return min(reached.values()) >= ENOUGH and len(calamities.happened) == len(kinds)

    async with processes.clients() as clients:

        async def write(family: Family) -> None:
            while not enough():
                assert time.monotonic() < deadline, f"{reached} after {dict(calamities.happened)}"
                client = chance.choice(clients)
                generation = await one_generation(family, client)
                if generation is None:
                    continue
                reached[family] = generation
                fails = (entry("GET", "Goal/never-there"),) if chance.random() < 0.3 else ()
                try:
                    answer = await client.post("", json=family.transaction(generation + 1, *fails))
                except httpx.TransportError:
                    continue  # done or not done: the next look tells
                assert answer.status_code in ((404, 503) if fails else (200, 409, 503)), answer.text

        async def look(how: str) -> None:
            stored = nodes.client[processes.database]
            for family in itertools.cycle(families):
                if over.is_set():
                    return
                in_database = how == "the database"
                seen = family.seen_in_database(stored) if in_database else family.seen_by_client(chance.choice(clients))
                reader.note(family, how, await seen)

        async with asyncio.TaskGroup() as readers:
            for how in ("the service", "the database"):
                readers.create_task(look(how))
            try:
                async with calamities.going_on(), asyncio.TaskGroup() as writers:
                    for family in families:
                        writers.create_task(write(family))
            finally:
                over.set()
    assert reader.halves == []
    assert reader.looked > ENOUGH


KILLED_AT = {
    "the copy to history": ("update", "CarePlan_history"),
    "the Provenance": ("insert", "Provenance"),
    "the commit": ("commitTransaction", None),
}
"""The command of a transaction that the service is waiting for when it is killed, and its collection."""


async def test_a_process_that_is_killed_at_any_step_leaves_all_or_nothing_and_a_retry_does_it_once(
    nodes: ThreeNodes, processes: Processes
) -> None:
    families = {step: Family(uuid.uuid4().hex[:8]) for step in KILLED_AT}
    stored = nodes.client[processes.database]
    async with processes.clients() as clients:

        async def retry(family: Family, bundle: Json) -> None:
            answer = await clients[0].post("", json=bundle, headers=key_of(family))
            assert answer.status_code == 200, answer.text
            assert await family.seen_by_client(clients[1]) == await family.seen_in_database(stored) == {2}

        retries = []
        for number, (step, (command, collection)) in enumerate(KILLED_AT.items()):
            family, victim = families[step], number % 2
            first = await clients[victim].post("", json=family.transaction(1))
            assert first.status_code == 200, first.text
            bundle = family.transaction(2)
            where = {"namespace": f"{processes.database}.{collection}"} if collection else {}
            async with nodes.failing(command, blockConnection=True, blockTimeMS=1_000, **where) as point:
                sent = asyncio.create_task(clients[victim].post("", json=bundle, headers=key_of(family)))
                await point.entered()
                processes.kill(victim)
                with pytest.raises(httpx.TransportError):
                    await sent
            assert await family.seen_in_database(stored) in ({1}, {2}), step
            assert await family.seen_by_client(clients[1 - victim]) in ({1}, {2}), step
            await processes.start_again(victim)
            retries.append(retry(family, bundle))
        await asyncio.gather(*retries)  # by and by the database lets go of what was begun


def key_of(family: Family) -> dict[str, str]:
    """Return the header by which a retry is known."""
    return {"Idempotency-Key": f'"{family.name}"'}
