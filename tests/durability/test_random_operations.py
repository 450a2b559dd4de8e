"""Clients do random operations while primaries step down and processes are killed: what they are told stays true.

``SEED`` gives the same operations and failures again; how they meet is the machine's choice each time.
"""

import asyncio
import os
import random
import secrets

from tests.durability.calamities import KINDS, Calamities
from tests.durability.clients import Clients
from tests.durability.operations import run
from tests.durability.sequence import Sequence, Weather
from tests.support.processes import Processes
from tests.support.three_nodes import ThreeNodes

SEQUENCES = int(os.environ.get("SEQUENCES", "150"))
"""How many sequences are tried; ``make durability`` tries more."""
SEED = os.environ.get("SEED") or secrets.token_hex(4)
AT_ONCE = 24
IMPATIENCE = 0.03


async def test_what_clients_were_told_stays_true_whatever_happens(nodes: ThreeNodes, processes: Processes) -> None:
    print(f"SEED={SEED} SEQUENCES={SEQUENCES}")
    weather = Weather()
    calamities = Calamities(nodes, processes, random.Random(SEED), weather)
    findings: dict[str, list[str]] = {}
    numbers = iter(range(SEQUENCES))

    async def work() -> None:
        async with processes.clients() as both:  # few connections each: httpx looks at all of them for every request
            for number in numbers:
                name = f"{SEED}-{number}"
                clients = Clients(both, random.Random(name), IMPATIENCE)
                found = await run(Sequence(name, clients, weather), name)
                if found or clients.faults:
                    findings[name] = [*found, *clients.faults]

    async with calamities.going_on(), asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())
    print(f"What happened: {dict(calamities.happened)}")
    assert not findings, f"{findings}\n{processes.errors()}"
    if SEQUENCES >= 150:
        assert len(calamities.happened) == len(KINDS)
