"""Processes of the real service on one database, each at an address of its own, to be killed and started again."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.support.app import FHIR_JSON
from tests.support.service import Service, free_port, running

# httpx looks for it in vain at each step of each request, which takes longer than the request itself.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

ANSWER_PATIENCE = 30.0
"""Seconds before a client gives up waiting for an answer: longer than the service may take for one."""


class Processes:
    """``with Processes(uri, database, data) as processes:`` runs two processes of the service."""

    def __init__(self, uri: str, database: str, data: Path) -> None:
        self.database = database
        """The name of their database."""
        self._environment = {"RECOVERY_MONGODB_URI": uri, "RECOVERY_MONGODB_DATABASE": database}
        self._data = data
        self._ports = [free_port(), free_port()]
        self._services: list[Service] = []
        self._ended: list[Service] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._services = [self._started(port) for port in self._ports]
        for service in self._services:
            service.await_ready()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def _started(self, port: int) -> Service:
        return self._stack.enter_context(running(self._data, port=port, **self._environment))

    @asynccontextmanager
    async def clients(self) -> AsyncIterator[list[httpx.AsyncClient]]:
        """Give a client of each process; paths are relative to /fhir/R4."""
        async with AsyncExitStack() as stack:
            yield [await stack.enter_async_context(self._client(port)) for port in self._ports]

    def _client(self, port: int) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}/fhir/R4",
            headers={"Content-Type": FHIR_JSON},
            timeout=ANSWER_PATIENCE,
            verify=False,  # which spares it reading certificates that nobody asks for
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=32),
        )

    def kill(self, number: int) -> None:
        """End one process at once."""
        self._services[number].process.send_signal(signal.SIGKILL)

    async def start_again(self, number: int) -> None:
        """Start a process that was killed, at its old address, and return when it answers."""
        await asyncio.to_thread(self._services[number].process.wait, ANSWER_PATIENCE)
        self._ended.append(self._services[number])
        self._services[number] = self._started(self._ports[number])
        await asyncio.to_thread(self._services[number].await_ready)

    def errors(self) -> list[str]:
        """Return what all processes have logged so far."""
        return [line for service in (*self._ended, *self._services) for line in service.errors]
