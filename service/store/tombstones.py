"""What stays of a deleted resource: the index that it had, by which is decided who may know that it was there."""

from dataclasses import replace

from service.search.predicate import All, LinkedFrom, LinkedTo, Not, Predicate
from service.search.predicate import Any as AnyOf

WITHDRAWN = "withdrawn"
"""The field of a tombstone with the index that its resource had; no search looks there."""


def buried(predicate: Predicate) -> Predicate:
    """Return what ``predicate``, which has no links, demands of a resource, as a demand on its tombstone."""
    match predicate:
        case All(parts):
            return All(tuple(map(buried, parts)))
        case AnyOf(parts):
            return AnyOf(tuple(map(buried, parts)))
        case Not(part):
            return Not(buried(part))
        case LinkedTo() | LinkedFrom():
            raise TypeError("a tombstone has no links")
    return predicate if predicate.field == "_id" else replace(predicate, field=f"{WITHDRAWN}.{predicate.field}")
