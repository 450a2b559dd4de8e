"""How large data and indexes are, as MongoDB tells it."""

from dataclasses import dataclass
from typing import Any

from pymongo import MongoClient

from tests.bench.search.filling import DATABASE


@dataclass(frozen=True)
class Size:
    """Bytes of one collection."""

    name: str
    documents: int
    logical: int
    """Of the documents as they are."""
    stored: int
    """Of the documents on disk, compressed."""
    indexes: int
    """Of all indexes on disk."""
    largest: tuple[tuple[str, int], ...]
    """The three largest indexes."""


def sizes(uri: str) -> list[Size]:
    """Return the sizes of all collections of resources and, last, their sum."""
    with MongoClient[dict[str, Any]](uri) as client:
        client.admin.command("fsync")
        database = client[DATABASE]
        found = [_size(database, name) for name in sorted(database.list_collection_names()) if name[0].isupper()]
    total = Size(
        "all",
        sum(each.documents for each in found),
        sum(each.logical for each in found),
        sum(each.stored for each in found),
        sum(each.indexes for each in found),
        (),
    )
    return [*found, total]


def _size(database: Any, name: str) -> Size:
    told = database.command("collStats", name)
    largest = sorted(told["indexSizes"].items(), key=lambda item: -item[1])[:3]
    return Size(name, told["count"], told["size"], told["storageSize"], told["totalIndexSize"], tuple(largest))
