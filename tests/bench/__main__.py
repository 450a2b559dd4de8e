"""``python -m tests.bench``: measure the service beside the floor, in one run on one MongoDB."""

import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import click
import uvloop

from service.embedded import EmbeddedMongo, EmbeddedMongoError
from tests.bench.audit import AUDIT, compare_audit
from tests.bench.comparison import Plan, compare
from tests.bench.driver import BenchError
from tests.bench.reporting import REPORTING, compare_reporting
from tests.bench.servers import DRIVERS, running
from tests.bench.validation import compare_validation
from tests.bench.workload import OPERATIONS, load_content

EXAMPLE = Path(__file__).parents[2] / "schemas/r4/examples/valid/transaction-co-produced-plan.json"

CHOICES = (*OPERATIONS, AUDIT, REPORTING)


def _listed(*choices: str) -> Callable[[click.Context, click.Parameter, str], tuple[str, ...]]:
    """Return a callback that splits an option at its commas and lets only the choices pass."""

    def split(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
        chosen = tuple(dict.fromkeys(value.split(",")))
        if wrong := [each for each in chosen if each not in choices]:
            raise click.BadParameter(f"{', '.join(wrong)}: choose from {', '.join(choices)}")
        return chosen

    return split


def _numbers(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[int, ...]:
    numbers = tuple(int(each) if each.isdecimal() else 0 for each in value.split(","))
    if not all(1 <= number <= 64 for number in numbers):
        raise click.BadParameter(f"{value}: give numbers from 1 to 64, as in 1,8,32")
    return numbers


@click.command(context_settings={"show_default": True, "max_content_width": 110})
@click.option("--only", default=",".join(CHOICES), callback=_listed(*CHOICES), help="Operations; audit is its cost.")
@click.option("--plans", default=100_000, type=click.IntRange(100, 1_000_000), help="Plans that are reported on.")
@click.option(
    "--filled",
    default=Path(tempfile.gettempdir()) / "recovery-bench-search",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where filled databases are kept, those of the bench of search among them.",
)
@click.option("--connections", default="1,8,32", callback=_numbers, help="Numbers of connections.")
@click.option("--driver", default="pymongo", callback=_listed(*DRIVERS), help="pymongo, motor or both.")
@click.option("--seconds", default=2.0, type=click.FloatRange(0.2, 60), help="Length of one measurement.")
@click.option("--runs", default=3, type=click.IntRange(1, 25), help="Measurements that a median is taken of.")
def main(
    only: tuple[str, ...],
    plans: int,
    filled: Path,
    connections: tuple[int, ...],
    driver: tuple[str, ...],
    seconds: float,
    runs: int,
) -> None:
    """Measure the service beside the floor: requests a second, their ratio, latencies, memory."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # so that all is cleared up
    try:
        content = load_content(EXAMPLE)
        click.echo(compare_validation(content.plan))
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="recovery-bench-")))
            if REPORTING in only:
                compare_reporting(filled, directory, plans)
            uri = stack.enter_context(EmbeddedMongo(directory / "mongodb")).uri
            operations = [each for each in only if each not in (AUDIT, REPORTING)]
            if AUDIT in only:
                compare_audit(uri, directory, content, seconds, runs)
            if not operations:
                return
            pairs = [
                (
                    stack.enter_context(running("floor", each, uri, directory)),
                    stack.enter_context(running("service", each, uri, directory)),
                )
                for each in driver
            ]
            uvloop.run(compare(pairs, content, Plan(operations, connections, seconds, runs)))
    except (BenchError, EmbeddedMongoError, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
