"""Histories as a client may see them: versions of what is seen now, and of those the ones seen as they were then."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

from service.store.document import Stored
from service.store.guard import Guard
from service.store.history import Versions, Within, place_of, versions_of
from service.store.history_of_types import versions_of_types
from service.store.pages import page_of
from service.store.place import Place
from service.store.reading import Reading

_AT_ONCE = 200
"""Versions that are looked through in one go for those that the client may see."""

Find = Callable[[int, Place | None], Awaitable[Versions | None]]
"""Finds at most so many versions beside a place."""
ReadNow = Callable[[Callable[[Reading], Awaitable[list[Stored]]], None], Awaitable[list[Stored]]]
"""Reads what there is now."""
Keep = Callable[[Iterable[Stored]], Awaitable[list[Stored]]]


async def seen_versions_of(
    guard: Guard,
    reading: Reading,
    resource_type: str,
    resource_id: str,
    within: Within,
    count: int,
    place: Place | None,
    newest: int,
) -> Versions | None:
    """Return what `versions_of` returns, without the versions that are kept from the client."""

    async def find(most: int, where: Place | None) -> Versions | None:
        return await versions_of(reading, resource_type, resource_id, within, most, where, newest)

    async def keep(versions: Iterable[Stored]) -> list[Stored]:
        return [version for version in versions if guard.admits("r", version)]

    if not guard.limits("r", resource_type):
        return await find(count, place)
    if not await guard.seen(reading, "r", resource_type, [resource_id]):
        return None
    return await _filled(count, place, find, keep)


async def seen_versions_of_types(
    guard: Guard, reading: Reading, types: Sequence[str], within: Within, count: int, place: Place | None
) -> Versions:
    """Return what `versions_of_types` returns, without the versions that are kept from the client."""
    if count == 0 or not any(guard.limits("s", name) for name in types):
        return await versions_of_types(reading, types, within, count, place)
    ids = await guard.few_seen(reading, types)

    async def find(most: int, where: Place | None) -> Versions:
        return await versions_of_types(reading, types, within, most, where, ids)

    async def keep(versions: Iterable[Stored]) -> list[Stored]:
        return await guard.of_the_seen(reading, "s", versions)

    filled = await _filled(count, place, find, keep)
    return replace(filled, moment=reading.moment) if filled else Versions([], None, None, reading.moment)


async def still_seen(guard: Guard, read: ReadNow, versions: list[Stored]) -> list[Stored]:
    """Return those ``versions``, found as they were at a moment, that have not been kept from the client since."""
    if not guard.access.is_limited:
        return versions
    return await read(lambda reading: guard.still_seen(reading, "s", versions), None)


async def _filled(count: int, place: Place | None, find: Find, keep: Keep) -> Versions | None:
    """Return a page that is full, unless there is no more of what is to be kept of what is found."""
    is_backward = place is not None and place.backward
    kept: list[Stored] = []
    here, newest = place, None
    while len(kept) <= count:
        found = await find(_AT_ONCE, here)
        if found is None:
            return None
        newest = found.newest
        kept += await keep(reversed(found.versions) if is_backward else found.versions)
        here = found.before if is_backward else found.after
        if here is None:
            break
    page, before, after = page_of(kept, count, place, place_of)
    return Versions(page, before, after, newest=newest)
