"""A page of 20 and a create, beside the floor on the same MongoDB: the page from the very same documents."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from pymongo import MongoClient

from tests.bench.driver import BenchError, drive, measure
from tests.bench.search.filling import DATABASE
from tests.bench.search.measurement import Plan, operation
from tests.bench.search.queries import PAGE
from tests.bench.search.site import Site
from tests.bench.servers import Server, running
from tests.bench.workload import Content, Operation, Workload

_PERSON = "search.patient"
_OWN = "bench_floor"
"""The floor's own database, for what it creates."""
_CONNECTIONS = 8
"""As the issues give the figures of ``make bench``."""
_WRITERS = 10
"""People for whom plans are created."""
_CREATED = {"$regex": "^Patient/bench-"}


@dataclass(frozen=True)
class Ratio:
    """Requests a second of floor and service, medians of the runs."""

    floor: float
    service: float

    @property
    def share(self) -> float:
        """How much of the floor's speed the service keeps."""
        return self.service / self.floor


async def compare_page(site: Site, directory: Path, plan: Plan) -> Ratio:
    """Return how a page of 20 of one person's plans compares."""
    regulars = [sample["person"] for sample in site.filled.samples["regular"]]
    addresses = [PAGE.format(person=person) for person in dict.fromkeys(regulars)]
    _refuse_scan(site, regulars[0])
    variables = {"RECOVERY_MONGODB_DATABASE": DATABASE, "FLOOR_PATIENT": _PERSON}
    with running("floor", "pymongo", site.filled.uri, directory, variables) as floor:
        floor_operation = operation(f"127.0.0.1:{floor.port}", addresses)
        return await _by_turns([(floor, floor_operation), (site.server, operation(site.host, addresses))], plan)


async def compare_create(site: Site, directory: Path, content: Content, plan: Plan) -> Ratio:
    """Return how creating a plan compares; what was created is removed at the end."""
    with ExitStack() as stack:
        stack.enter_context(_removing(site.filled.uri))
        variables = {"RECOVERY_MONGODB_DATABASE": _OWN}
        floor = stack.enter_context(running("floor", "pymongo", site.filled.uri, directory, variables))
        pairs = []
        for server in (floor, site.server):
            workload = Workload(content, f"127.0.0.1:{server.port}", _WRITERS)
            await drive(server.port, workload.prefill_related, _CONNECTIONS)
            pairs.append((server, workload.operations["create"]))
        return await _by_turns(pairs, plan)


async def _by_turns(pairs: Sequence[tuple[Server, Operation]], plan: Plan) -> Ratio:
    rates: list[list[float]] = [[] for _ in pairs]
    for _ in range(plan.runs):
        for (server, its_operation), found in zip(pairs, rates, strict=True):
            measured = await measure(server.port, its_operation, _CONNECTIONS, plan.seconds, plan.warm_up)
            found.append(measured.rate)
    floor, service = (median(found) for found in rates)
    return Ratio(floor, service)


def _refuse_scan(site: Site, person: str) -> None:
    """Raise BenchError unless the floor has an index to find the page by: it would be no floor."""
    with MongoClient[dict[str, Any]](site.filled.uri) as client:
        found = client[DATABASE]["CarePlan"].find({_PERSON: f"Patient/{person}"}).limit(20).explain()
    if "COLLSCAN" in str(found["queryPlanner"]["winningPlan"]):
        raise BenchError(f"the floor finds no index on {_PERSON}")


@contextmanager
def _removing(uri: str) -> Iterator[None]:
    """Remove at the end what the creates have left: the database is kept for other runs."""
    try:
        yield
    finally:
        with MongoClient[dict[str, Any]](uri) as client:
            client.drop_database(_OWN)
            for name in ("CarePlan", "Goal", "RiskAssessment"):
                client[DATABASE][name].delete_many({_PERSON: _CREATED})
