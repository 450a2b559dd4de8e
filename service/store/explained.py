"""How the database came by an answer: https://www.mongodb.com/docs/v6.0/reference/explain-results/."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bson import json_util
from pymongo.errors import OperationFailure

from service.store.driver import Document, Driver

_MAX_TIME_EXPIRED = 50
_NOT_DONE = ("rejectedPlans", "allPlansExecution", "executionStages", "parsedQuery", "command")
"""What an explanation says beside that which was done, or says again."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A command that was sent, and what the database did for it.

    The numbers are None where there was no time to take them. The database takes those of a command that joins
    documents by reading all that come before the join, be it that the first few of them filled the page.
    """

    collection: str
    query: str
    """The filter and order, or the stages, as JSON (MongoDB Extended JSON v2, relaxed)."""
    indexes: tuple[str, ...]
    collection_scan: bool
    """Whether any collection was read from its beginning, for want of an index."""
    keys_examined: int | None
    documents_examined: int | None
    returned: int | None
    milliseconds: int | None


async def explain(driver: Driver, command: Document, collection_name: str, milliseconds: int) -> Explained:
    """Return how the database answers ``command`` now, which is done again for that in the time that is given."""
    told = await _with_numbers(driver, command, milliseconds)
    told = told or await driver.command({"explain": command, "verbosity": "queryPlanner"}, None)
    every = list(_parts(told))
    query = {name: command[name] for name in ("filter", "sort", "limit", "pipeline") if name in command}
    return Explained(
        collection=collection_name,
        query=json_util.dumps(query, json_options=json_util.RELAXED_JSON_OPTIONS),
        indexes=tuple(sorted({name for part in every for name in _indexes(part)})),
        collection_scan=any(map(_scans, every)),
        keys_examined=_total(every, "totalKeysExamined"),
        documents_examined=_total(every, "totalDocsExamined"),
        returned=_last(told, "nReturned"),
        milliseconds=_last(told, "executionTimeMillis"),
    )


async def _with_numbers(driver: Driver, command: Document, milliseconds: int) -> Document | None:
    """Return an explanation with numbers, or None where the time is up before they are known."""
    try:
        told = await driver.command(
            {"explain": command, "verbosity": "executionStats", "maxTimeMS": milliseconds}, None
        )
    except OperationFailure as error:
        if error.code != _MAX_TIME_EXPIRED:
            raise
        return None
    # Past the middle of a command the database tells the numbers so far, and that it was stopped.
    return told if all(part.get("executionSuccess", True) for part in _parts(told)) else None


def _parts(tree: Any) -> Iterator[Document]:
    """Yield every object in an explanation that tells of something done."""
    if isinstance(tree, dict):
        yield tree
        for name, part in tree.items():
            if name not in _NOT_DONE:
                yield from _parts(part)
    elif isinstance(tree, list):
        for part in tree:
            yield from _parts(part)


def _indexes(part: Document) -> list[str]:
    if part.get("stage") == "IDHACK":
        return ["_id_"]
    return [part["indexName"]] if "indexName" in part else list(part.get("indexesUsed", ()))


def _scans(part: Document) -> bool:
    """Return whether the whole of a collection is read, for documents of another one perhaps."""
    joins_without_index = "Indexed" not in part.get("strategy", "Indexed")
    return part.get("stage") == "COLLSCAN" or part.get("collectionScans", 0) > 0 or joins_without_index


def _total(parts: list[Document], name: str) -> int | None:
    numbers = [int(part[name]) for part in parts if name in part]
    return sum(numbers) if numbers else None


def _last(told: Document, name: str) -> int | None:
    """Return a number of the last stage, or of the whole where it has no stages."""
    stages: list[Document] = told.get("stages", [])
    whole: Document = stages[-1] if stages else told.get("executionStats", {})
    number = whole.get(name, whole.get(f"{name}Estimate"))
    return None if number is None else int(number)
