"""Several processes of the real service on one database, each at an address of its own, to be killed and started again."""

import asyncio
import signal
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.support.app import FHIR_JSON
from tests.support.service import Service, free_port, running

ANSWER_PATIENCE = 30.0
"""Seconds before a client gives up waiting for an answer: longer than the service may take for one."""


class Processes:
    """``with Processes(uri, data) as processes:`` runs two processes of the service."""

    def __init__(self, uri: str, data: Path, database: str = "test_processes") -> None:
        self._environment = {"RECOVERY_MONGODB_URI": uri, "RECOVERY_MONGODB_DATABASE": database}
        self._data = data
        self._ports = [free_port(), free_port()]
        self._services: list[Service] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for port in self._ports:
            self._services.append(self._started(port))
            self._services[-1].await_ready()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def _started(self, port: int) -> Service:
        return self._stack.enter_context(running(self._data, port=port, **self._environment))

    def clients(self) -> list[httpx.AsyncClient]:
        """Return a client of each process; paths are relative to /fhir/R4."""
        return [self.client(number) for number in range(len(self._ports))]

    def client(self, number: int) -> httpx.AsyncClient:
        """Return a client of one process."""
        return httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self._ports[number]}/fhir/R4",
            headers={"Content-Type": FHIR_JSON},
            timeout=ANSWER_PATIENCE,
            limits=httpx.Limits(max_connections=None),
        )

    def kill(self, number: int) -> None:
        """End one process at once."""
        self._services[number].process.send_signal(signal.SIGKILL)

    async def start_again(self, number: int) -> None:
        """Start a process that was killed, at its old address, and return when it answers."""
        await asyncio.to_thread(self._services[number].process.wait, ANSWER_PATIENCE)
        self._services[number] = self._started(self._ports[number])
        await asyncio.to_thread(self._services[number].await_ready)

    def errors(self) -> list[str]:
        """Return what the processes that run now have logged."""
        return [line for service in self._services for line in service.errors]
