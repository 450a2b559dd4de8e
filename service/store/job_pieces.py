"""What is kept of a job beside it, in pieces that are small enough for a document each."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime

from pymongo import UpdateOne

from service.store.driver import Document, Driver
from service.store.faults import translated
from service.store.open import JOB_PIECES

LARGEST = 15_000_000
"""Bytes that a piece may have."""


class JobPieces:
    """The pieces of one job, by the name of what they are pieces of; they are forgotten when ``expires`` says."""

    in_transaction = False
    """What it writes is never part of a transaction."""

    def __init__(self, driver: Driver, job_id: str, expires: Callable[[], datetime]) -> None:
        self._pieces = driver.collection(JOB_PIECES)
        self._id = job_id
        self._expires = expires

    @translated
    async def put(self, name: str, number: int, body: bytes) -> None:
        """Keep a piece, in place of one of the same name and number."""
        document = {"_id": self._key(name, number), "body": body, "expires": self._expires()}
        await self._pieces.replace_one({"_id": document["_id"]}, document, upsert=True)

    @translated
    async def get(self, name: str, number: int) -> bytes | None:
        """Return a piece, or None where there is none."""
        found = await self._pieces.find_one({"_id": self._key(name, number)})
        return found["body"] if found else None

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """Yield all pieces of a name, in the order of their numbers."""
        after = f"{self._id}/{name}/"
        while (found := await self._next(name, after)) is not None:
            yield found["body"]
            after = found["_id"]

    @translated
    async def _next(self, name: str, after: str) -> Document | None:
        query = {"_id": {"$gt": after, "$lt": f"{self._id}/{name}0"}}
        found: Document | None = await self._pieces.find_one(query, sort=[("_id", 1)])
        return found

    @translated
    async def drop(self, name: str, number: int) -> None:
        """Forget a piece."""
        await self._pieces.delete_one({"_id": self._key(name, number)})

    @translated
    async def first_seen(self, name: str, items: Mapping[str, int]) -> dict[str, int]:
        """Return by item with which number it was first noted under ``name``, having noted those of ``items``."""
        keys = {f"{self._id}/{name}/{item}": item for item in items}
        kept = {"expires": self._expires()}
        writes = [
            UpdateOne({"_id": key}, {"$setOnInsert": {"number": items[item], **kept}}, upsert=True)
            for key, item in keys.items()
        ]
        if writes:
            await self._pieces.bulk_write(writes, ordered=False)
        found = await self._pieces.find({"_id": {"$in": [*keys]}}).to_list(None)
        return {keys[document["_id"]]: document["number"] for document in found}

    @translated
    async def forget(self, name: str | None = None) -> None:
        """Forget every piece of a name, or of the job."""
        prefix = self._id if name is None else f"{self._id}/{name}"
        await self._pieces.delete_many({"_id": {"$gte": f"{prefix}/", "$lt": f"{prefix}0"}})

    def _key(self, name: str, number: int) -> str:
        return f"{self._id}/{name}/{number:09}"
