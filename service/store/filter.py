"""Predicates of a search as MongoDB filters."""

from decimal import Decimal
from typing import Any as AnyValue

from bson.decimal128 import Decimal128

from service.search.predicate import All, Any, Compare, Member, OneOf, Predicate, Present, StartsWith, Value
from service.store.driver import Document

_PAST_ALL_TEXTS = "\U0010ffff"
IMPOSSIBLE: Document = {"_id": {"$in": []}}


def to_filter(predicate: Predicate) -> Document:
    """Return the filter that finds the documents for which ``predicate`` holds."""
    match predicate:
        case OneOf(field, values):
            found = [_native(value) for value in values]
            return {field: found[0] if len(found) == 1 else {"$in": found}}
        case StartsWith(field, text):
            return {field: {"$elemMatch": {"$gte": text, "$lt": text + _PAST_ALL_TEXTS}}}
        case Compare(field, operator, value):
            name = {"lt": "$lt", "le": "$lte", "gt": "$gt", "ge": "$gte"}[operator]
            return {field: {name: _native(value)}}
        case Present(field):
            return {field: {"$ne": None}}
        case All(parts):
            return both(*map(to_filter, parts))
        case Any(parts):
            return {"$or": [to_filter(part) for part in parts]} if parts else IMPOSSIBLE
        case Member(field, part):
            return {field: {"$elemMatch": to_filter(part)}}


def both(*filters: Document) -> Document:
    """Return the filter that all of ``filters`` hold."""
    some = [item for item in filters if item]
    merged: Document = {}
    for item in some:
        if merged.keys() & item.keys():
            return {"$and": some}
        merged.update(item)
    return merged


def _native(value: Value) -> AnyValue:
    return Decimal128(value) if isinstance(value, Decimal) else value
