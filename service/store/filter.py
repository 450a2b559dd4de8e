"""Predicates of a search as MongoDB filters."""

from service.search import fields
from service.search.predicate import (
    All,
    Any,
    Compare,
    Contains,
    LinkedFrom,
    LinkedTo,
    Member,
    Not,
    OneOf,
    Only,
    Predicate,
    Present,
    StartsWith,
    all_of,
)
from service.store.driver import Document
from service.store.expression import OPERATORS, native, to_expression

IMPOSSIBLE: Document = {"_id": {"$in": []}}
LIVING: Document = {"search._lastUpdated.lo": {"$ne": None}}
"""What holds of all that is not deleted, and is told by an index."""
_LISTS = (fields.WORDS, fields.TERMS)
_LAST, _SURROGATES = 0x10FFFF, range(0xD800, 0xE000)


def to_filter(predicate: Predicate) -> Document:
    """Return the filter that finds the documents for which ``predicate`` holds; it follows no links."""
    match predicate:
        case OneOf(field, values):
            found = [native(value) for value in values]
            return {field: found[0] if len(found) == 1 else {"$in": found}}
        case StartsWith(field, text):
            return _starts(field, text)
        case Contains(field, start):
            return both(_starts(field, start), {"$expr": to_expression(predicate)})
        case Only(field, start, values):
            return _only(field, start, values)
        case Compare(field, operator, value):
            return {field: {OPERATORS[operator]: native(value)}}
        case Present(field):
            return {field: {"$ne": None}}
        case All(parts):
            return both(*map(to_filter, parts))
        case Any(parts):
            return {"$or": [to_filter(part) for part in parts]} if parts else IMPOSSIBLE
        case Not(part):
            return {"$nor": [to_filter(part)]}
        case Member(field, part):
            plain = {field: {"$elemMatch": to_filter(_without_contains(part))}}
            # Expressions have no place in $elemMatch.
            return both(plain, {"$expr": to_expression(predicate)}) if _has_contains(part) else plain
        case LinkedTo() | LinkedFrom():
            raise TypeError("a link is not about one document")


def both(*filters: Document) -> Document:
    """Return the filter that all of ``filters`` hold."""
    some = [item for item in filters if item]
    merged: Document = {}
    for item in some:
        if merged.keys() & item.keys():
            return {"$and": some}
        merged.update(item)
    return merged


def _starts(field: str, text: str) -> Document:
    return {field: _in_list(field, _bounds(text))}


def _only(field: str, start: str, values: tuple[str, ...]) -> Document:
    return {field: {"$not": _in_list(field, {**_bounds(start), "$nin": list(values)})}}


def _in_list(field: str, condition: Document) -> Document:
    """Return ``condition`` as it is said of one and the same member where the field holds a list."""
    return {"$elemMatch": condition} if field.rpartition(".")[2] in _LISTS else condition


def _bounds(start: str) -> Document:
    return {"$gte": start} | ({"$lt": end} if (end := _after(start)) else {})


def _after(text: str) -> str:
    """Return the first text after all that start with ``text``, empty where there is none; by code points."""
    start = text.rstrip(chr(_LAST))
    if not start:
        return ""
    following = ord(start[-1]) + 1
    return start[:-1] + chr(_SURROGATES.stop if following in _SURROGATES else following)


def _has_contains(predicate: Predicate) -> bool:
    match predicate:
        case Contains():
            return True
        case All(parts) | Any(parts):
            return any(map(_has_contains, parts))
        case Not(part) | Member(_, part):
            return _has_contains(part)
    return False


def _without_contains(predicate: Predicate) -> Predicate:
    """Return what follows from the predicate and can be said of a member of a list in a filter."""
    if not _has_contains(predicate):
        return predicate
    return all_of(map(_without_contains, predicate.parts)) if isinstance(predicate, All) else All()
