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

Command = dict[str, list[Any]]
"""By the name of a part its values."""


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
        sum(_number(each, "documentsExamined") for each in commands) / returned,
        sum(_number(each, "keysExamined") for each in commands) / returned,
        tuple(index for each in commands for index in each.get("index", ())),
        any(each["collectionScan"] == [True] for each in commands),
    )


def _number(command: Command, name: str) -> float:
    """Return what a command says, NaN where there was no time to count it."""
    return float(sum(command[name])) if name in command else float("nan")


def _commands(parameters: dict[str, Any]) -> Iterator[Command]:
    """Yield the parts of each ``query`` of a Parameters resource."""
    for parameter in parameters.get("parameter", ()):
        if parameter["name"] == "query":
            command: Command = {}
            for part in parameter["part"]:
                command.setdefault(part["name"], []).extend(part[key] for key in part if key.startswith("value"))
            yield command
