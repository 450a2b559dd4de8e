"""The store: current resources, one collection per type, and beside each a collection of earlier versions.

A write is one insert or one replacement on condition of the version that was read; the index is made here, in the same
document. See ``docs/decisions.md`` for why an update needs no transaction.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from pymongo.errors import DuplicateKeyError

from service.search.source import Source
from service.security.access import Access, Permission
from service.store.document import (
    REVIVES,
    SERVED,
    IndexedType,
    Stored,
    from_history,
    index_of,
    key_of,
    later_than,
    make_document,
    make_tombstone,
    to_history,
    to_stored,
)
from service.store.driver import Document, Driver
from service.store.explained import Explained
from service.store.faults import ExistsError, MovedOnError, translated, within_time
from service.store.guard import Guard
from service.store.history import EVERY, LATEST, Versions, Within
from service.store.members import find_members, ids_by_type
from service.store.notes import Notes
from service.store.pages import Page, count_matches, find_page
from service.store.place import Place
from service.store.reading import Moment, Reading, read_within
from service.store.seen import seen_versions_of, seen_versions_of_types, still_seen
from service.store.transactions import Transactions
from service.store.words import find_words

T = TypeVar("T")
Clock = Callable[[], datetime]


class ResourceStore:
    """Reads and writes resources; inside ``transaction`` all of it is one."""

    def __init__(self, driver: Driver, types: Mapping[str, IndexedType], clock: Clock, search_seconds: float) -> None:
        self.explained: list[Explained] | None = None
        """What the database did for each command of a search, where that is asked for."""
        self._search_seconds = search_seconds
        self._driver = driver
        self._types = types
        self._clock = clock
        self._guard = Guard(types)
        self._session: Any = None
        self._transactions = Transactions(driver)
        self._new: dict[str, dict[str, Document]] = {}
        """By type and id what a transaction creates, until it ends or asks for it."""
        self._current = {name: driver.collection(name) for name in types}
        self._history = {name: driver.collection(f"{name}_history") for name in types}

    def _bound_to(self, session: Any) -> "ResourceStore":
        """Return this store with every read and write in the transaction of ``session``, at one moment."""
        bound, moment = copy(self), self._clock()
        bound._session, bound._new, bound._clock = session, {}, lambda: moment
        return bound

    def seen_by(self, access: Access, purpose: Permission = "r") -> "ResourceStore":
        """Return this store as it is for a client with ``access``, who reads resources for a ``purpose``."""
        bound = copy(self)
        bound._guard = Guard(self._types, access, purpose)
        return bound

    @property
    def in_transaction(self) -> bool:
        """Whether writes here are part of a transaction."""
        return self._session is not None

    @translated
    async def check(self) -> None:
        """Raise OutcomeError 503 unless the database answers."""
        await self._driver.ping()

    @translated
    async def read(self, resource_type: str, resource_id: str) -> Stored | None:
        """Return the current version, which may be a deletion, or None where the id was never used."""
        if resource_id in self._new.get(resource_type, ()):
            await self._flush(resource_type)
        if self._guard.limits(self._guard.purpose, resource_type):
            found = await self._read(lambda reading: self._guard.one(reading, resource_type, resource_id), None)
        else:
            found = await self._current[resource_type].find_one({"_id": resource_id}, SERVED, session=self._session)
        return to_stored(resource_type, found) if found else None

    @translated
    async def read_version(self, resource_type: str, resource_id: str, version: int) -> Stored | None:
        """Return one version, or None where there is none of that number."""
        current = await self.read(resource_type, resource_id)
        if current is None or current.version == version:
            return current
        query = {"_id": key_of(resource_id, version)}
        found = await self._history[resource_type].find_one(query, session=self._session)
        earlier = from_history(resource_type, found) if found else None
        return earlier if earlier and self._guard.admits(self._guard.purpose, earlier) else None

    @translated
    async def members(self, resources: Iterable[str], names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return of those ``resources`` (``Type/id``) that exist the members ``names``, as the database holds them."""
        ids = ids_by_type(resources)

        async def read(reading: Reading) -> dict[str, dict[str, Any]]:
            return await find_members(reading, await self._guard.known(reading, ids), names)

        return await self._read(read, None) if ids else {}

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

    async def _flush(self, *resource_types: str) -> None:
        """Send what the transaction has created of these types so far."""
        for resource_type in resource_types:
            documents = list(self._new.pop(resource_type, {}).values())
            collection = self._current[resource_type]
            if len(documents) == 1:  # a call for many costs nearly twice as much
                await collection.insert_one(documents[0], session=self._session)
            elif documents:
                await collection.insert_many(documents, session=self._session)

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

    @translated
    async def search(
        self, sources: Sequence[Source], count: int, place: Place | None = None, *, at: Moment | None = None
    ) -> Page:
        """Return at most ``count`` matches of ``sources`` beside ``place``, as they are now or were at a moment.

        Raises PastMomentError where the database no longer has that state, OutcomeError 503 where it takes too long.
        """

        async def read(reading: Reading) -> Page:
            found, before, after = await find_page(reading, self._served(sources), count, place)
            return Page([to_stored(each.type, each.document) for each in found], before, after, reading.moment)

        page = await self._read(read, at)
        return replace(page, matches=await still_seen(self._guard, self._read, page.matches)) if at else page

    @translated
    async def count(self, sources: Sequence[Source], *, at: Moment | None = None) -> int:
        """Return how many resources match, now or at a moment; raises as ``search`` does."""
        return await self._read(lambda reading: count_matches(reading, self._served(sources)), at)

    @translated
    async def words(self, asked: Sequence[tuple[str, str]], most: int) -> list[list[str]]:
        """Return for each type and code of a parameter the different values in the index that parameters share.

        They are in order, ``most`` of each at most, and all as at one moment. Raises OutcomeError 403 where the client
        may not see all resources of a type, for the index does not tell whose words they are.
        """
        self._guard.check_unlimited(name for name, _ in asked)

        async def read(reading: Reading) -> list[list[str]]:
            return await reading.each([partial(find_words, reading, name, code, most) for name, code in asked])

        return await self._read(read, None)

    def explaining(self) -> "ResourceStore":
        """Return this store with each search and count ``explained``; every command is sent twice for that.

        Raises OutcomeError 403 where anything is kept from the client, for numbers tell of that too.
        """
        self._guard.check_unlimited(self._types)
        bound = copy(self)
        bound.explained = []
        return bound

    def _served(self, sources: Sequence[Source]) -> list[Source]:
        return self._guard.searched(source for source in sources if source.type in self._types)

    @translated
    async def versions(
        self,
        resource_type: str,
        resource_id: str,
        count: int,
        place: Place | None = None,
        *,
        within: Within = EVERY,
        newest: int = LATEST,
    ) -> Versions | None:
        """Return at most ``count`` versions of one resource beside ``place``, or None where its id was never used.

        Those after ``newest`` count as not there yet. Raises OutcomeError 503 where it takes too long.
        """
        return await self._read(
            lambda reading: seen_versions_of(
                self._guard, reading, resource_type, resource_id, within, count, place, newest
            ),
            None,
        )

    @translated
    async def history(
        self,
        types: Sequence[str],
        count: int,
        place: Place | None = None,
        *,
        within: Within = EVERY,
        at: Moment | None = None,
    ) -> Versions:
        """Return at most ``count`` versions of all resources of ``types`` beside ``place``; raises as ``search``."""
        found = await self._read(
            lambda reading: seen_versions_of_types(self._guard, reading, types, within, count, place), at
        )
        return replace(found, versions=await still_seen(self._guard, self._read, found.versions)) if at else found

    async def _read(self, read: Callable[[Reading], Awaitable[T]], at: Moment | None) -> T:
        await self._flush(*self._new)
        return await read_within(self._search_seconds, read, self._driver, self._session, at, self.explained)

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
