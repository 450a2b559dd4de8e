"""A receiver of notifications: a small HTTP server that fails, hangs, and is stopped and started at its address."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

PATIENCE = 10.0


@dataclass(frozen=True)
class Received:
    """One request to the receiver, and the status that it was answered."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int | None

    @property
    def kind(self) -> str:
        return self.headers["recovery-event"]

    @property
    def number(self) -> int:
        return int(self.headers["recovery-event-number"])

    @property
    def resource(self) -> Any:
        return orjson.loads(self.body)


Behaviour = Callable[[str, int], int | None]
"""From the kind and the number of what came to the status to answer, None to hang."""


@dataclass
class Receiver:
    """``async with Receiver() as receiver`` listens on a free port of 127.0.0.1."""

    answers: Behaviour = lambda kind, number: 204
    location: str | None = None
    """What it sends as Location."""
    port: int = 0
    received: list[Received] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def __aenter__(self) -> "Receiver":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse every connection from now on, and break those that there are."""
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def endpoint(self) -> str:
        return f"http://{self.host}/hook"

    @property
    def events(self) -> list[Received]:
        """What was acknowledged, but for pings, each number once."""
        found: dict[int, Received] = {}
        for each in self.received:
            if each.kind in ("event", "withdrawn") and each.status is not None and 200 <= each.status < 300:
                found.setdefault(each.number, each)
        return list(found.values())

    async def until(self, condition: Callable[["Receiver"], bool], patience: float = PATIENCE) -> None:
        """Return when ``condition`` holds; fails where it does not in time."""
        try:
            async with asyncio.timeout(patience):
                while not condition(self):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            told = [(each.method, each.kind, each.number, each.status) for each in self.received]
            raise AssertionError(f"the receiver got {told}") from None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, path, _ = head[0].split(" ")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                status = self.answers(headers["recovery-event"], int(headers["recovery-event-number"]))
                self.received.append(Received(method, path, headers, body, status))
                self._changed.set()
                if status is None:
                    await asyncio.sleep(3600)
                more = f"Location: {self.location}\r\n" if self.location else ""
                writer.write(f"HTTP/1.1 {status} X\r\n{more}Content-Length: 0\r\n\r\n".encode())
                await writer.drain()
        self._writers.discard(writer)
        writer.close()
