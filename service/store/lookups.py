"""Looking linked resources up for one document after the other, as stages of an aggregation."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.search.predicate import Compare, LinkedTo, Predicate
from service.store.driver import Document
from service.store.filter import both, to_filter
from service.store.links import Link, answered, links_in, weakened, with_links


@dataclass(frozen=True, slots=True)
class Joined:
    """A search without links: every match fulfils ``filter``, and ``stages`` leave of those exactly the matches.

    There are no stages where the filter is exact. ``few`` says that the filter is known to leave few documents.
    """

    filter: Document
    stages: list[Document]
    few: bool = False


def lookup_stages(predicate: Predicate, lookups: Mapping[Link, Joined], own_type: str) -> list[Document]:
    """Return the stages that look the links up, and after each drop the documents that cannot match any more."""
    stages: list[Document] = []
    remaining = with_links(predicate)
    for number, link in enumerate(links_in(remaining)):
        place = f"joined.link{number}"
        remaining = answered(remaining, {link: Compare(f"{place}._id", "gt", "")})
        stages += [*_lookup(link, lookups[link], own_type, place), {"$match": to_filter(weakened(remaining))}]
    return stages


def _lookup(link: Link, far: Joined, own_type: str, place: str) -> list[Document]:
    """Return the stages that put into ``place`` one of the resources that the link leads to, if there is any."""
    if isinstance(link, LinkedTo):
        start = f"{link.start}{link.type}/"
        rest = {"$substrBytes": ["$$this", len(start.encode()), -1]}
        key: Document = {"$map": {"input": texts_in(link.field, start), "in": rest}}
        field = "_id"
    else:
        key = {"$concat": [f"{link.start}{own_type}/", "$_id"]}
        field = link.field
    matching = {"$match": both({"deleted": False}, far.filter)}
    one: list[Document] = [matching, *far.stages, {"$limit": 1}, {"$project": {"_id": 1}}]
    lookup = {"from": link.type, "localField": place, "foreignField": field, "pipeline": one, "as": place}
    return [{"$set": {place: key}}, {"$lookup": lookup}]


def texts_in(field: str, start: str) -> Document:
    """Return the expression for the texts in a field, be it a list or not, that begin with ``start``."""
    listed = {"$cond": [{"$isArray": f"${field}"}, f"${field}", [f"${field}"]]}
    begins = {"$eq": [{"$indexOfBytes": ["$$this", start, 0, len(start.encode())]}, 0]}
    return {"$filter": {"input": listed, "cond": begins}}
