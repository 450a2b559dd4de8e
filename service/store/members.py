"""Some members of several resources, of whatever types, in one round trip to the database where it can be."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service.store.driver import Document, Driver

_IDS_AT_ONCE = 10_000
"""Of each type in one query, which the database takes up to 16 MB."""


async def find_members(
    driver: Driver, collections: Mapping[str, Any], ids: dict[str, list[str]], names: Sequence[str], session: Any
) -> dict[str, dict[str, Any]]:
    """Return by ``Type/id`` the members ``names`` of those resources that exist; ``ids`` are by type."""
    found: dict[str, dict[str, Any]] = {}
    while ids:
        pipelines = [(collections[name], _pipeline(name, of_type, names)) for name, of_type in ids.items()]
        for queried in [pipelines] if session is None else [[each] for each in pipelines]:  # no union in a transaction
            (first, stages), *others = queried
            union = [{"$unionWith": {"coll": each.name, "pipeline": pipeline}} for each, pipeline in others]
            for document in await driver.aggregate(first, [*stages, *union], session):
                found[f"{document['type']}/{document['_id']}"] = document.get("resource", {})
        ids = {name: of_type[_IDS_AT_ONCE:] for name, of_type in ids.items() if len(of_type) > _IDS_AT_ONCE}
    return found


def _pipeline(resource_type: str, ids: Iterable[str], names: Sequence[str]) -> list[Document]:
    wanted = {"_id": {"$in": list(ids)[:_IDS_AT_ONCE]}, "deleted": False}
    members = {f"resource.{name}": 1 for name in names}
    return [{"$match": wanted}, {"$project": {"type": {"$literal": resource_type}, **members}}]
