"""Which resources an export is of, as they were at a moment.

That is a function of versions that never change. So no file is ever written down: each is read anew whenever it is
fetched, by whatever process, and has the same bytes.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

from service.fhir.datetimes import microseconds
from service.fhir.entry import read_query
from service.interactions.bulk.export import Export
from service.interactions.bulk.people import BESIDE, about, are_beside, codes_of_people
from service.interactions.context import Context
from service.search.predicate import NOTHING, Predicate, all_of, any_of, asks_others
from service.search.request import SearchRequest
from service.store.document import Stored
from service.store.state import StateOf


def may_export(resource_type: str, context: Context) -> bool:
    """Return whether a client may read and search for resources of a type, and one by one it can be told for which."""
    read, searched = (context.access.seen(permission, resource_type) for permission in ("r", "s"))
    if NOTHING in (read, searched):
        return False
    return searched is None or searched == read or not asks_others(searched)


def codes_used(export: Export, resource_type: str, context: Context) -> set[str]:
    """Return the search parameters by which the resources of a type are selected."""
    searches = _searches(export, resource_type, None, context)
    codes = {code for search in searches for code in search.used.get(resource_type, ())}
    return codes if export.people is None else codes.union(codes_of_people(resource_type))


@dataclass(frozen=True, slots=True)
class Selection:
    """The resources of one type that an export at a moment is of, as far as the client of ``context`` may see them."""

    export: Export
    type: str
    at: datetime
    context: Context

    async def extent(self, after: str, most: int) -> tuple[int, str | None] | None:
        """Return how many there are beyond an id, ``most`` at most, and up to which id; see `ResourceReader.extent`.

        Returns None where that is known only by looking at each.
        """
        is_told_by_itself = self.export.people is None or self.type not in BESIDE
        return await self.context.store.extent(self._asked(after, None), most) if is_told_by_itself else None

    async def versions(self, after: str = "", until: str | None = None) -> AsyncGenerator[list[Stored]]:
        """Yield them in the order of ids, some at a time, with deletions where the export is of what has changed."""
        async with aclosing(self.context.store.state(self._asked(after, until))) as state:
            async for versions in state:
                kept = await self._beside_people(versions)
                if kept:
                    yield kept

    async def _beside_people(self, versions: list[Stored]) -> list[Stored]:
        if self.export.people is None or self.type not in BESIDE:
            return versions
        return await are_beside(versions, self.export, self.export.people, self.at, self.context)

    def _asked(self, after: str, until: str | None) -> StateOf:
        return StateOf(self.type, self.at, self.export.since, self._predicate(), after, until)

    def _predicate(self) -> Predicate:
        parts: list[Predicate] = []
        searches = _searches(self.export, self.type, microseconds(self.at), self.context)
        if searches:
            parts.append(any_of(search.predicates[self.type] for search in searches))
        if self.export.people is not None and self.type not in BESIDE:
            parts.append(about(self.export.people, self.type, self.export.base, self.context))
        searched = self.context.access.seen("s", self.type)
        if searched is not None and searched != self.context.access.seen("r", self.type):
            parts.append(searched)
        return all_of(parts)


def _searches(export: Export, resource_type: str, now: int | None, context: Context) -> list[SearchRequest]:
    """Return what was searched for of a type, where what is said of now is said of the moment ``now``."""
    parse = context.search_parser.parse
    queries = [query for name, query in export.filters if name == resource_type]
    return [parse(read_query(query), [resource_type], base=export.base, now=now) for query in queries]
