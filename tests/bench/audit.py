"""What the audit costs: the same service with and without it, by turns, on the same MongoDB."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import NamedTuple

import click
import uvloop

from tests.bench.driver import Measurement, drive, measure
from tests.bench.report import Figures, summarise
from tests.bench.servers import Server, running
from tests.bench.workload import Content, Workload

AUDIT = "audit"
"""The name of this comparison."""
CONNECTIONS = 64
OPERATIONS = ("read", "create")
KINDS = ("off", "strict")
"""The values of RECOVERY_AUDIT that are compared."""
GOAL = 0.75
"""The share of its rate that a service with a strict audit has at least."""
_FILLING_CONNECTIONS = 8
HEAD = "\n".join(
    (
        f"{'':<19}  {'requests/s':^17}  {'':5}  {'without, ms':^15}  {'strict, ms':^15}",
        f"{'audit':<13} {'conns':>5}  {'without':>8} {'strict':>8}  {'ratio':>5}"
        f"  {'p50':>7} {'p99':>7}  {'p50':>7} {'p99':>7}",
        "-" * 78,
    )
)


class Cost(NamedTuple):
    """One operation without the audit and with it."""

    operation: str
    without: Figures
    strict: Figures

    @property
    def ratio(self) -> float:
        """The share of its rate that is left."""
        return self.strict.rate / self.without.rate

    def __str__(self) -> str:
        without, strict = self.without, self.strict
        return (
            f"{self.operation:<13} {CONNECTIONS:>5}  {without.rate:>8,.0f} {strict.rate:>8,.0f}  {self.ratio:>5.2f}"
            f"  {without.p50:>7.2f} {without.p99:>7.2f}  {strict.p50:>7.2f} {strict.p99:>7.2f}"
            f"{'' if self.ratio >= GOAL else f'  below the goal of {GOAL}'}"
        )


def compare_audit(uri: str, directory: Path, content: Content, seconds: float, runs: int) -> None:
    """Print what a strict audit costs; raises BenchError at the first wrong answer."""
    click.echo(HEAD)
    with ExitStack() as stack:
        servers = {kind: stack.enter_context(_service(uri, directory / f"audit-{kind}", kind)) for kind in KINDS}
        uvloop.run(_print_costs(servers, content, seconds, runs))


def _service(uri: str, directory: Path, kind: str) -> AbstractContextManager[Server]:
    directory.mkdir()
    variables = {"RECOVERY_AUDIT": kind, "RECOVERY_MONGODB_DATABASE": f"bench_audit_{kind}"}
    return running("service", "pymongo", uri, directory, variables)


async def _print_costs(servers: Mapping[str, Server], content: Content, seconds: float, runs: int) -> None:
    async for cost in _costs(servers, content, seconds, runs):
        click.echo(cost)


async def _costs(servers: Mapping[str, Server], content: Content, seconds: float, runs: int) -> AsyncIterator[Cost]:
    """Yield what the audit costs each operation; raises BenchError at the first wrong answer."""
    workloads = {name: Workload(content, f"127.0.0.1:{server.port}") for name, server in servers.items()}
    for name, server in servers.items():
        for supply in (workloads[name].prefill_related, workloads[name].prefill):
            await drive(server.port, supply, _FILLING_CONNECTIONS)
    for operation in OPERATIONS:
        measured: dict[str, list[Measurement]] = {name: [] for name in servers}
        for _ in range(runs):
            for name, server in servers.items():
                work = workloads[name].operations[operation]
                measured[name].append(await measure(server.port, work, CONNECTIONS, seconds))
        yield Cost(operation, summarise(measured["off"]), summarise(measured["strict"]))
