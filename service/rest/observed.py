"""What is seen of each request from outside: which interaction it was, how it ended, how long it took."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_INTERACTION, _CLIENT = "recovery.interaction", "recovery.client"


class Seen(NamedTuple):
    """One request that was answered."""

    scope: Scope
    interaction: str
    """The code that a CapabilityStatement has for it; nothing where it was refused before that was known."""
    client: str
    """Hash of who sent it; nothing where nobody is known."""
    status: int
    seconds: float


Observer = Callable[[Seen], None]


def note(scope: Scope, interaction: str, client: str) -> None:
    """Say which interaction a request is, and who sent it."""
    scope[_INTERACTION], scope[_CLIENT] = interaction, client


def with_observers(app: ASGIApp, observers: Sequence[Observer]) -> ASGIApp:
    """Return ``app``, of whose answers ``observers`` are told when they are complete."""
    if not observers:
        return app

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        status = 0  # stays so where the client has gone before it was answered

        async def send_and_see(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await app(scope, receive, send_and_see)
        finally:
            seconds = time.perf_counter() - began
            seen = Seen(scope, scope.get(_INTERACTION, ""), scope.get(_CLIENT, ""), status, seconds)
            for observer in observers:
                observer(seen)

    return answer
