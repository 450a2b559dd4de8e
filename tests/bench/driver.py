"""A closed-loop load driver: each connection sends its next request when the answer to the last has come.

Raw asyncio protocols on uvloop over HTTP/1.1 keep-alive; an answer is read by its Content-Length. Every
answer's status and proof are checked, and one in 64 thoroughly, so that no error is ever measured as speed.
"""

import asyncio
import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import cast

from tests.bench.workload import Exchange, Operation

WARM_UP = 0.3  # seconds before the measured time begins
PATIENCE = 30.0  # seconds without an answer
_THOROUGHLY = 64  # the first and every 64th answer of a connection is verified thoroughly


class BenchError(Exception):
    """A server did not answer as it must; the message says how."""


@dataclass
class Measurement:
    """Answers that arrived within ``seconds``, and how long each took (in seconds)."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Return the latency in milliseconds that this share (0 to 1) of the answers did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1_000 if ordered else float("nan")


class _Run:
    """What the connections of one run share."""

    def __init__(self, verify: Callable[[Exchange, bytes], str | None] | None) -> None:
        self.verify = verify
        self.latencies: list[float] = []
        self.recording = False
        self.stopping = False


class _Connection(asyncio.Protocol):
    """One keep-alive connection; ``ended`` is done when it has stopped, or holds the BenchError."""

    def __init__(self, run: _Run, exchanges: Iterator[Exchange]) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._run = run
        self._exchanges = exchanges
        self._received = bytearray()
        self._body_at = 0
        self._needed = 0
        self._count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._next()

    def data_received(self, data: bytes) -> None:
        received = self._received
        received += data
        if not self._needed:
            end = received.find(b"\r\n\r\n")
            if end < 0:
                return
            self._body_at = end + 4
            length = _content_length(bytes(received[:end]))
            if length is None:
                self._fail("an answer without Content-Length")
                return
            self._needed = self._body_at + length
        if len(received) >= self._needed:
            self._answered()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self._fail(f"the server closed the connection ({exc or 'no reason given'})")

    def _answered(self) -> None:
        run, exchange, received = self._run, self._exchange, self._received
        if run.recording:
            run.latencies.append(perf_counter() - self._started)
        if received[9:12] != exchange.status:
            self._fail(f"status {received[9:12].decode()} instead of {exchange.status.decode()}")
            return
        if len(received) != self._needed or received.find(exchange.proof, self._body_at) < 0:
            self._fail(f"a body that does not hold {exchange.proof.decode()}")
            return
        if run.verify is not None and self._count % _THOROUGHLY == 0:
            try:
                wrong = run.verify(exchange, bytes(received[self._body_at :]))
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                wrong = f"a body of another shape ({error!r})"
            if wrong:
                self._fail(wrong)
                return
        self._count += 1
        received.clear()
        self._needed = 0
        self._next()

    def _next(self) -> None:
        exchange = None if self._run.stopping else next(self._exchanges, None)
        if exchange is None:
            if not self.ended.done():
                self.ended.set_result(None)
            self._transport.close()
            return
        self._exchange = exchange
        self._started = perf_counter()
        self._transport.write(exchange.request)

    def _fail(self, reason: str) -> None:
        if not self.ended.done():
            line = self._exchange.request.split(b" HTTP/1.1", 1)[0].decode()
            answer = bytes(self._received[:1_500]).decode(errors="replace")
            self.ended.set_exception(BenchError(f"{line}: {reason}\n{answer}".rstrip()))
            self.ended.exception()  # seen: only the first failure of a run is told
        self._transport.abort()


def _content_length(head: bytes) -> int | None:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else None


async def measure(
    port: int, operation: Operation, connections: int, seconds: float, warm_up: float = WARM_UP
) -> Measurement:
    """Drive the operation for this long after a short warm-up; raises BenchError."""
    run = _Run(operation.verify)
    ended = await _open(port, run, operation.exchanges, connections)
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        await _let_run(ended, warm_up)
        run.recording = True
        started = perf_counter()
        await _let_run(ended, seconds)
        run.recording = False
        measured = perf_counter() - started
    finally:
        gc.enable()
        gc.unfreeze()
    run.stopping = True
    await _finish(ended, PATIENCE)
    if not run.latencies:
        raise BenchError(f"no answer within {measured:.1f} s")
    return Measurement(measured, run.latencies)


async def drive(port: int, exchanges: Callable[[int, int], Iterator[Exchange]], connections: int) -> None:
    """Send all of a finite supply of exchanges; raises BenchError."""
    await _finish(await _open(port, _Run(None), exchanges, connections), 4 * PATIENCE)


async def _open(
    port: int, run: _Run, exchanges: Callable[[int, int], Iterator[Exchange]], connections: int
) -> list[asyncio.Future[None]]:
    loop = asyncio.get_running_loop()
    supplies = [exchanges(worker, connections) for worker in range(connections)]
    ended = []
    for supply in supplies:
        _, connection = await loop.create_connection(partial(_Connection, run, supply), "127.0.0.1", port)
        ended.append(connection.ended)
    return ended


async def _let_run(ended: list[asyncio.Future[None]], seconds: float) -> None:
    done, _ = await asyncio.wait(ended, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    for future in done:
        future.result()


async def _finish(ended: list[asyncio.Future[None]], patience: float) -> None:
    done, pending = await asyncio.wait(ended, timeout=patience, return_when=asyncio.FIRST_EXCEPTION)
    for future in done:
        future.result()
    if pending:
        raise BenchError(f"{len(pending)} connections got no answer within {patience:.0f} s")
