"""The store: current resources, one collection per type, and beside each a collection of earlier versions.

A write is one insert or one replacement on condition of the version that was read; the index is made here, in the same
document. See ``docs/decisions.md`` for why an update needs no transaction.
"""

from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from typing import Any, TypeVar

from pymongo.errors import DuplicateKeyError

from service.security.access import Permission
from service.store.document import (
    REVIVES,
    IndexedType,
    Stored,
    index_of,
    later_than,
    make_document,
    make_tombstone,
    to_history,
    to_stored,
)
from service.store.driver import Document, Driver
from service.store.faults import ExistsError, MovedOnError, translated, within_time
from service.store.notes import Notes
from service.store.reader import Clock, ResourceReader
from service.store.transactions import Transactions

T = TypeVar("T")


class ResourceStore(ResourceReader):
    """Reads and writes resources; inside ``transaction`` all of it is one."""

    def __init__(self, driver: Driver, types: Mapping[str, IndexedType], clock: Clock, search_seconds: float) -> None:
        super().__init__(driver, types, clock, search_seconds)
        self._transactions = Transactions(driver)

    def _bound_to(self, session: Any) -> "ResourceStore":
        """Return this store with every read and write in the transaction of ``session``, at one moment."""
        bound, moment = copy(self), self._clock()
        bound._session, bound._new, bound._clock = session, {}, lambda: moment
        return bound

    @property
    def notes(self) -> Notes:
        """What this transaction notes beside the resources."""
        return Notes(self._driver, self._session, self._clock())

    @translated
    async def insert(self, resource_type: str, resource_id: str, resource: dict[str, Any], method: str) -> Stored:
        """Store a first version and return it; raises ExistsError where the id is taken.

        In a transaction the document goes to the database later, together with others of its type; an id that
        somebody else has taken by then is a conflict of the transaction.
        """
        moment = later_than(None, self._clock())
        document = make_document(resource, self._types[resource_type], resource_id, 1, moment, method)
        await self._permit("c", resource_type, document)
        if self.in_transaction:
            self._new.setdefault(resource_type, {})[resource_id] = document
            return to_stored(resource_type, document)
        try:
            async with within_time():
                await self._current[resource_type].insert_one(document)
        except DuplicateKeyError:
            raise ExistsError from None
        return to_stored(resource_type, document)

    @translated
    async def replace(self, current: Stored, resource: dict[str, Any], method: str) -> Stored:
        """Store the version after ``current`` and return it; raises MovedOnError where another write was faster."""
        moment = later_than(current, self._clock())
        indexed = self._types[current.type]
        document = make_document(resource, indexed, current.id, current.version + 1, moment, method)
        await self._permit("c" if current.deleted else "u", current.type, document)
        if current.deleted:
            document[REVIVES] = True
        return await self._succeed(current, document)

    @translated
    async def bury(self, current: Stored) -> Stored:
        """Store the deletion after ``current`` and return it; raises MovedOnError where another write was faster."""
        moment = later_than(current, self._clock())
        index = index_of(current, self._types[current.type])
        await self._permit("d", current.type, {"_id": current.id, **index})
        return await self._succeed(current, make_tombstone(current, index, moment))

    async def _permit(self, permission: Permission, resource_type: str, document: Document) -> None:
        await self._guard.permit(permission, resource_type, document, lambda names: self.members(names, ()))

    async def _succeed(self, current: Stored, document: Document) -> Stored:
        """Copy ``current`` to history, then put ``document`` in its place.

        The copy is an upsert that changes nothing where it is there already: one left by a write that stopped in
        between would otherwise block every later one.
        """
        key, content = to_history(current)
        history, collection = self._history[current.type], self._current[current.type]
        condition = {"_id": current.id, "version": current.version}
        async with within_time():
            await history.update_one({"_id": key}, {"$setOnInsert": content}, upsert=True, session=self._session)
            result = await collection.replace_one(condition, document, session=self._session)
        if result.matched_count == 0:
            raise MovedOnError
        return to_stored(current.type, document)

    async def transaction(self, work: Callable[["ResourceStore"], Awaitable[T]]) -> T:
        """Return what ``work`` returns, having committed all its writes or none.

        ``work`` gets the store to use, and runs again where others touch the same records; after a while OutcomeError
        409 is raised. An error of ``work`` undoes everything. In a transaction, ``work`` is part of that one.
        """
        if self.in_transaction:
            return await work(self)

        async def attempt(session: Any) -> T:
            bound = self._bound_to(session)
            result = await work(bound)
            await bound._flush(*bound._new)
            return result

        return await self._transactions.run(attempt)
