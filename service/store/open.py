"""Opening the store: collections, indexes, and the few facts that the store keeps of itself."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pymongo import IndexModel
from pymongo.errors import CollectionInvalid, OperationFailure

from service.store.audit_block import ANCHORS, AUDIT, INDEXES, WRITERS
from service.store.document import IndexedType
from service.store.driver import Document, Driver
from service.store.indexes import OF_HISTORY
from service.store.readiness import note_definitions

FORMAT = 1
"""Version of the document format; a store of a newer one is refused."""
_FACTS = "service"
LOCKS = "locks"
ANSWERS = "idempotency"
JOBS = "jobs"
JOB_PIECES = "job_pieces"
SUBSCRIBERS = "subscribers"
NOTIFICATIONS = "notifications"
FOLLOWING = "following"
MEASURES = "measures"
_FLEETING = (LOCKS, ANSWERS, JOBS, JOB_PIECES, MEASURES)
"""Collections whose documents the database removes when they have expired."""
_NAMESPACE_EXISTS = 48
_PATIENCE = 2.0
"""Seconds before the making of indexes is told of; each time after that it takes three times as long."""

log = logging.getLogger(__name__)
Tell = Callable[[str], Any]


class NewerFormatError(Exception):
    """The store was written by a newer version of the service."""


async def prepare(driver: Driver, types: Mapping[str, IndexedType], tell: Tell = log.info) -> None:
    """Make what is missing of collections and indexes; raises NewerFormatError where the store is too new.

    Safe while others write. To index many documents takes minutes, of which ``tell`` is told.
    """
    await check_format(driver)
    existing = set(await driver.database.list_collection_names())
    for name in _FLEETING:
        if name not in existing:
            await _create_collection(driver, name)
        await driver.collection(name).create_index("expires", expireAfterSeconds=0)
    for name in (AUDIT, WRITERS, ANCHORS, SUBSCRIBERS, NOTIFICATIONS, FOLLOWING):
        if name not in existing:
            await _create_collection(driver, name)
    await driver.collection(NOTIFICATIONS).create_index([("subscriber", 1), ("order", 1)])
    await _make_indexes(driver.collection(AUDIT), INDEXES, tell)
    for resource_type, indexed in types.items():
        for name in (resource_type, f"{resource_type}_history"):
            if name not in existing:
                await _create_collection(driver, name)
        await note_definitions(driver, resource_type, indexed)
    making = {f"{name}_history": [OF_HISTORY] for name in types}
    making |= {name: [index.model for index in indexed.indexes] for name, indexed in types.items()}
    await asyncio.gather(*(_make_indexes(driver.collection(name), models, tell) for name, models in making.items()))


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
    return await _secret(driver, "page-secret")


async def rounding_secret(driver: Driver) -> bytes:
    """Return the key by which published counts are rounded, the same for every worker and for ever."""
    return await _secret(driver, "rounding-secret")


async def _secret(driver: Driver, name: str) -> bytes:
    facts = driver.collection(_FACTS)
    query, fresh = {"_id": name}, {"$setOnInsert": {"key": secrets.token_bytes(32)}}
    await facts.update_one(query, fresh, upsert=True)
    return bytes((await facts.find_one(query))["key"])


async def _make_indexes(collection: Any, models: list[IndexModel], tell: Tell) -> None:
    """Make the indexes that are missing, or wait for those that another process is making.

    One that is there under another name will do. None is ever dropped: another process may need it, or the operator.
    """
    existing: Mapping[str, Document] = await collection.index_information()
    names = {model.document["name"] for model in models}
    others = [_form(document) for name, document in existing.items() if name not in names]
    wanted = [model for model in models if _form(model.document) not in others]
    documents = await collection.estimated_document_count()
    # A member of the replica set that is down must not keep the service from starting.
    making = collection.create_indexes(wanted, commitQuorum="majority")
    await _telling(making, f"{collection.name}: indexes are made over about {documents} documents", tell)


async def _telling(work: Awaitable[Any], sentence: str, tell: Tell) -> None:
    """Wait for ``work``, and where it takes long say so by ``sentence``, and when it is done."""
    begin = time.monotonic()
    told = asyncio.create_task(_tell_on(sentence, tell))
    try:
        await work
    finally:
        told.cancel()
    if (seconds := time.monotonic() - begin) > _PATIENCE:
        tell(f"{sentence}: done after {seconds:.0f} s")


async def _tell_on(sentence: str, tell: Tell) -> None:
    pause = _PATIENCE
    while True:
        await asyncio.sleep(pause)
        tell(f"{sentence}; reads and writes go on meanwhile")
        pause *= 3


def _form(index: Document) -> tuple[Any, Any]:
    """Return what makes an index what it is, as the driver writes it and as the database tells it."""
    return list(dict(index["key"]).items()), index.get("partialFilterExpression")


async def _create_collection(driver: Driver, name: str) -> None:
    try:
        await driver.database.create_collection(name)
    except CollectionInvalid:
        return  # another worker made it at the same moment
    except OperationFailure as error:
        if error.code != _NAMESPACE_EXISTS:
            raise
