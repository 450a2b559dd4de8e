"""``/metrics``: what a Prometheus server collects (https://prometheus.io/docs/instrumenting/exposition_formats/).

No label holds an address, an id or a client. Of several worker processes any answers for all: prometheus-client sums
their files in the directory that PROMETHEUS_MULTIPROC_DIR names.
"""

import os
from collections.abc import Awaitable, Callable, Iterator, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.fhir.outcome import Issue, OutcomeError
from service.rest.errors import refusal
from service.rest.forwarded import has_unknown_client
from service.rest.networks import is_within
from service.rest.observed import Seen
from service.rest.request_id import peer
from service.settings import IPNetwork

SHARED = "PROMETHEUS_MULTIPROC_DIR"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_NAMELESS = "other"


class Metrics:
    """Counts requests and their time, by interaction and status."""

    def __init__(self) -> None:
        self._seconds = Histogram(
            "recovery_plan_request_seconds",
            "Seconds from a request to its answer, by FHIR interaction and HTTP status; status 0 is a client that left",
            ("interaction", "status"),
            buckets=_BUCKETS,
            registry=None,
        )
        self._known: dict[tuple[str, int], Histogram] = {}

    def observe(self, seen: Seen) -> None:
        """Count one request."""
        kind = seen.interaction, seen.status
        found = self._known.get(kind)
        if found is None:
            found = self._known[kind] = self._seconds.labels(seen.interaction or _NAMELESS, str(seen.status))
        found.observe(seen.seconds)

    def text(self, now: Mapping[str, tuple[str, float]]) -> bytes:
        """Return everything in the format of Prometheus; ``now`` is what is not counted: description and value."""
        registry = CollectorRegistry()
        registry.register(_Now(now))
        if SHARED in os.environ:
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        else:
            registry.register(self._seconds)
        return generate_latest(registry)


class _Now(Collector):
    def __init__(self, values: Mapping[str, tuple[str, float]]) -> None:
        self._values = values

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, (description, value) in self._values.items():
            yield GaugeMetricFamily(f"recovery_plan_{name}", description, value=value)


def metrics_route(
    metrics: Metrics,
    allowed: tuple[IPNetwork, ...],
    check_store: Callable[[], Awaitable[None]],
    waiting: Callable[[], int],
) -> Route:
    """Return the route, for those whose address is ``allowed``.

    ``check_store`` raises OutcomeError where the database does not answer, ``waiting`` counts events for the audit.
    """

    async def answer(request: Request) -> Response:
        scope = request.scope
        if not is_within(peer(scope), allowed) or has_unknown_client(scope):
            return refusal(OutcomeError(Issue("forbidden", "Metrics are for the addresses in RECOVERY_METRICS_FROM")))
        now = {
            "database_ready": ("Whether the database answers", await _is_ready(check_store)),
            "audit_waiting": ("Events that this worker has yet to record", waiting()),
        }
        return Response(metrics.text(now), headers={"Cache-Control": "no-store"}, media_type=CONTENT_TYPE_LATEST)

    return Route("/metrics", answer)


async def _is_ready(check_store: Callable[[], Awaitable[None]]) -> bool:
    try:
        await check_store()
    except OutcomeError:
        return False
    return True
