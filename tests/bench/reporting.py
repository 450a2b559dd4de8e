"""What reporting costs: exports, tables and measures over many plans, beside a floor that streams the same bytes."""

import http.client
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import click
import orjson
import uvloop
from pymongo import MongoClient

from tests.bench.driver import BenchError, measure
from tests.bench.floor import STREAM
from tests.bench.search.filling import DATABASE
from tests.bench.search.kept import filled
from tests.bench.search.site import Site
from tests.bench.servers import Server, running
from tests.bench.workload import BASE, Exchange, Operation

REPORTING = "reporting"
"""The name of this comparison."""
READERS = 8
"""Connections that read plans while an export runs."""
READING_SECONDS = 6.0
MOST_MEMORY = 400.0
_PIECE = 1 << 20
_SEED = 1
_PATIENCE = 600.0
_ASYNC = {"Prefer": "respond-async", "Accept": "application/fhir+json"}


@dataclass(frozen=True)
class Load:
    """What came over one connection, and how long that took."""

    lines: int
    size: int
    seconds: float

    @property
    def rate(self) -> float:
        """Lines a second."""
        return self.lines / self.seconds

    def __str__(self) -> str:
        return f"{self.lines:>9,} {self.size / 1e6:>8,.0f} {self.seconds:>8.2f} {self.rate:>9,.0f}"


@dataclass
class Memory:
    """The most memory that a server has had, in MB, looked at again and again in the background."""

    server: Server
    most: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look on until the block ends."""
        watcher = threading.Thread(target=self._watch)
        watcher.start()
        try:
            yield
        finally:
            self._stop.set()
            watcher.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            self.most = max(self.most, self.server.memory() or 0.0)


def compare_reporting(root: Path, directory: Path, plans: int) -> None:
    """Print what reporting over so many plans takes; raises BenchError at the first wrong answer."""
    with ExitStack() as stack:
        database = stack.enter_context(filled(root, plans, _SEED))
        _forget_former_runs(database.uri)
        variables = {"RECOVERY_MONGODB_DATABASE": DATABASE}
        floor = stack.enter_context(running("floor", "pymongo", database.uri, directory, variables))
        service = stack.enter_context(running("service", "pymongo", database.uri, directory, variables))
        memory = Memory(service)
        with memory.watched():
            _compare(floor, Site(database, service))
        click.echo(f"memory of the service at most {memory.most:,.0f} MB{_unless(memory.most < MOST_MEMORY)}")


def _forget_former_runs(uri: str) -> None:
    """Remove what a service has recorded in the database that is kept: a larger audit is a slower one."""
    with MongoClient[dict[str, Any]](uri) as client:
        for name in client[DATABASE].list_collection_names():
            if name.startswith(("audit", "measures", "jobs")):
                client[DATABASE].drop_collection(name)


def _compare(floor: Server, site: Site) -> None:
    click.echo(f"\n{'reporting':<28} {'lines':>9} {'MB':>8} {'s':>8} {'lines/s':>9}")
    everything = fetch(floor, STREAM)
    click.echo(f"{'the floor streams all':<28} {everything}")
    exported = export(site.server)
    ratio = exported.rate / everything.rate
    click.echo(f"{'export of all':<28} {exported}  {ratio:.2f} of the floor{_unless(ratio >= 0.5)}")
    if exported.lines != everything.lines:
        raise BenchError(f"the export has {exported.lines} resources, the floor {everything.lines}")
    goals = fetch(site.server, f"{BASE}/$viewdefinition-run?view=goals&_format=csv&header=false")
    before = processor_seconds(site.server)
    goals = fetch(site.server, f"{BASE}/$viewdefinition-run?view=goals&_format=csv&header=false")
    by_core = goals.lines / (processor_seconds(site.server) - before)
    is_fast = by_core >= 20_000 or goals.rate >= 0.3 * exported.rate
    click.echo(
        f"{'goals as CSV':<28} {goals}  {by_core:,.0f} a second of processor, "
        f"{goals.rate / exported.rate:.2f} of the export{_unless(is_fast)}"
    )
    took = seconds_of(lambda: evaluate(site.server))
    times = took / exported.seconds
    click.echo(f"{'all measures':<28} {'':>18} {took:>8.2f} {'':>9}  {times:.2f} times the export{_unless(times <= 3)}")
    alone, beside = uvloop.run(_read_with_and_without(site))
    click.echo(
        f"{'p99 of reading plans':<28} {alone:.2f} ms alone, {beside:.2f} ms beside an export, "
        f"{beside / alone:.2f} times{_unless(beside <= 1.5 * alone)}"
    )


def _unless(is_met: bool) -> str:
    return "" if is_met else "  MISSES THE GOAL"


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long ``work`` takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def fetch(server: Server, address: str) -> Load:
    """Return what comes from an address, in lines; raises BenchError where it is not answered with 200."""
    begun = time.perf_counter()
    lines = size = 0
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_PATIENCE)
    try:
        connection.request("GET", address)
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise BenchError(f"GET {address}: status {response.status}: {response.read(500)!r}")
        while piece := response.read(_PIECE):
            lines += piece.count(b"\n")
            size += len(piece)
    except (OSError, http.client.HTTPException) as error:
        raise BenchError(f"GET {address}: {error!r}") from error
    finally:
        connection.close()
    return Load(lines, size, time.perf_counter() - begun)


def export(server: Server) -> Load:
    """Return what an export of everything brings, from its kick-off to its last byte."""
    begun = time.perf_counter()
    manifest = _manifest(server)
    loads = [fetch(server, _address(item["url"])) for item in manifest["output"]]
    for item, load in zip(manifest["output"], loads, strict=True):
        if item["count"] != load.lines:
            raise BenchError(f"{item['url']} has {load.lines} lines, and {item['count']} were told")
    return Load(sum(each.lines for each in loads), sum(each.size for each in loads), time.perf_counter() - begun)


def _manifest(server: Server) -> Any:
    status, headers, body = _asked(server, f"{BASE}/$export", _ASYNC)
    if status != http.client.ACCEPTED:
        raise BenchError(f"$export: status {status}: {body[:500]!r}")
    address = _address(headers["content-location"])
    while status == http.client.ACCEPTED:
        time.sleep(0.05)
        status, headers, body = _asked(server, address, {})
    if status != http.client.OK:
        raise BenchError(f"{address}: status {status}: {body[:500]!r}")
    return orjson.loads(body)


def evaluate(server: Server) -> None:
    """Evaluate all measures at the end of the last month."""
    last = time.gmtime(time.time() - 86_400 * time.gmtime().tm_mday)
    month = f"{last.tm_year}-{last.tm_mon:02}"
    address = f"{BASE}/Measure/recovery-orientation-audit/$evaluate-measure"
    status, _, body = _asked(server, f"{address}?periodStart={month}-01&periodEnd={month}-{last.tm_mday:02}", {})
    if status != http.client.OK or orjson.loads(body)["resourceType"] != "MeasureReport":
        raise BenchError(f"$evaluate-measure: status {status}: {body[:500]!r}")


def _asked(server: Server, address: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_PATIENCE)
    try:
        connection.request("GET", address, headers=headers)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


def _address(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def processor_seconds(server: Server) -> float:
    """Return how long the processor has worked for the server so far."""
    ticks = Path(f"/proc/{server.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


async def _read_with_and_without(site: Site) -> tuple[float, float]:
    """Return the p99 of reading plans, in milliseconds: alone, and while exports run one after the other."""
    host, samples = site.host, [each["plan"] for each in site.filled.samples["any"]]
    operation = reads(host, samples)
    alone = await measure(site.server.port, operation, READERS, READING_SECONDS)
    stop = threading.Event()

    def go_on() -> None:
        while not stop.is_set():
            export(site.server)

    exporting = threading.Thread(target=go_on)
    exporting.start()
    try:
        beside = await measure(site.server.port, operation, READERS, READING_SECONDS)
    finally:
        stop.set()
        exporting.join()
    return alone.percentile(0.99), beside.percentile(0.99)


def reads(host: str, plans: Sequence[str]) -> Operation:
    """Return an endless supply of reads of ``plans``, in another order for each connection."""
    exchanges = [
        Exchange(f"GET {BASE}/CarePlan/{plan} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(), b"200", plan.encode())
        for plan in plans
    ]

    def endless(worker: int, _workers: int) -> Iterator[Exchange]:
        shuffled = exchanges.copy()
        Random(worker).shuffle(shuffled)
        return cycle(shuffled)

    return Operation(endless, lambda _exchange, _body: None)
