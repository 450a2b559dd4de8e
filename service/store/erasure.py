"""Erasure: a resource with all its versions goes, as if its id had never been used."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from typing import Any

from service.fhir.touched import Touched
from service.search.predicate import Predicate
from service.store.audit_block import AUDIT
from service.store.document import SERVED, Stored, from_history, key_of, to_stored
from service.store.driver import Document, Driver
from service.store.filter import to_filter
from service.store.history import LATEST
from service.store.open import ANSWERS, MEASURES
from service.store.transactions import Transactions

_AT_ONCE = 500

Belongs = Callable[[bytes], bool]
"""Whether a version, as its JSON text says, belongs to what is erased."""


class Erasure:
    """Reads and erases in the whole database, whoever may see what; ``types`` are those that are stored."""

    def __init__(self, driver: Driver, types: Sequence[str]) -> None:
        self._driver = driver
        self._types = types
        self._transactions = Transactions(driver)

    async def count(self) -> int:
        """Return about how many versions there are."""
        names = [name + suffix for name in self._types for suffix in ("", "_history")]
        return sum([await self._driver.collection(name).estimated_document_count() for name in names])

    async def current(self) -> AsyncIterator[Stored]:
        """Yield the current version of every resource, deletions among them."""
        for name in self._types:
            async for document in self._driver.collection(name).find({}, SERVED, batch_size=_AT_ONCE):
                yield to_stored(name, document)

    async def earlier(self) -> AsyncIterator[Stored]:
        """Yield every earlier version."""
        for name in self._types:
            async for document in self._history(name).find({}, batch_size=_AT_ONCE):
                yield from_history(name, document)

    async def last_of(self, resource_type: str, resource_id: str, session: Any = None) -> Stored | None:
        """Return the last version that is no deletion, also where nothing but that is left of the resource."""
        document = await self._driver.collection(resource_type).find_one({"_id": resource_id}, SERVED, session=session)
        if document is not None and "body" in document:
            return to_stored(resource_type, document)
        wanted = {**_versions_of(resource_id), "body": {"$exists": True}}
        earlier = await self._history(resource_type).find_one(wanted, sort=[("_id", -1)], session=session)
        return from_history(resource_type, earlier) if earlier else None

    async def found(self, resource_type: str, predicate: Predicate, session: Any = None) -> list[Stored]:
        """Return the resources for which ``predicate`` holds, which has no links."""
        cursor = self._driver.collection(resource_type).find(to_filter(predicate), SERVED, session=session)
        return [to_stored(resource_type, document) async for document in cursor]

    async def erase(
        self, resource_type: str, resource_id: str, belongs: Belongs, beside: tuple[str, Predicate], goes_too: Belongs
    ) -> list[Touched]:
        """Erase a resource in one transaction, unless it does not belong any more, and return what was erased.

        Of those ``beside`` it, a type and which resources of that, go those that ``goes_too`` says.
        """

        async def attempt(session: Any) -> list[Touched]:
            last = await self.last_of(resource_type, resource_id, session)
            if last is None or not belongs(last.body or b""):
                return []
            others = [each for each in await self.found(*beside, session) if goes_too(each.body or b"")]
            for each in (last, *others):
                await self._history(each.type).delete_many(_versions_of(each.id), session=session)
                await self._driver.collection(each.type).delete_one({"_id": each.id}, session=session)
            return [Touched(each.type, each.id, each.version, None, "D") for each in (last, *others)]

        return await self._transactions.run(attempt)

    async def forget_answers(self, holds: Callable[[bytes, Iterable[Touched]], bool]) -> int:
        """Empty the remembered answers that hold what is erased, and return how many there were.

        That they were given stays known: a request that is sent again does nothing anew.
        """
        answers = self._driver.collection(ANSWERS)
        emptied = 0
        async for document in answers.find({}, {"body": 1, "touched": 1}, batch_size=_AT_ONCE):
            if holds(document.get("body") or b"", [Touched(*each) for each in document.get("touched", ())]):
                change: Document = {"$set": {"body": None, "touched": []}}
                emptied += (await answers.update_one({"_id": document["_id"]}, change)).modified_count
        return emptied

    async def forget_counts(self) -> None:
        """Remove the counts of past months that are kept: they are counted again where they are asked for."""
        await self._driver.collection(MEASURES).delete_many({})

    async def count_audited(self, persons: Collection[str]) -> int:
        """Return how many blocks of the audit tell of a person."""
        found: int = await self._driver.collection(AUDIT).count_documents({"patients": {"$in": sorted(persons)}})
        return found

    def _history(self, resource_type: str) -> Any:
        return self._driver.collection(f"{resource_type}_history")


def _versions_of(resource_id: str) -> Document:
    return {"_id": {"$gte": key_of(resource_id, 0), "$lte": key_of(resource_id, LATEST)}}
