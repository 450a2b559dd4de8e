"""An audit of resources that stand in a list, as the store would give them."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.fhir.reference import Addresses
from service.fhir.versions import R4
from service.reporting.measures.definition import Audit
from service.reporting.measures.results import POPULATIONS, Period, Results
from service.store.document import Stored
from tests.measures.written import BASE, PERIOD, body

URL = "https://w3id.org/recovery-plan/Measure/recovery-orientation-audit"
MONTH = Period(date.fromisoformat(PERIOD[0]), date.fromisoformat(PERIOD[1]))
DEFINITIONS = Definitions(R4)
ADDRESSES = Addresses(frozenset({BASE}))


@cache
def structures() -> Structures:
    """Return the structures of all types."""
    return Structures(DEFINITIONS)


def audit(measure: Mapping[str, Any] | None = None) -> Audit:
    """Return the published audit, or one by another Measure."""
    return Audit(dict(measure or DEFINITIONS.get(URL)), DEFINITIONS, structures(), ADDRESSES)


def states(resources: Iterable[dict[str, Any]]) -> Callable[[str], AsyncIterator[Sequence[Stored]]]:
    """Return what gives ``resources`` by type, some at a time, in the order of ids."""
    stored = sorted(
        (Stored(item["resourceType"], item["id"], 1, datetime.now(UTC), "PUT", body(item)) for item in resources),
        key=lambda version: version.id,
    )

    async def of_type(name: str) -> AsyncIterator[Sequence[Stored]]:
        found = [version for version in stored if version.type == name]
        for start in range(0, len(found), 100):
            yield found[start : start + 100]

    return of_type


def flat(results: Results) -> Counter[tuple[str, str, str, int]]:
    """Return every count that is not 0, by stratifier, value, indicator and population."""
    return Counter(
        {
            (*stratum, code, POPULATIONS.index(population)): count
            for stratum, counts in results.counts.items()
            for code, populations in counts.items()
            for population, count in populations.items()
            if count
        }
    )
