"""Lawful erasure in the audit: whom events were about and what was asked for goes, who did what stays."""

from collections.abc import AsyncIterator, Collection
from dataclasses import replace

from service.security.audit import Parts, about_others, happened_in
from service.security.audit_terms import patients_of
from service.security.chain import Seals, rest_of
from service.store.audit_block import AUDIT, Terms, block_in, events_in
from service.store.driver import Document, Driver

_TRIES = 5
"""Of one block, which only another erasure can change."""


class AuditErasure:
    """Erases in the log of one database."""

    def __init__(self, driver: Driver, seals: Seals) -> None:
        self._blocks = driver.collection(AUDIT)
        self._seals = seals

    async def count(self, persons: Collection[str]) -> int:
        """Return how many blocks have events about a person."""
        found: int = await self._blocks.count_documents(_about(persons))
        return found

    async def erase(self, persons: Collection[str]) -> AsyncIterator[int]:
        """Erase what is about a person, who is known by each of ``persons``, such as ``Patient/1``.

        Yields the number of events after each block. To erase once more, after an interruption, does no harm. Raises
        PyMongoError, or ValueError for a block that was altered.
        """
        # The ids first: what is changed drops out of the index.
        names = [each["_id"] async for each in self._blocks.find(_about(persons), {"_id": 1})]
        for name in names:
            yield await self._erase_in(name, persons)

    async def _erase_in(self, name: str, persons: Collection[str]) -> int:
        for _ in range(_TRIES):
            document = await self._blocks.find_one({"_id": name})
            if document is None:  # pruned meanwhile
                return 0
            block = block_in(document)
            parts = [self._without(block.id, at, parts, persons) for at, parts in enumerate(block.events)]
            what = b"\n".join(each.what for each in parts)
            erased = sum(one.what != other.what for one, other in zip(parts, block.events, strict=True))
            terms = Terms(events_in(replace(block, what=what)))
            change = {"$set": {"what": what, **terms.as_document()}}
            done = await self._blocks.update_one({"_id": name, "what": block.what}, change)
            if done.matched_count:
                return erased
        raise RuntimeError(f"the block {name} is changed by others all the time")

    def _without(self, block: str, position: int, parts: Parts, persons: Collection[str]) -> Parts:
        """Return the parts of an event without what is about a person."""
        rest = rest_of(parts.what)
        if patients_of(happened_in(Parts(parts.who, rest))).isdisjoint(persons):
            return parts
        return Parts(parts.who, self._seals.erased(block, position, parts.what, about_others(rest, persons)))


def _about(persons: Collection[str]) -> Document:
    return {"patients": {"$in": sorted(persons)}}
