"""Long bodies give way to other requests, which would else wait behind each of their parts."""

import asyncio
from time import perf_counter

_TIMES = 40
"""How many times as long as a part took nothing is done for the next one, where others have come meanwhile."""
_LONGEST = 1.0
"""Seconds of one such pause."""


class Traffic:
    """Counts the requests of one process."""

    def __init__(self) -> None:
        self.count = 0

    def passed(self) -> None:
        """Count a request."""
        self.count += 1


class Courtesy:
    """Gives way to the requests that come while the parts of one long body are made."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._seen = traffic.count
        self._begun = perf_counter()

    async def give_way(self) -> None:
        """Return at once where nobody else has come since the last time, else after a while."""
        took = perf_counter() - self._begun
        if self._traffic.count > self._seen:
            await asyncio.sleep(min(_LONGEST, _TIMES * took))
        self._seen, self._begun = self._traffic.count, perf_counter()
