"""A connection whose requests are answered slowly, or come before their turn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from service.rest.connection import GOES_ON, Connection
from tests.security.wire import exchange, request

TWICE = b"GET /slow HTTP/1.1\r\nHost: here\r\n\r\n"


async def slowly(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer ``/slow`` after a while, ``/long`` part after part, and everything else at once."""
    if scope["path"] == "/long":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for part in range(6):
            await asyncio.sleep(0.1)
            scope[GOES_ON]()
            await send({"type": "http.response.body", "body": b"%d" % part, "more_body": part < 5})
        return
    await asyncio.sleep(0.3 if scope["path"] == "/slow" else 0)
    await PlainTextResponse(scope["path"])(scope, receive, send)


@asynccontextmanager
async def serving(**seconds: float) -> AsyncIterator[str]:
    """Give the address of a server with these limits."""
    config = uvicorn.Config(slowly, log_config=None, access_log=False)
    parts: dict[str, Any] = {"config": config, "server_state": ServerState(), "app_state": {}}
    server = await asyncio.get_running_loop().create_server(partial(Connection, **parts, **seconds), "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_an_answer_that_takes_too_long_is_given_up() -> None:
    async with serving(receive_seconds=5, answer_seconds=0.1) as address:
        told = await exchange(address, request("/slow"))
        assert (told.status, told.rules) == (503, ["slow-answer"])
        assert told.raw.count(b"HTTP/1.1 ") == 1


async def test_an_answer_may_take_longer_than_the_request() -> None:
    async with serving(receive_seconds=0.1, answer_seconds=5) as address:
        assert (await exchange(address, request("/slow"))).body == b"/slow"


async def test_a_long_answer_has_its_time_for_each_part() -> None:
    async with serving(receive_seconds=5, answer_seconds=0.3) as address:
        assert b"5" in (await exchange(address, request("/long"))).body


async def test_requests_that_come_at_once_are_answered_in_turn() -> None:
    async with serving(receive_seconds=0.1, answer_seconds=5) as address:
        told = await exchange(address, TWICE + request("/quick"))
        assert [told.raw.count(text) for text in (b"HTTP/1.1 200", b"/slow", b"/quick")] == [2, 1, 1]
        assert told.raw.index(b"/slow") < told.raw.index(b"/quick")


async def test_what_follows_a_request_and_is_none_gets_no_answer_that_is_not_its_own() -> None:
    async with serving(receive_seconds=5, answer_seconds=5) as address:
        assert (await exchange(address, TWICE + b"nonsense\r\n\r\n")).raw == b""
