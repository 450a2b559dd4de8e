"""Walks by key: the documents beyond the one that was seen last, in any order and either way.

Documents without a sort field come last, ascending or descending; turned round they come first. An order by several
keys is the order by the first, with its equals in the order by the rest. So all that is ever asked of the database is
the beginning of an order that an index can have, and within bounds that an index can have.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from service.search.source import SortKey
from service.store.driver import Document
from service.store.filter import both
from service.store.place import Values, rank, values_of

Keys = Sequence[SortKey]
Start = Sequence[Any] | None
"""The values of the document that was seen last; None where the walk is past those that are equal to it so far."""
Fetch = Callable[[Document, dict[str, int], int], Awaitable[list[Document]]]
"""Returns the first documents for a filter in the order of fields, at most so many."""


class Walk:
    """A walk through documents beyond ``start``, or from the first one on; backward in the order turned round.

    With ``includes_equal`` it begins with the document that has the same values as ``start``, the id among them.
    """

    def __init__(self, fetch: Fetch, start: Values | None, *, backward: bool, includes_equal: bool) -> None:
        self._fetch = fetch
        self._start = start
        self._backward = backward
        self._includes_equal = includes_equal

    async def first(self, wanted: Document, keys: Keys, count: int) -> list[Document]:
        """Return the first ``count`` of the documents ``wanted``, in the order of ``keys`` or turned round."""
        return await self._first(wanted, keys, self._start, count)

    async def _first(self, wanted: Document, keys: Keys, start: Start, count: int) -> list[Document]:
        """Return the first documents beyond ``start``, those that lack the first key and those that have it."""
        if not keys:  # wanted is the one document with this id
            return await self._fetch(wanted, {"_id": 1}, count) if start is None or self._includes_equal else []
        found: list[Document] = []
        for is_there, begin in self._parts(keys[0], start):
            if len(found) == count:
                break
            if is_there:
                found += await self._first_with(wanted, keys, begin, count - len(found))
            else:
                lacking = both(wanted, {keys[0].field: None})
                found += await self._first(lacking, keys[1:], begin and begin[1:], count - len(found))
        return found

    def _parts(self, key: SortKey, start: Start) -> list[tuple[bool, Start]]:
        """Return which parts are still to be walked, that with the key and that without, and where each begins."""
        parts = [True] if key.always_there else [False, True] if self._backward else [True, False]
        if start is None:
            return [(part, None) for part in parts]
        reached = parts.index(start[0] is not None)
        return [(parts[reached], start), *((part, None) for part in parts[reached + 1 :])]

    async def _first_with(self, wanted: Document, keys: Keys, start: Start, count: int) -> list[Document]:
        """Return the first documents beyond ``start`` among those that have the first key."""
        found: list[Document] = []
        if start is not None:
            equal = both(wanted, {keys[0].field: start[0]})
            found = await self._first(equal, keys[1:], start[1:], count)
        if len(found) < count:
            beyond = self._beyond(keys[0], start)
            first = self._first_in_index if _are_side_by_side(keys) else self._first_of_groups
            found += await first(wanted, beyond, keys, count - len(found))
        return found

    async def _first_in_index(self, wanted: Document, beyond: Document, keys: Keys, count: int) -> list[Document]:
        return await self._fetch(both(wanted, beyond), self._ways(keys), count)

    async def _first_of_groups(self, wanted: Document, beyond: Document, keys: Keys, count: int) -> list[Document]:
        """Return the first of the documents that are ``beyond``, by way of their groups with the same first key.

        The order by that key alone gives all of them, save that of the last value there may be others that come first
        by the rest of the keys.
        """
        first = keys[:1]
        found = await self._fetch(both(wanted, beyond), self._ways(first), count)
        last = values_of(found[-1], first) if len(found) == count else None
        complete = [each for each in found if last is None or rank(values_of(each, first), first) != rank(last, first)]
        complete.sort(key=lambda each: rank(values_of(each, keys), keys), reverse=self._backward)
        if last is not None:
            equal = both(wanted, {first[0].field: last[0]})
            complete += await self._first(equal, keys[1:], None, count - len(complete))
        return complete

    def _beyond(self, key: SortKey, start: Start) -> Document:
        """Return the filter for the documents that have ``key``, and come after ``start`` by it."""
        if start is None:  # an index over some of the documents is taken where the filter demands its field
            return {} if key.is_demanded or key.field == "_id" else {key.field: {"$ne": None}}
        return {key.field: {"$lt" if key.descending != self._backward else "$gt": start[0]}}

    def _ways(self, keys: Keys) -> dict[str, int]:
        return {key.field: -1 if key.descending != self._backward else 1 for key in keys}


def _are_side_by_side(keys: Keys) -> bool:
    """Return whether an index has the keys beside each other, and all of them go one way, as it can be walked."""
    fields = [key.field for key in keys]
    return fields in (["_id"], [fields[0], "_id"]) and len({key.descending for key in keys}) == 1
