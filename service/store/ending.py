"""The end of tasks that talk to the database."""

import asyncio
from collections.abc import Iterable
from typing import Any

_AGAIN = 0.5
"""Seconds after which a task that goes on is told to end once more."""


async def ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Return when each of ``tasks`` has been told to end, and has.

    They are told again and again: in Python 3.11 a driver that waits by `asyncio.wait_for` may lose the word.
    """
    waiting = set(tasks)
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=_AGAIN)
