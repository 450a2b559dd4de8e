"""How long the listed queries take at each size, measured by turns."""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

import orjson

from tests.bench.driver import BenchError, measure
from tests.bench.search.queries import Query
from tests.bench.search.site import Site, escaped
from tests.bench.workload import BASE, Exchange, Operation


@dataclass(frozen=True)
class Plan:
    """How the queries are measured: over how many connections, how often, for how many seconds each time."""

    connections: int
    runs: int
    seconds: float
    warm_up: float


@dataclass
class Latency:
    """Milliseconds at one size, medians of the runs; or why there are none."""

    p50: float = float("nan")
    p99: float = float("nan")
    count: int = 0
    """Answers in all runs."""
    failure: str = ""
    runs: list[tuple[float, float]] = field(default_factory=list)

    def add(self, p50: float, p99: float, count: int) -> None:
        """Take one more run into account."""
        self.runs.append((p50, p99))
        self.p50, self.p99 = (median(values) for values in zip(*self.runs, strict=True))
        self.count += count


async def measure_query(sites: Sequence[Site], query: Query, plan: Plan) -> list[Latency]:
    """Return the latencies of a query at each size, in the order of ``sites``, measured by turns."""
    found = [Latency() for _ in sites]
    for _ in range(plan.runs):
        for site, latency in zip(sites, found, strict=True):
            if latency.failure:
                continue
            try:
                measured = await measure(
                    site.server.port, _operation(site, query), plan.connections, plan.seconds, plan.warm_up
                )
            except (BenchError, OSError) as error:
                latency.failure = str(error)
                continue
            latency.add(measured.percentile(0.50), measured.percentile(0.99), len(measured.latencies))
    return found


def _operation(site: Site, query: Query) -> Operation:
    """Return an endless supply of requests for the query; pages are reached anew, for their tokens end with time."""
    addresses = [site.page(address, query.page) for address in query.addresses(site.filled.samples)]
    return operation(site.host, addresses)


def operation(host: str, addresses: Sequence[str]) -> Operation:
    """Return an endless supply of requests for these addresses, in another order for each worker."""
    exchanges = [Exchange(_request(host, address), b"200", b'"searchset"') for address in addresses]

    def endless(worker: int, workers: int) -> Iterator[Exchange]:
        shuffled = exchanges.copy()
        random.Random(worker).shuffle(shuffled)
        return itertools.cycle(shuffled)

    return Operation(endless, _verified)


def _request(host: str, address: str) -> bytes:
    lines = (f"GET {BASE}{escaped(address)} HTTP/1.1", f"Host: {host}", "Accept: application/fhir+json", "", "")
    return "\r\n".join(lines).encode()


def _verified(exchange: Exchange, body: bytes) -> str | None:
    """Return what is wrong with an answer: every query of the bench has matches, and nothing of it is ignored."""
    page = orjson.loads(body)
    modes = [entry["search"]["mode"] for entry in page.get("entry", ()) if "search" in entry]
    if "outcome" in modes:
        return "a part of the query is ignored"
    return None if page.get("entry") or page.get("total") else "no matches"
