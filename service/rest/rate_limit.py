"""How many requests a client may send in a minute (RFC 6585, 429), reckoned by the generic cell rate algorithm.

Each worker process counts for itself: a count that they shared would cost every request a write in the database, which
is what a flood should not reach.
"""

import math
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_network

from service.fhir.outcome import Issue, OutcomeError
from service.rest.networks import read_address

_MINUTE = 60.0
_MOST_CLIENTS = 50_000


class RateLimit:
    """``take(name)`` lets one request of that client pass, or raises; ``per_minute`` None lets all pass."""

    def __init__(self, per_minute: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._step = _MINUTE / per_minute if per_minute else 0.0
        self._clock = clock
        self._spent: dict[str, float] = {}  # until when the requests of a client last that it has sent

    def take(self, name: str) -> None:
        """Count one request of the client ``name``; raises OutcomeError 429 where it has none left."""
        if self._per_minute is None:
            return
        now = self._clock()
        until = max(self._spent.get(name, now), now) + self._step
        wait = until - now - _MINUTE
        if wait > 1e-6:
            sentence = f"A client may send {self._per_minute} requests in a minute here"
            retry = {"Retry-After": str(math.ceil(wait))}
            raise OutcomeError(Issue("too-many-requests", sentence), headers=retry)
        self._spent[name] = until
        if len(self._spent) > _MOST_CLIENTS:
            self._forget(now)

    def _forget(self, now: float) -> None:
        """Forget who has all requests left again, and of the others those who have most left, if they are too many."""
        spent = sorted((until, name) for name, until in self._spent.items() if until > now)
        self._spent = {name: until for until, name in spent[-(_MOST_CLIENTS // 2) :]}


def client_at(address: str) -> str:
    """Return the name of a client who has none: the address, or the network of 64 bits that one client has in IPv6."""
    found = read_address(address)
    if isinstance(found, IPv6Address):
        return str(ip_network((found, 64), strict=False))
    return address if found is None else str(found)
