"""Pages of what several sources find, merged into one order; and how much they find."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, TypeVar

from service.search.source import Source
from service.store.document import SERVED, Stored
from service.store.driver import Document
from service.store.filter import LIVING, both
from service.store.joins import Bounds, joined
from service.store.links import is_of_the_living
from service.store.lookups import Joined
from service.store.place import Place, Values, rank, values_of
from service.store.reading import Moment, Reading
from service.store.walk import Fetch, Walk

T = TypeVar("T")

_AT_ONCE = ((None, None),)
_STEP_BY_STEP = ((4, None), (32, Bounds(linked=10_000)), (None, None))
"""How many documents for each that is wanted are joined, of which the database reads many ahead, until a page is full.

What the first few do not fill is not common: then the far end of a link is asked for more, before walking on.
"""
_MOST_LINKED_TO_COUNT = 50_000
"""The same for a count, which has to look at every document otherwise."""


@dataclass(frozen=True, slots=True)
class Page:
    """Matches of a search."""

    matches: list[Stored]
    before: Place | None
    """From where the page before is read, None on the first."""
    after: Place | None
    """From where the next page is read, None on the last."""
    moment: Moment | None
    """The moment whose state it shows, None in a transaction."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a source has found."""

    type: str
    document: Document
    values: Values
    source: int
    rank: tuple[Any, ...]

    def place(self, backward: bool) -> Place:
        """Return the place of the pages that begin or end beside it."""
        return Place(self.values, self.source, backward)


async def find_page(
    reading: Reading, sources: Sequence[Source], count: int, place: Place | None
) -> tuple[list[Found], Place | None, Place | None]:
    """Return at most ``count`` matches, and the places from which the pages before and after them are read.

    They are in the order of the sources' groups and keys, what is equal in all of them in that of the sources.
    """
    walks = [
        partial(_walk, reading, number, source, count + 1, place, sources)
        for number, source in enumerate(sources)
        if place is None or not _is_passed(source.group, sources[place.source].group, backward=place.backward)
    ]
    is_backward = place is not None and place.backward
    merged = sorted(chain(*await reading.each(walks)), key=lambda each: each.rank, reverse=is_backward)
    return page_of(merged, count, place, Found.place)


def page_of(
    merged: Sequence[T], count: int, place: Place | None, beside: Callable[[T, bool], Place]
) -> tuple[list[T], Place | None, Place | None]:
    """Return the first ``count`` on the way from ``place``, and the places from which the pages around them are read.

    ``merged`` holds one more where the way goes on. ``beside`` returns the place beside one of them, backward or not.
    """
    page = list(merged[:count])
    if not page:
        return [], None, None
    is_backward = place is not None and place.backward
    goes_on, came_from = len(merged) > count, place is not None
    if is_backward:
        page.reverse()
    before, after = (goes_on, came_from) if is_backward else (came_from, goes_on)
    return page, beside(page[0], True) if before else None, beside(page[-1], False) if after else None


async def count_matches(reading: Reading, sources: Sequence[Source]) -> int:
    """Return how many matches the sources have together."""
    return sum(await reading.each([partial(_count, reading, source) for source in sources]))


def _is_passed(group: int, reached: int, *, backward: bool) -> bool:
    return group > reached if backward else group < reached


async def _walk(
    reading: Reading, number: int, source: Source, count: int, place: Place | None, sources: Sequence[Source]
) -> list[Found]:
    """Return the first ``count`` matches of one of ``sources`` on the way from ``place``."""
    join = await joined(source.predicate, source.type, reading)
    wanted = join.filter if is_of_the_living(source.predicate) else both({"deleted": False}, join.filter)
    is_begun = place is not None and sources[place.source].group == source.group
    way = _way(partial(_fetch, reading, source, join), number, place, is_begun=is_begun)
    documents = await way.first(wanted, source.sort, count)
    found = [(each, values_of(each, source.sort)) for each in documents]
    return [
        Found(source.type, document, values, number, (source.group, *rank(values, source.sort), number))
        for document, values in found
    ]


def _way(fetch: Fetch, number: int, place: Place | None, *, is_begun: bool) -> Walk:
    """Return the walk from ``place`` on, or from an end where the source is in a group that is not begun.

    What is equal in all values is beyond the place where the source is a later one.
    """
    if place is None or not is_begun:
        return Walk(fetch, None, backward=place is not None and place.backward, includes_equal=False)
    is_later = number < place.source if place.backward else number > place.source
    return Walk(fetch, place.values, backward=place.backward, includes_equal=is_later)


async def _fetch(
    reading: Reading, source: Source, join: Joined, wanted: Document, sort: dict[str, int], limit: int
) -> list[Document]:
    """Return the first documents for the filter ``wanted`` that the joins leave."""
    projection = SERVED | {key.field: 1 for key in source.sort if key.field != "_id"}
    if not join.stages:
        return await reading.find(source.type, wanted, sort=sort, limit=limit, projection=projection)
    found: list[Document] = []
    for several, bounds in _AT_ONCE if join.few else _STEP_BY_STEP:
        if bounds is not None:
            join = await joined(source.predicate, source.type, reading, bounds)
        ahead: list[Document] = [{"$limit": several * limit}] if several else []
        stages = [
            {"$match": both(wanted, join.filter)},
            {"$sort": sort},
            *ahead,
            *join.stages,
            {"$project": projection},
        ]
        found = await reading.aggregate(source.type, stages, limit)
        if len(found) == limit or not join.stages:
            break
    return found


async def _count(reading: Reading, source: Source) -> int:
    join = await joined(source.predicate, source.type, reading, Bounds(linked=_MOST_LINKED_TO_COUNT))
    wanted = join.filter if is_of_the_living(source.predicate) else both(LIVING, join.filter)
    counted = await reading.aggregate(source.type, [{"$match": wanted}, *join.stages, {"$count": "matches"}], 1)
    return sum(each["matches"] for each in counted)
