"""Work in the background, from the start of a worker to its end."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from service.store.ending import ended


@asynccontextmanager
async def running(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Let ``work`` run meanwhile; at the end it is cancelled, and has ended."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        await ended(tasks)
