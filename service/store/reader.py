"""Reading the store: current resources, earlier versions, and the state at a moment.

What the client of a reader may not see is not there for it.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Self, TypeVar

from service.search.source import Source
from service.security.access import Access, Permission
from service.store.document import SERVED, IndexedType, Stored, from_history, key_of, to_stored
from service.store.driver import Document, Driver
from service.store.explained import Explained
from service.store.extents import WIDE, can_count, extent_of, rest_of
from service.store.faults import translated
from service.store.guard import Guard
from service.store.history import EVERY, LATEST, Versions, Within
from service.store.members import find_members, ids_by_type
from service.store.pages import Page, count_matches, find_page
from service.store.place import Place
from service.store.reading import Moment, Reading, read_within
from service.store.seen import seen_versions_of, seen_versions_of_types, still_seen
from service.store.state import StateOf, settled, state
from service.store.words import find_words

T = TypeVar("T")
Clock = Callable[[], datetime]


class ResourceReader:
    """Reads resources as a client may see them; in a transaction, all of it at one moment."""

    def __init__(self, driver: Driver, types: Mapping[str, IndexedType], clock: Clock, search_seconds: float) -> None:
        self.explained: list[Explained] | None = None
        """What the database did for each command of a search, where that is asked for."""
        self._search_seconds = search_seconds
        self._driver = driver
        self._types = types
        self._clock = clock
        self._guard = Guard(types)
        self._session: Any = None
        self._new: dict[str, dict[str, Document]] = {}
        """By type and id what a transaction creates, until it ends or asks for it."""
        self._current = {name: driver.collection(name) for name in types}
        self._history = {name: driver.collection(f"{name}_history") for name in types}

    def seen_by(self, access: Access, purpose: Permission = "r") -> Self:
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

    def explaining(self) -> Self:
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

    @translated
    async def settled(self) -> datetime:
        """Return the latest moment whose state cannot change any more."""
        return settled(self._clock(), await self._driver.lag())

    def state(self, asked: StateOf) -> AsyncGenerator[list[Stored]]:
        """Yield what is asked for as it was at a moment, in the order of ids, some at a time; raises as ``search``."""
        return state(asked, self._guard, self._read_translated)

    async def extent(self, asked: StateOf, most: int) -> tuple[int, str | None] | None:
        """Return how many resources ``state`` yields up to a certain id, ``most`` at most, and that id.

        The id is None where no more come after it. All is None where the database cannot count what is asked for.
        """
        if not can_count(asked, self._guard):
            return None
        size = max(most, WIDE)
        while (counted := await self._extent(asked, size))[0] > most:
            size = max(most, size // 2)
        return counted

    async def _extent(self, asked: StateOf, most: int) -> tuple[int, str | None]:
        extent = await self._read_translated(lambda reading: extent_of(asked, most, self._guard, reading))
        count = extent.number
        for rest in rest_of(asked, extent):
            async for versions in self.state(rest):
                count += len(versions)
        return count, extent.until

    @translated
    async def _read_translated(self, read: Callable[[Reading], Awaitable[T]]) -> T:
        return await self._read(read, None)

    async def _read(self, read: Callable[[Reading], Awaitable[T]], at: Moment | None) -> T:
        await self._flush(*self._new)
        return await read_within(self._search_seconds, read, self._driver, self._session, at, self.explained)

    async def _flush(self, *resource_types: str) -> None:
        """Send what the transaction has created of these types so far."""
        for resource_type in resource_types:
            documents = list(self._new.pop(resource_type, {}).values())
            collection = self._current[resource_type]
            if len(documents) == 1:  # a call for many costs nearly twice as much
                await collection.insert_one(documents[0], session=self._session)
            elif documents:
                await collection.insert_many(documents, session=self._session)
