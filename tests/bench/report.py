"""The table that the bench prints."""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from tests.bench.driver import Measurement


class Figures(NamedTuple):
    """Medians over the runs: answers a second, and latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


class Row(NamedTuple):
    """One operation at one number of connections, on both servers."""

    driver: str
    operation: str
    connections: int
    floor: Figures
    service: Figures

    @property
    def ratio(self) -> float:
        """The service's share of the floor's rate."""
        return self.service.rate / self.floor.rate


HEAD = "\n".join(
    (
        f"{'':<27}  {'requests/s':^17}  {'':5}  {'floor ms':^15}  {'service ms':^15}",
        f"{'driver':<8} {'operation':<12} {'conns':>5}  {'floor':>8} {'service':>8}  {'ratio':>5}"
        f"  {'p50':>7} {'p99':>7}  {'p50':>7} {'p99':>7}",
        "-" * 86,
    )
)


def summarise(runs: Sequence[Measurement]) -> Figures:
    """Return the medians of the runs, each figure for itself."""
    return Figures(
        rate=median(run.rate for run in runs),
        p50=median(run.percentile(0.50) for run in runs),
        p99=median(run.percentile(0.99) for run in runs),
    )


def line(row: Row) -> str:
    """Return one row as fixed-width text that fits under ``HEAD``."""
    floor, service = row.floor, row.service
    return (
        f"{row.driver:<8} {row.operation:<12} {row.connections:>5}"
        f"  {floor.rate:>8,.0f} {service.rate:>8,.0f}  {row.ratio:>5.2f}"
        f"  {floor.p50:>7.2f} {floor.p99:>7.2f}  {service.p50:>7.2f} {service.p99:>7.2f}"
    )
