"""Reindexing: the index of every resource made anew where other definitions made it.

What waits follows from the documents, so a run that was stopped is gone on with by the next, and what another service
writes in the meantime is seen.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from pymongo import UpdateOne

from service.fhir import json
from service.search import fields
from service.store.document import IndexedType
from service.store.driver import Document, Driver
from service.store.faults import DATABASE_ERRORS
from service.store.indexes import DEFINITIONS

BATCH = 500
"""Resources that are read, and written, at once."""
_ROUNDS = 10
"""Most looks for what others have written meanwhile by other definitions."""
_PAUSE = 0.5  # seconds before another look
_MEMBERS = ("search", fields.WORDS, "order", fields.TERMS, fields.CONTAINED)
"""All that an index can consist of; what today's lacks is taken out of the document."""


class CannotReindex(Exception):  # noqa: N818 - the name says what it is
    """Reindexing stopped; the message is one line. What was done is kept."""


async def count_stale(driver: Driver, resource_type: str, indexed: IndexedType) -> int:
    """Return how many resources are indexed by other definitions than ``indexed``."""
    total: int = await driver.collection(resource_type).count_documents(_stale(indexed))
    return total


async def reindex(driver: Driver, resource_type: str, indexed: IndexedType, done: Callable[[int], Any]) -> None:
    """Index every stale resource of a type anew, and call ``done`` with the number of each batch.

    Safe while services run: a resource that changes meanwhile is left to the write that changed it. Raises
    CannotReindex where the database fails, a resource cannot be indexed, or a service with other definitions keeps
    writing.
    """
    collection = driver.collection(resource_type)
    try:
        for round_ in range(_ROUNDS):
            if await collection.find_one(_stale(indexed), {"_id": 1}) is None:
                return
            if round_ > 0:
                await asyncio.sleep(_PAUSE)
            await _once(collection, indexed, done)
    except DATABASE_ERRORS as error:
        reason = f"the database failed ({type(error).__name__})"
        raise CannotReindex(f"{resource_type}: {reason}; what was done is kept, so run this again") from error
    raise CannotReindex(f"{resource_type}: a service with other definitions keeps writing; stop it, and run this again")


async def _once(collection: Any, indexed: IndexedType, done: Callable[[int], Any]) -> None:
    """Index what is stale now; the next batch is read and indexed while the database writes the one before."""
    cursor = collection.find(_stale(indexed), {"body": 1, "version": 1}, batch_size=BATCH)
    writing: asyncio.Task[None] | None = None
    try:
        while documents := await cursor.to_list(BATCH):
            writes = [_write(collection.name, document, indexed) for document in documents]
            if writing is not None:
                await writing
            writing = asyncio.create_task(_send(collection, writes, done))
    finally:
        if writing is not None:
            await writing


async def _send(collection: Any, writes: list[UpdateOne], done: Callable[[int], Any]) -> None:
    await collection.bulk_write(writes, ordered=False)
    done(len(writes))


def _write(resource_type: str, document: Document, indexed: IndexedType) -> UpdateOne:
    try:
        index = indexed.indexer(json.parse(document["body"]))
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        reason = f"cannot be indexed ({type(error).__name__})"
        raise CannotReindex(f"{resource_type}/{document['_id']} {reason}; what was done is kept") from error
    change = {"$set": {**index, DEFINITIONS: indexed.definitions}}
    if gone := {name: "" for name in _MEMBERS if name not in index}:
        change["$unset"] = gone
    return UpdateOne({"_id": document["_id"], "version": document["version"]}, change)


def _stale(indexed: IndexedType) -> Document:
    return {DEFINITIONS: {"$nin": [None, indexed.definitions]}}
