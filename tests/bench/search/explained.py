"""What the database does for a query: by which indexes, as ``_explain=true`` tells it, and how much it examines.

What it examines is taken from its profiler, request by request: an explanation of a command that joins documents counts
all that come before the join, be it that the first few of them filled the page.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.bench.driver import BenchError
from tests.bench.search.profiled import profile
from tests.bench.search.queries import Query
from tests.bench.search.site import Site

MOST_EXAMINED = 3.0
"""Documents for each one in the answer."""
_ASKED = 8
"""Addresses of a query that are looked into."""


@dataclass(frozen=True)
class Examined:
    """The worst of the requests that were looked into."""

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
    chosen = addresses[:: len(addresses) // _ASKED or 1]
    try:
        done = [profile(site, site.page(each, query.page)) for each in chosen]
    except BenchError as error:
        return Examined(failure=str(error))
    examined = Examined(
        max(each.documents / max(1, each.answer) for each in done),
        max(each.keys / max(1, each.answer) for each in done),
    )
    try:
        commands = [command for each in chosen for command in _commands(site.get(_explaining(each)))]
    except BenchError as error:
        return replace(examined, failure=str(error))
    indexes = dict.fromkeys(index for each in commands for index in each.get("index", ()))
    scans = any(each["collectionScan"] == [True] for each in commands)
    return replace(examined, indexes=tuple(indexes), scans=scans)


def _explaining(address: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}_explain=true"


def _commands(parameters: dict[str, Any]) -> Iterator[dict[str, list[Any]]]:
    """Yield of each ``query`` of a Parameters resource the values of its parts by name."""
    for parameter in parameters["parameter"]:
        if parameter["name"] == "query":
            command: dict[str, list[Any]] = {}
            for part in parameter["part"]:
                command.setdefault(part["name"], []).extend(part[key] for key in part if key.startswith("value"))
            yield command
