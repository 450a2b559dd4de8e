"""Contained resources in searches (https://hl7.org/fhir/R4/search.html#contained)."""

from collections.abc import Iterator, Mapping
from typing import Any

from service.search import fields
from service.search.index import Index, Indexer
from service.search.predicate import All, LinkedFrom, LinkedTo, Member, Not, OneOf, Predicate
from service.search.predicate import Any as AnyOf


def contained_indexes(resource: Any, indexers: Mapping[str, Indexer]) -> list[Index]:
    """Return the indexes of those resources in ``resource`` whose type is one of ``indexers``."""
    return [
        {"type": item["resourceType"], "_id": item.get("id"), **indexers[item["resourceType"]](item)}
        for item in resource.get("contained", ())
        if item.get("resourceType") in indexers
    ]


def of_contained(resource_type: str, predicate: Predicate) -> Predicate:
    """Return the predicate of resources that contain one of ``resource_type`` for which ``predicate`` holds.

    Raises ValueError where ``predicate`` asks what is not known of contained resources.
    """
    if any(isinstance(part, (LinkedTo, LinkedFrom)) for part in _parts(predicate)):
        raise ValueError("Contained resources cannot be searched by chains and _has")
    if any(getattr(part, "field", None) == fields.TERMS for part in _parts(predicate)):
        raise ValueError("Texts of contained resources are those of their container: leave out _contained")
    return Member(fields.CONTAINED, All((OneOf("type", (resource_type,)), predicate)))


def _parts(predicate: Predicate) -> Iterator[Predicate]:
    yield predicate
    match predicate:
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from _parts(part)
        case Not(part) | Member(_, part):
            yield from _parts(part)
