"""All versions of all resources up to a moment, for a backup.

What is current is read before what is earlier: a version that is replaced meanwhile is found among the earlier ones.
"""

from collections.abc import AsyncIterator
from datetime import datetime

from service.fhir.datetimes import microseconds
from service.store.document import SERVED, Stored, from_history, key_of, to_stored
from service.store.driver import Driver
from service.store.history import LATEST
from service.store.indexes import DELETED, LAST_UPDATED

AT_ONCE = 200
"""Resources whose versions are read at a time."""


class BackupReading:
    """Reads the versions from after ``since``, if that is given, up to ``at``; with ``history`` not the last alone."""

    def __init__(self, driver: Driver, at: datetime, since: datetime | None = None, *, history: bool = True) -> None:
        self._driver = driver
        self._at = at
        self._since = since
        self._history = history

    async def resources(self, resource_type: str) -> AsyncIterator[list[list[Stored]]]:
        """Yield the versions of each resource, the first one first, in the order of ids, some resources at a time."""
        collection, after = self._driver.collection(resource_type), ""
        while True:
            found = await collection.find({"_id": {"$gt": after}}, SERVED, sort=[("_id", 1)], limit=AT_ONCE).to_list(
                None
            )
            if not found:
                return
            yield await self._versions([to_stored(resource_type, document) for document in found])
            after = found[-1]["_id"]

    async def _versions(self, current: list[Stored]) -> list[list[Stored]]:
        known = {version.id: {version.version: version} for version in current}
        if self._history or any(version.last_updated > self._at for version in current):
            name = current[0].type
            between = {"$gte": key_of(current[0].id, 0), "$lte": key_of(current[-1].id, LATEST)}
            async for document in self._driver.collection(f"{name}_history").find({"_id": between}):
                version = from_history(name, document)
                if version.id in known:  # what was erased meanwhile is gone
                    known[version.id].setdefault(version.version, version)
        every = [[found[number] for number in sorted(found)] for found in known.values()]
        return [wanted for versions in every if (wanted := self._wanted(versions))]

    def _wanted(self, versions: list[Stored]) -> list[Stored]:
        past = [version for version in versions if version.last_updated <= self._at]
        kept = past if self._history else past[-1:]
        return [version for version in kept if self._since is None or version.last_updated > self._since]


async def newest_after(driver: Driver, resource_type: str, moment: datetime) -> datetime | None:
    """Return when the latest version after ``moment`` came to be, or None where there is none."""
    of_type = driver.collection(resource_type)
    begin = "search._lastUpdated.lo"
    living = await of_type.find_one({begin: {"$gt": microseconds(moment)}}, SERVED, sort=[(begin, -1)])
    gone = {DELETED: True, LAST_UPDATED: {"$gt": moment}}
    deleted = await of_type.find_one(gone, SERVED, sort=[(LAST_UPDATED, -1)])
    return max((found[LAST_UPDATED] for found in (living, deleted) if found), default=None)
