"""The versions of a resource, the latest first (https://hl7.org/fhir/R4/http.html#history).

The current version stands in the collection of its type, be it a deletion, and earlier ones in the collection beside
it. A write copies the current version there before it replaces it: where it stopped in between, or lost a race, a copy
of what is still current is met, and left out by who reads.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from service.fhir.datetimes import microseconds, moment_of
from service.store.document import SERVED, Stored, from_history, key_of, to_stored
from service.store.driver import Document
from service.store.filter import both
from service.store.indexes import LAST_UPDATED
from service.store.pages import page_of
from service.store.place import Place
from service.store.reading import Moment, Reading

LATEST = 2**31 - 1
"""A number that no version reaches."""


@dataclass(frozen=True, slots=True)
class Within:
    """Which versions are wanted: those of ``since`` or later, and of them what was current some time in ``at``."""

    since: datetime | None = None
    at: tuple[datetime, datetime] | None = None
    """Begin and end, both included. What is current is taken to stay so."""

    @property
    def until(self) -> datetime | None:
        """The latest time that a version can be of."""
        return self.at[1] if self.at else None

    def seen_at(self, moment: int | None) -> "Within":
        """Return the same for who saw at ``moment``, in microseconds, what is current: it counts as such later on."""
        if self.at is None or moment is None:
            return self
        return replace(self, at=(min(self.at[0], moment_of(moment)), self.at[1]))

    def demands(self, field: str, time: Callable[[datetime], Any]) -> list[Document]:
        """Return the filters for the time of a version, which stands in ``field`` as ``time`` returns it."""
        ends = (("$gte", self.since), ("$lte", self.until))
        return [{field: {operator: time(moment)}} for operator, moment in ends if moment is not None]

    def holds(self, moment: datetime) -> bool:
        """Return whether ``demands`` leave a version of ``moment``."""
        is_early = self.since is not None and moment < self.since
        return not is_early and (self.until is None or moment <= self.until)


EVERY = Within()


@dataclass(frozen=True, slots=True)
class Versions:
    """A page of a history."""

    versions: list[Stored]
    before: Place | None
    """From where the page before is read, None on the first."""
    after: Place | None
    """From where the next page is read, None on the last."""
    moment: Moment | None = None
    """The moment whose state it shows; None in a transaction, and where any moment shows the same."""
    newest: int | None = None
    """Of one resource the number of the current version, which is how many there are."""


async def versions_of(
    reading: Reading, resource_type: str, resource_id: str, within: Within, count: int, place: Place | None, newest: int
) -> Versions | None:
    """Return a page of the versions up to ``newest`` of one resource, or None where its id was never used.

    It is read by one command. What is earlier never changes, so pages up to the same number show one moment.
    """
    is_backward = place is not None and place.backward
    lowest, highest = _numbers(place, newest)
    between = {"$gte": key_of(resource_id, lowest), "$lte": key_of(resource_id, highest)}
    earlier: list[Document] = [
        {"$match": both({"_id": between}, *within.demands(LAST_UPDATED, same))},
        {"$sort": {"_id": 1 if is_backward else -1}},
        {"$limit": count + 1},
    ]
    now: list[Document] = [{"$match": {"_id": resource_id}}, {"$project": SERVED}]
    both_kinds = [(resource_type, now), (f"{resource_type}_history", earlier)]
    documents = await reading.union(both_kinds, count + 2)
    current = next((to_stored(resource_type, each) for each in documents if each["_id"] == resource_id), None)
    if current is None:
        return None
    found = {each["_id"]["version"]: from_history(resource_type, each) for each in documents if "version" not in each}
    if lowest <= current.version <= highest and within.holds(current.last_updated):
        found[current.version] = current
    versions = [found[number] for number in sorted(found, reverse=not is_backward)]
    if within.at and not is_backward:
        versions = _down_to(within.at[0], versions)
    page, before, after = page_of(versions, count, place, place_of)
    return Versions(page, before, after, newest=current.version)


def same(moment: datetime) -> datetime:
    """Return a time as documents have it."""
    return moment


def place_of(version: Stored, backward: bool) -> Place:
    """Return the place beside ``version``: its time in microseconds, type, id and number."""
    values = (microseconds(version.last_updated), version.type, version.id, version.version)
    return Place(values, backward=backward)


def _numbers(place: Place | None, newest: int) -> tuple[int, int]:
    """Return the lowest and the highest number of what is on the way from ``place``."""
    if place is None:
        return 1, newest
    number: int = place.values[-1]
    return (number + 1, newest) if place.backward else (1, number - 1)


def _down_to(moment: datetime, versions: list[Stored]) -> list[Stored]:
    """Return ``versions``, the latest first, down to the one that was current at ``moment``."""
    earlier = (position for position, version in enumerate(versions) if version.last_updated <= moment)
    return versions[: next(earlier, len(versions)) + 1]
