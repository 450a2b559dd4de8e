"""``python -m tests.bench.search``: the listed queries at several sizes, in one run, and whether the goals are met."""

import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click
import uvloop

from service.embedded import EmbeddedMongoError
from tests.bench.driver import BenchError
from tests.bench.search import findings
from tests.bench.search.beside_floor import compare_create, compare_page
from tests.bench.search.explained import explain
from tests.bench.search.findings import Row, Surroundings
from tests.bench.search.kept import filled
from tests.bench.search.measurement import Plan, measure_query
from tests.bench.search.queries import QUERIES, Query
from tests.bench.search.site import Site, serving
from tests.bench.search.sizes import sizes
from tests.bench.workload import load_content

EXAMPLE = Path(__file__).parents[3] / "schemas/r4/examples/valid/transaction-co-produced-plan.json"
MOST_PLANS = 1_000_000


def _numbers(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[int, ...]:
    numbers = sorted({int(each) if each.isdecimal() else 0 for each in value.split()})
    if not numbers or not all(1 <= number <= MOST_PLANS for number in numbers):
        raise click.BadParameter(f"{value}: give numbers from 1 to {MOST_PLANS:,}, as in '10000 1000000'")
    return tuple(numbers)


def _queries(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[Query, ...]:
    if value is None:
        return QUERIES
    names = [each.strip() for each in value.split(";")]
    chosen = tuple(query for query in QUERIES if query.name in names)
    if len(chosen) != len(names):
        raise click.BadParameter(f"{value}: choose from {'; '.join(query.name for query in QUERIES)}")
    return chosen


@click.command(context_settings={"show_default": True, "max_content_width": 110})
@click.option("--plans", default="10000 1000000", callback=_numbers, help="Sizes, with spaces between.")
@click.option("--seed", default=1, type=click.IntRange(0, 1_000_000), help="Which people are invented.")
@click.option("--connections", default=2, type=click.IntRange(1, 64), help="Requests at a time.")
@click.option("--seconds", default=2.5, type=click.FloatRange(0.01, 60), help="Length of one measurement.")
@click.option("--runs", default=3, type=click.IntRange(1, 25), help="Measurements that a median is taken of.")
@click.option("--only", callback=_queries, help="Names of queries, with semicolons between; all by default.")
@click.option(
    "--directory",
    default=Path(tempfile.gettempdir()) / "recovery-bench-search",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where filled databases are kept.",
)
def main(
    plans: Sequence[int],
    seed: int,
    connections: int,
    seconds: float,
    runs: int,
    only: Sequence[Query],
    directory: Path,
) -> None:
    """Measure the listed queries at several numbers of plans, and say of each goal whether it is met."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # so that all is cleared up
    plan = Plan(connections, runs, seconds, warm_up=min(0.5, seconds))
    try:
        with ExitStack() as stack:
            logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="recovery-bench-")))
            databases = [stack.enter_context(filled(directory, each, seed)) for each in plans]
            sites = [stack.enter_context(serving(each, logs)) for each in databases]
            uvloop.run(_measure(sites, only, plan, logs))
    except (BenchError, EmbeddedMongoError, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error


async def _measure(sites: Sequence[Site], queries: Sequence[Query], plan: Plan, logs: Path) -> None:
    content = load_content(EXAMPLE)
    click.echo(
        f"\n{len(queries)} listed queries over {plan.connections} connections, in milliseconds, medians of {plan.runs} "
        f"runs of {plan.seconds:g} s, sizes by turns; docs and keys are those examined for each one in the answer"
    )
    click.echo(findings.head([site.filled.plans for site in sites]))
    rows = []
    for query in queries:
        latencies = await measure_query(sites, query, plan)
        row = Row(query, latencies, [explain(site, query) for site in sites])
        rows.append(row)
        click.echo(findings.line(row))
    beside = []
    for site in sites:
        told = sizes(site.filled.uri)
        page = await compare_page(site, logs, plan)
        create = await compare_create(site, logs, content, plan)
        beside.append(Surroundings(site.filled.plans, page, create, told))
        click.echo(f"\n{findings.surroundings(beside[-1])}")
    click.echo(f"\n{findings.goals(rows, beside)}")


if __name__ == "__main__":
    main()
