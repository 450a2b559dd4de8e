"""The run itself: fill every server, measure them by turns, print each row when it is known."""

import os
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import click

from tests.bench import report
from tests.bench.driver import WARM_UP, BenchError, Measurement, drive, measure
from tests.bench.servers import Server
from tests.bench.workload import PEOPLE, PLANS_EACH, Content, Workload

_FILLING_CONNECTIONS = 8
_BUSY = 0.3  # load average a core from which the figures deserve doubt

T = TypeVar("T")


@dataclass(frozen=True)
class Plan:
    """What to measure, for how many seconds each time, how often."""

    operations: Sequence[str]
    connections: Sequence[int]
    seconds: float
    runs: int


async def compare(pairs: Sequence[tuple[Server, Server]], content: Content, plan: Plan) -> None:
    """Measure pairs of floor and service and print the table; raises BenchError at the first wrong answer."""
    servers = [server for pair in pairs for server in pair]
    workloads = {server: Workload(content, f"127.0.0.1:{server.port}") for server in servers}
    click.echo(_introduction(content, plan, len(servers)))
    for server in servers:
        workload = workloads[server]
        supplies = [(workload.prefill_related, "what the plans refer to"), (workload.prefill, "the plans")]
        if "history" in plan.operations:
            supplies.append((workload.prefill_histories, "the plans with a history"))
        for supply, what in supplies:
            filling = drive(server.port, supply, _FILLING_CONNECTIONS)
            await _named(filling, server, f"{what} to begin with")
    click.echo(report.HEAD)
    for operation in plan.operations:
        for connections in plan.connections:
            measured = await _measure(workloads, plan, operation, connections)
            for floor, service in pairs:
                figures = (report.summarise(measured[floor]), report.summarise(measured[service]))
                click.echo(report.line(report.Row(floor.driver, operation, connections, *figures)))
    click.echo()
    for server in servers:
        memory = server.memory()
        shown = "not told by this system" if memory is None else f"{memory:.0f} MB"
        click.echo(f"Resident memory of the {server.kind} ({server.driver}) at the end: {shown}")


async def _measure(
    workloads: dict[Server, Workload], plan: Plan, operation: str, connections: int
) -> dict[Server, list[Measurement]]:
    """Measure floor, service, floor, service, …, so that a drift of the machine meets both alike."""
    measured: dict[Server, list[Measurement]] = {server: [] for server in workloads}
    for run in range(plan.runs):
        for server, workload in workloads.items():
            what = f"{operation} at {connections} connections, run {run + 1}"
            work = measure(server.port, workload.operations[operation], connections, plan.seconds)
            measured[server].append(await _named(work, server, what))
    return measured


async def _named(work: Awaitable[T], server: Server, what: str) -> T:
    """Return the work's result; a BenchError also says which server and what it was asked."""
    try:
        return await work
    except (BenchError, OSError) as error:
        raise BenchError(f"the {server.kind} ({server.driver}), {what}: {error}") from error


def _introduction(content: Content, plan: Plan, servers: int) -> str:
    person = "Patient/bench-r000"
    count = servers * len(plan.operations) * len(plan.connections) * plan.runs
    lines = [
        f"{PEOPLE * PLANS_EACH:,} plans of {PEOPLE} people, {len(content.plan_of(person)):,} bytes each; "
        f"a transaction has {len(content.types)} entries, {len(content.bundle_of(person)):,} bytes.",
        f"Median of {plan.runs} runs of {plan.seconds:g} s, floor and service by turns: "
        f"about {count * (plan.seconds + WARM_UP) / 60:.1f} minutes.",
    ]
    if hasattr(os, "getloadavg") and (load := os.getloadavg()[0]) > _BUSY * (os.cpu_count() or 1):
        lines.append(f"This machine is busy with other work (load average {load:.1f}): expect noise.")
    return "\n".join([*lines, ""])
