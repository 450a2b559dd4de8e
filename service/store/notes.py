"""What a transaction notes beside the resources: locks, and answers it gave. In time the database forgets them."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from service.store.driver import Document, Driver
from service.store.open import ANSWERS, LOCKS
from service.store.subscribers import Subscribers

_LOCK_KEPT = timedelta(hours=1)
"""Far longer than any transaction."""


class Notes:
    """The notes of one transaction, that of ``session``, made ``now``."""

    def __init__(self, driver: Driver, session: Any, now: datetime) -> None:
        self._locks, self._answers = driver.collection(LOCKS), driver.collection(ANSWERS)
        self._session = session
        self._now = now
        self._driver = driver

    @property
    def subscribers(self) -> Subscribers:
        """What is kept of subscriptions beside them."""
        return Subscribers(self._driver, self._session)

    async def lock(self, name: str) -> None:
        """Let this transaction be the only one of those that lock ``name`` which commits: others have to run again."""
        query = {"_id": sha256(name.encode()).hexdigest()}
        change = {"$inc": {"times": 1}, "$set": {"expires": self._now + _LOCK_KEPT}}
        await self._locks.update_one(query, change, upsert=True, session=self._session)

    async def recall(self, name: str) -> Document | None:
        """Return what was remembered under ``name``, unless that has expired."""
        query = {"_id": name, "expires": {"$gt": self._now}}
        found: Document | None = await self._answers.find_one(query, session=self._session)
        return found

    async def remember(self, name: str, content: Document, kept: timedelta) -> None:
        """Keep ``content`` under ``name``."""
        document = {"_id": name, "expires": self._now + kept, **content}
        await self._answers.replace_one({"_id": name}, document, upsert=True, session=self._session)
