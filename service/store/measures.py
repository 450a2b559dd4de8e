"""The exact counts of months that were counted before; they are kept for the service itself and never served."""

import uuid
import zlib
from datetime import datetime, timedelta

from service.store.driver import Document, Driver
from service.store.faults import translated
from service.store.open import MEASURES

_KEPT = timedelta(days=400)
"""A year of monthly reports, and the month in which they are read."""


class KeptCounts:
    """Counts under the name of what was counted; how to forget them is the matter of `Erasure`."""

    in_transaction = False

    def __init__(self, driver: Driver) -> None:
        self._documents = driver.collection(MEASURES)

    @translated
    async def find(self, name: str) -> bytes | None:
        """Return what is kept under ``name``."""
        found = await self._documents.find_one({"_id": name}, {"counts": 1})
        return zlib.decompress(found["counts"]) if found and found["counts"] else None

    @translated
    async def begin(self, name: str, now: datetime) -> str:
        """Return by what to keep, once they are known, the counts of what is stored from now on."""
        ticket = uuid.uuid4().hex
        document: Document = {"_id": name, "ticket": ticket, "counts": None, "expires": now + _KEPT}
        await self._documents.replace_one({"_id": name}, document, upsert=True)
        return ticket

    @translated
    async def keep(self, name: str, ticket: str, counts: bytes) -> None:
        """Keep ``counts``, unless all was forgotten since they were begun: somebody may have been erased meanwhile."""
        change: Document = {"$set": {"counts": zlib.compress(counts)}}
        await self._documents.update_one({"_id": name, "ticket": ticket}, change)
