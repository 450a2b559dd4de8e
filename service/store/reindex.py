"""Reindexing: the index of every resource made anew where other definitions made it."""

from collections.abc import Callable, Mapping
from typing import Any

from service.fhir import json
from service.store.document import IndexedType
from service.store.driver import Document, Driver

_FACTS = {"_id": "definitions"}


async def types_to_reindex(driver: Driver, types: Mapping[str, IndexedType]) -> list[str]:
    """Return the types whose resources may be indexed by other definitions than today's.

    A new store is marked with today's.
    """
    facts = driver.collection("service")
    ours = {name: indexed.definitions for name, indexed in types.items()}
    await facts.update_one(_FACTS, {"$setOnInsert": ours}, upsert=True)
    found: Document = await facts.find_one(_FACTS)
    return [name for name, definitions in ours.items() if found.get(name) != definitions]


async def count_stale(driver: Driver, resource_type: str, indexed: IndexedType) -> int:
    """Return how many resources are indexed by other definitions than ``indexed``."""
    total: int = await driver.collection(resource_type).count_documents(_stale(indexed))
    return total


async def reindex(driver: Driver, resource_type: str, indexed: IndexedType, done: Callable[[], Any]) -> None:
    """Index every stale resource of a type anew and call ``done`` after each; safe while the service runs.

    A resource that changes meanwhile is left alone: the write that changed it has indexed it.
    """
    collection = driver.collection(resource_type)
    async for document in collection.find(_stale(indexed), {"body": 1, "version": 1}):
        index = indexed.indexer(json.parse(document["body"]))
        condition = {"_id": document["_id"], "version": document["version"]}
        await collection.update_one(condition, {"$set": {**index, "definitions": indexed.definitions}})
        done()
    await driver.collection("service").update_one(_FACTS, {"$set": {resource_type: indexed.definitions}})


def _stale(indexed: IndexedType) -> Document:
    return {"deleted": False, "definitions": {"$ne": indexed.definitions}}
