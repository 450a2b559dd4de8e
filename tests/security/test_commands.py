"""Whether something lies outside, or never was, does not show in how long an answer takes.

A clock would tell that only roughly, and fail now and then. What takes time are the commands that the database gets:
they have to be the same ones, of the same shape. The clock is asked once, coarsely.
"""

import statistics
import time

from pymongo import AsyncMongoClient

from tests.security.answers import agree
from tests.security.asks import asks
from tests.security.clients import LIMITED
from tests.security.conftest import Asked, World
from tests.security.holding import TYPES
from tests.security.world import BEN, NOBODY

_SOMEONE = next(each for each in LIMITED if each.name == "ann-v1")
"""Limited to a person and by labels."""
_WHOLE = "test_security_whole"


async def test_the_database_is_asked_the_same(world: World, asked: Asked):
    pairs = [pair for pair in zip(asks(BEN), asks(NOBODY), strict=True) if pair[0].row != ("", "POST")]
    async with AsyncMongoClient(world.uri) as mongo:
        database = mongo[_WHOLE]
        await database["system.profile"].drop()
        await database.create_collection("system.profile", capped=True, size=50_000_000)
        await database.command("profile", 2)
        for pair in pairs:
            for ask in pair:
                await asked(world.whole, ask, _SOMEONE.headers)
                await database["marker"].find_one({})
        await database.command("profile", 0)
        commands = await _until_each_marker(database["system.profile"])
        await database["system.profile"].drop()
    await world.restore()
    each = zip(pairs, commands[::2], commands[1::2], strict=True)
    agree([f"{pair[0]}: {set(one) ^ set(other) or 'others'}" for pair, one, other in each if one != other])


async def _until_each_marker(profile) -> list[list[tuple[str, str, str]]]:
    """Return the commands of each request in one order: those that run side by side have none.

    What is asked about indexes, now and then and for nobody in particular, is left out.
    """
    found, now = [], []
    async for told in profile.find().sort("$natural", 1):
        if told["ns"].endswith(".marker"):
            found.append(sorted(now))
            now = []
        elif told["ns"].rpartition(".")[2].partition("_")[0] in TYPES and _shape(told)[2] != "{}":
            now.append(_shape(told))
    return found


def _shape(told) -> tuple[str, str, str]:
    """Return what a command does, without the values it is asked for."""
    command = told.get("command", {})
    names = ("find", "aggregate", "filter", "pipeline", "q", "u", "limit", "sort")
    return told["op"], told["ns"], repr({name: _without_values(command[name]) for name in names if name in command})


def _without_values(value):
    if isinstance(value, dict):
        return {name: _without_values(item) for name, item in value.items()}
    return [_without_values(item) for item in value] if isinstance(value, list) else type(value).__name__


async def test_the_clock_tells_nothing(world: World, asked: Asked):
    """Coarsely, for a machine that does other things too: nowhere near twice the time."""
    headers = _SOMEONE.headers
    for path in ("/CarePlan/{}-plan", "/CarePlan/{}-plan/_history", "/CarePlan?identifier=urn:plans|{}-plan-number"):
        took = {BEN: [], NOBODY: []}
        for _ in range(60):
            for who, times in took.items():
                started = time.perf_counter()
                await world.whole.get(path.format(who), headers=headers)
                times.append(time.perf_counter() - started)
        ratio = statistics.median(took[BEN]) / statistics.median(took[NOBODY])
        assert 0.6 < ratio < 1.6, path
