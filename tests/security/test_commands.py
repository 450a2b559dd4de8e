"""Whether something lies outside, or never was, does not show in how long an answer takes.

A clock would tell that only roughly, and fail now and then. What takes time are the commands that the database gets:
they have to be the same ones, of the same shape. The clock is asked once, coarsely.
"""

import statistics
import time

import pytest
from pymongo import AsyncMongoClient

from tests.security.answers import agree
from tests.security.asks import asks
from tests.security.clients import LIMITED
from tests.security.conftest import Asked, World
from tests.security.world import BEN, NOBODY

_IN_ANNS_RECORD = [each for each in LIMITED if each.name in ("worker-in-record", "ann-v1")]
_WHOLE = "test_security_whole"


@pytest.mark.parametrize("someone", _IN_ANNS_RECORD, ids=str)
async def test_the_database_is_asked_the_same(someone, world: World, asked: Asked):
    pairs = [pair for pair in zip(asks(BEN), asks(NOBODY), strict=True) if pair[0].row != ("", "POST")]
    async with AsyncMongoClient(world.uri) as mongo:
        database = mongo[_WHOLE]
        different = []
        for outside, unknown in pairs:
            found = []
            for ask in (outside, unknown):
                await database.command("profile", 2)
                await asked(world.whole, ask, someone.headers)
                await database.command("profile", 0)
                commands = [_shape(each) async for each in database["system.profile"].find()]
                found.append(sorted(each for each in commands if each[2] != "{}"))  # those side by side have no order
                await database["system.profile"].drop()
            different += [] if found[0] == found[1] else [f"{outside}: {len(found[0])} against {len(found[1])}: {set(found[0]) ^ set(found[1])}"]
    await world.restore()
    agree(different)


def _shape(profiled):
    """Return what a command does, without the values it is asked for."""
    command = profiled.get("command", {})
    kept = {name: command[name] for name in ("find", "aggregate", "filter", "pipeline", "q", "limit", "sort") if name in command}
    return profiled["op"], profiled["ns"], repr(_without_values(kept))


def _without_values(value):
    if isinstance(value, dict):
        return {name: _without_values(item) for name, item in value.items()}
    return [_without_values(item) for item in value] if isinstance(value, list) else type(value).__name__


async def test_the_clock_tells_nothing(world: World, asked: Asked):
    """Coarsely, for a machine that does other things too: nowhere near twice the time."""
    headers = _IN_ANNS_RECORD[0].headers
    for path in ("/CarePlan/{}-plan", "/CarePlan/{}-plan/_history", "/CarePlan?identifier=urn:plans|{}-plan-number"):
        took = {BEN: [], NOBODY: []}
        for _ in range(60):
            for who, times in took.items():
                started = time.perf_counter()
                await world.whole.get(path.format(who), headers=headers)
                times.append(time.perf_counter() - started)
        ratio = statistics.median(took[BEN]) / statistics.median(took[NOBODY])
        assert 0.6 < ratio < 1.6, path
