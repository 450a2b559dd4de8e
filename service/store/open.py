"""Opening the store: collections, indexes, and the few facts that the store keeps of itself."""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from pymongo import IndexModel
from pymongo.errors import CollectionInvalid, OperationFailure

from service.conformance.search_parameters import SearchParameter
from service.store.driver import Driver
from service.store.indexes import index_models

FORMAT = 1
"""Version of the document format; a store of a newer one is refused."""
_FACTS = "service"
_NAMESPACE_EXISTS = 48


class NewerFormatError(Exception):
    """The store was written by a newer version of the service."""


async def prepare(driver: Driver, parameters: Mapping[str, Iterable[SearchParameter]]) -> None:
    """Make what is missing of collections and indexes; raises NewerFormatError where the store is too new."""
    await check_format(driver)
    existing = set(await driver.database.list_collection_names())
    for resource_type, its_parameters in parameters.items():
        for name in (resource_type, f"{resource_type}_history"):
            if name not in existing:
                await _create_collection(driver, name)
        await _make_indexes(driver.collection(resource_type), index_models(its_parameters))


async def check_format(driver: Driver) -> None:
    """Mark a new store with our format; raises NewerFormatError where the store has a newer one."""
    facts = driver.collection(_FACTS)
    query, fresh = {"_id": "format"}, {"$setOnInsert": {"version": FORMAT}}
    await facts.update_one(query, fresh, upsert=True)
    found = (await facts.find_one(query))["version"]
    if found > FORMAT:
        raise NewerFormatError(f"the store has format {found}, and this version of the service knows {FORMAT}")


async def page_secret(driver: Driver) -> bytes:
    """Return the key that signs page tokens, the same for every worker that shares the store."""
    facts = driver.collection(_FACTS)
    query, fresh = {"_id": "page-secret"}, {"$setOnInsert": {"key": secrets.token_bytes(32)}}
    await facts.update_one(query, fresh, upsert=True)
    return bytes((await facts.find_one(query))["key"])


async def _make_indexes(collection: Any, models: list[IndexModel]) -> None:
    """Make the indexes that are missing, and anew those that are there under the same name in another form."""
    existing = await collection.index_information()
    for model in models:
        wanted = model.document
        found = existing.get(wanted["name"])
        if found is not None and found.get("partialFilterExpression") != wanted["partialFilterExpression"]:
            await collection.drop_index(wanted["name"])
    await collection.create_indexes(models)


async def _create_collection(driver: Driver, name: str) -> None:
    try:
        await driver.database.create_collection(name)
    except CollectionInvalid:
        return  # another worker made it at the same moment
    except OperationFailure as error:
        if error.code != _NAMESPACE_EXISTS:
            raise
