"""Predicates as MongoDB expressions, for what a filter could say by a regular expression only.

Of a field that holds a list an expression asks each member, as a filter does.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any as AnyValue

from bson.decimal128 import Decimal128

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
    Value,
)
from service.store.driver import Document

OPERATORS = {"lt": "$lt", "le": "$lte", "gt": "$gt", "ge": "$gte"}


def native(value: Value) -> AnyValue:
    """Return ``value`` as the database holds it."""
    return Decimal128(value) if isinstance(value, Decimal) else value


def to_expression(predicate: Predicate, member: str = "") -> Document:
    """Return the expression that ``predicate`` holds for the document, or for what the variable ``member`` is."""
    match predicate:
        case OneOf(field, values):
            literal = _literal([native(value) for value in values])
            return _one_value(member, field, lambda one: {"$in": [one, literal]})
        case StartsWith(field, text):
            return _one_value(member, field, lambda one: _starts(one, text))
        case Contains(field, start, ""):  # which is looked for in vain where a text ends
            return to_expression(StartsWith(field, start), member)
        case Contains(field, start, text):
            return _one_value(member, field, lambda one: {"$and": [_starts(one, start), _goes_on(one, start, text)]})
        case Only(field, start, values):
            allowed = _literal(list(values))
            return {"$not": [_one_value(member, field, lambda one: _starts_otherwise(one, start, allowed))]}
        case Compare(field, operator, value):
            name, limit = OPERATORS[operator], _literal(native(value))
            return _one_value(member, field, lambda one: {"$and": [_is_there(one), {name: [one, limit]}]})
        case Present(field):
            return _one_value(member, field, _is_there)
        case Member(field, part):
            return _one_value(member, field, lambda one: to_expression(part, one))
        case All(parts):
            return {"$and": [to_expression(part, member) for part in parts]}
        case Any(parts):
            return {"$or": [to_expression(part, member) for part in parts]}
        case Not(part):
            return {"$not": [to_expression(part, member)]}
        case LinkedTo() | LinkedFrom():
            raise TypeError("a link is not about one document")


def _one_value(member: str, field: str, holds: Callable[[str], Document]) -> Document:
    """Return that ``holds`` is true of a value of the field, which may be missing, one value or a list."""
    path = f"{member}.{field}" if member else f"${field}"
    name = f"{member.removeprefix('$$')}v"
    values = {"$cond": [{"$isArray": [path]}, path, [path]]}
    return {"$anyElementTrue": [{"$map": {"input": values, "as": name, "in": holds(f"$${name}")}}]}


def _starts(text: str, start: str) -> Document:
    return {"$eq": [{"$indexOfCP": [text, _literal(start)]}, 0]}


def _starts_otherwise(text: str, start: str, allowed: Document) -> Document:
    return {"$and": [_starts(text, start), {"$not": [{"$in": [text, allowed]}]}]}


def _goes_on(text: str, start: str, part: str) -> Document:
    """Return that ``part`` is somewhere after ``start``; of a missing text that is not so."""
    return {"$gte": [{"$indexOfCP": [text, _literal(part), len(start)]}, 0]}


def _is_there(value: str) -> Document:
    return {"$gt": [value, None]}


def _literal(value: AnyValue) -> Document:
    return {"$literal": value}  # a text may begin with a dollar sign
