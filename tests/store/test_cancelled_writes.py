"""A write whose task is told to end is the last that the task makes, whatever the driver makes of it."""

import asyncio
import random

from service.store.faults import ExistsError, MovedOnError
from tests.store.conftest import OpenStore
from tests.store.plans import plan


async def test_whoever_is_told_to_end_ends(opened: OpenStore) -> None:
    chance = random.Random(1)

    async def write(name: str) -> None:
        while True:
            current = await opened.store.read("CarePlan", name)
            try:
                if current is None:
                    await opened.store.insert("CarePlan", name, plan(1), "PUT")
                else:
                    await opened.store.replace(current, plan(1), "PUT")
            except (ExistsError, MovedOnError):  # what was told to end before this one was done after all
                continue

    for _ in range(60):
        tasks = [asyncio.create_task(write(str(number))) for number in range(4)]
        await asyncio.sleep(chance.random() * 0.02)
        for task in tasks:
            task.cancel()
        _, going_on = await asyncio.wait(tasks, timeout=5)
        for task in going_on:
            task.cancel()
        assert not going_on
