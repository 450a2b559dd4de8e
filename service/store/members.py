"""Some members of several resources, of whatever types, in one round trip to the database where it can be."""

from collections.abc import Iterable, Sequence
from typing import Any

from service.store.driver import Document
from service.store.reading import Reading

_IDS_AT_ONCE = 10_000
"""Of each type in one query, which the database takes up to 16 MB."""


def ids_by_type(resources: Iterable[str]) -> dict[str, list[str]]:
    """Return by type the ids of ``resources`` (``Type/id``)."""
    ids: dict[str, list[str]] = {}
    for resource in resources:
        resource_type, _, resource_id = resource.partition("/")
        ids.setdefault(resource_type, []).append(resource_id)
    return ids


async def find_members(reading: Reading, ids: dict[str, list[str]], names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return by ``Type/id`` the members ``names`` of those resources that exist; ``ids`` are by type."""
    found: dict[str, dict[str, Any]] = {}
    while ids:
        pipelines = [(name, _pipeline(name, of_type, names)) for name, of_type in ids.items()]
        for document in await reading.union(pipelines, _most(ids)):
            found[f"{document['type']}/{document['_id']}"] = document.get("resource", {})
        ids = {name: of_type[_IDS_AT_ONCE:] for name, of_type in ids.items() if len(of_type) > _IDS_AT_ONCE}
    return found


def _most(ids: dict[str, list[str]]) -> int:
    return sum(min(len(of_type), _IDS_AT_ONCE) for of_type in ids.values())


def _pipeline(resource_type: str, ids: Iterable[str], names: Sequence[str]) -> list[Document]:
    wanted = {"_id": {"$in": list(ids)[:_IDS_AT_ONCE]}, "deleted": False}
    members = {f"resource.{name}": 1 for name in names}
    return [{"$match": wanted}, {"$project": {"type": {"$literal": resource_type}, **members}}]
