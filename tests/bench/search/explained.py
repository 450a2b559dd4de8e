"""What the database does for a query, as ``_explain=true`` tells it: indexes, and what is examined for an answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.bench.driver import BenchError
from tests.bench.search.queries import Query
from tests.bench.search.site import Site

MOST_EXAMINED = 3.0
"""Documents for each one returned."""
_ASKED = 8
"""Addresses of a query that are explained."""


@dataclass(frozen=True)
class Examined:
    """The worst of the explained requests."""

    documents: float = float("nan")
    """Examined for each one in the answer."""
    keys: float = float("nan")
    indexes: tuple[str, ...] = ()
    scans: bool = False
    """Whether a whole collection was read."""
    failure: str = ""


def explain(site: Site, query: Query) -> Examined:
    """Return what the query costs the database at most, over some of its addresses."""
    addresses = query.addresses(site.filled.samples)
    try:
        found = [_explain(site, site.page(each, query.page)) for each in addresses[:: len(addresses) // _ASKED or 1]]
    except BenchError as error:
        return Examined(failure=str(error))
    return Examined(
        max(each.documents for each in found),
        max(each.keys for each in found),
        tuple(dict.fromkeys(index for each in found for index in each.indexes)),
        any(each.scans for each in found),
    )


def _explain(site: Site, address: str) -> Examined:
    answer = site.get(address)
    returned = len(answer.get("entry", ())) or answer.get("total", 0) or 1
    commands = list(_commands(site.get(f"{address}&_explain=true" if "?" in address else f"{address}?_explain=true")))
    if not commands:
        raise BenchError(f"{address}: _explain=true tells of no command")
    return Examined(
        sum(float(each["documentsExamined"]) for each in commands) / returned,
        sum(float(each["keysExamined"]) for each in commands) / returned,
        tuple(str(each["index"]) for each in commands if each.get("index")),
        any(each["collectionScan"] for each in commands),
    )


def _commands(parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the parts of each ``query`` of a Parameters resource by their names."""
    for parameter in parameters.get("parameter", ()):
        if parameter["name"] == "query":
            yield {part["name"]: _value(part) for part in parameter["part"]}


def _value(part: dict[str, Any]) -> Any:
    return next((value for key, value in part.items() if key.startswith("value")), None)
