"""Chains and ``_has`` in the database (https://hl7.org/fhir/R4/search.html#chaining and #has).

A link is answered from its far end where few resources fulfil its part: then it says which references, or which ids,
are wanted. Otherwise it stays, and is looked up for one document after the other until a page is full; that ends soon,
for where many resources fulfil its part, many documents have a link to one. A search that few resources can match for
its other criteria is looked up at once.
"""

from dataclasses import dataclass

from service.search.predicate import NOTHING, LinkedFrom, LinkedTo, OneOf, Predicate, StartsWith
from service.store.driver import Document
from service.store.filter import LIVING, both, to_filter
from service.store.links import Link, answered, is_of_the_living, links_in, narrows, outlined, weakened
from service.store.lookups import Joined, lookup_stages, texts_in
from service.store.reading import Reading


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many are few: of the resources that a link leads to, and of those that the other criteria leave."""

    linked: int = 2_500
    own: int = 100


BOUNDS = Bounds()


async def joined(predicate: Predicate, own_type: str, reading: Reading, bounds: Bounds = BOUNDS) -> Joined:
    """Return how the resources of ``own_type`` are found for which ``predicate`` holds, links and all."""
    links = links_in(predicate)
    few = bool(links) and await _leaves_few(predicate, own_type, reading, bounds.own)
    lookups: dict[Link, Joined] = {}
    for link in links:
        far = await joined(link.part, link.type, reading, bounds)
        answer = None if few else await _answer(link, far, own_type, reading, bounds.linked)
        if answer is None:
            lookups[link] = far
        else:
            predicate = answered(predicate, {link: answer})
    return Joined(to_filter(outlined(predicate)), lookup_stages(predicate, lookups, own_type), few)


async def _leaves_few(predicate: Predicate, own_type: str, reading: Reading, most: int) -> bool:
    """Return whether at most so many resources fulfil what the predicate demands beside its links."""
    rest = weakened(predicate)
    if not narrows(rest):
        return False
    stages = [{"$match": both(_living(rest), to_filter(rest))}, {"$project": {"_id": 1}}]
    return len(await reading.aggregate(own_type, stages, most + 1)) <= most


async def _answer(link: Link, far: Joined, own_type: str, reading: Reading, most: int) -> Predicate | None:
    """Return what ``link`` says as a predicate without links, or None where not few resources are at its far end."""
    if far.stages and not far.few:
        return None  # no telling how long it takes until so many are found
    if isinstance(link, LinkedTo):
        return await _answer_forward(link, far, reading, most)
    return await _answer_in_reverse(link, far, own_type, reading, most)


async def _answer_forward(link: LinkedTo, far: Joined, reading: Reading, most: int) -> Predicate | None:
    stages = [{"$match": both(_living(link.part), far.filter)}, *far.stages, {"$project": {"_id": 1}}]
    found = await reading.aggregate(link.type, stages, most + 1)
    values = [f"{link.start}{link.type}/{document['_id']}" for document in found]
    return _one_of(link.field, values) if len(found) <= most else None


async def _answer_in_reverse(
    link: LinkedFrom, far: Joined, own_type: str, reading: Reading, most: int
) -> Predicate | None:
    start = f"{link.start}{own_type}/"
    matching = {"$match": both(to_filter(StartsWith(link.field, start)), far.filter)}
    shown = {"$project": {"_id": 0, "texts": texts_in(link.field, start)}}
    found = await reading.aggregate(link.type, [matching, *far.stages, shown], most + 1)
    values = [text.removeprefix(start) for document in found for text in document["texts"]]
    return _one_of("_id", values) if len(found) <= most else None


def _one_of(field: str, values: list[str]) -> Predicate:
    return OneOf(field, tuple(dict.fromkeys(values))) if values else NOTHING


def _living(predicate: Predicate) -> Document:
    """Return the filter to add where deleted resources might fulfil the predicate; without it an index may suffice."""
    return {} if is_of_the_living(predicate) else LIVING
