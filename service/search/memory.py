"""Predicates and orders of a search, applied to documents that are held in memory."""

import operator
from collections.abc import Iterable, Iterator, Sequence
from typing import Any as AnyValue

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
)
from service.search.source import SortKey

Document = dict[str, AnyValue]

_OPERATORS = {"lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge}


def holds(predicate: Predicate, document: Document) -> bool:
    """Return whether ``predicate`` holds for ``document``, which has the form of a stored one."""
    match predicate:
        case OneOf(field, values):
            return any(value in values for value in _values(document, field))
        case StartsWith(field, text):
            return any(value.startswith(text) for value in _values(document, field))
        case Contains(field, start, text):
            return any(value.startswith(start) and text in value[len(start) :] for value in _values(document, field))
        case Only(field, start, values):
            return all(value in values for value in _values(document, field) if value.startswith(start))
        case Compare(field, name, limit):
            return any(_OPERATORS[name](value, limit) for value in _values(document, field))
        case Present(field):
            return any(True for _ in _values(document, field))
        case All(parts):
            return all(holds(part, document) for part in parts)
        case Any(parts):
            return any(holds(part, document) for part in parts)
        case Not(part):
            return not holds(part, document)
        case Member(field, part):
            return any(holds(part, member) for member in _values(document, field))
        case LinkedTo() | LinkedFrom():
            raise TypeError("a link is not about one document")


def in_order(documents: Iterable[Document], sort: Sequence[SortKey]) -> list[Document]:
    """Return ``documents`` in the order of ``sort``; those without a key come last in it, ascending or descending."""
    ordered = list(documents)
    for key in reversed(sort):
        there = [(value, document) for document in ordered for value in _values(document, key.field)]
        there.sort(key=operator.itemgetter(0), reverse=key.descending)
        missing = [document for document in ordered if not any(True for _ in _values(document, key.field))]
        ordered = [document for _, document in there] + missing
    return ordered


def _values(document: Document, field: str) -> Iterator[AnyValue]:
    value: AnyValue = document
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if value is not None:
        yield from value if isinstance(value, list) else (value,)
