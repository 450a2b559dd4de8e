"""The order of a search's result (https://hl7.org/fhir/R4/search.html#sort)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from service.search.predicate import All, Compare, Predicate
from service.search.source import SortKey

_NEWEST_FIRST = SortKey("_id", descending=True)


def natural_order(predicates: Mapping[str, Predicate]) -> dict[str, Sequence[SortKey]]:
    """Return the order of resources by type where a search asks for none: that in which an index finds them.

    That is the order of a date or number that is asked for, and else that of the ids, the newest first.
    """
    if len(predicates) > 1:
        return dict.fromkeys(predicates, (_NEWEST_FIRST,))
    return {name: _by_bound(predicate) or (_NEWEST_FIRST,) for name, predicate in predicates.items()}


def decisive(keys: Sequence[SortKey], predicate: Predicate, is_alone: bool) -> tuple[SortKey, ...]:
    """Return ``keys`` without those that decide nothing, and with the id at their end, which decides at last.

    What is searched ``is_alone`` if no other type is: then there is one resource with each id. A key that ``predicate``
    demands is marked so. The id goes the way of the key before it, as an index does that is read backwards.
    """
    demanded = {bound.field for bound in _bounds(predicate)}
    found: dict[str, SortKey] = {}
    for key in (*keys, SortKey("_id", keys[-1].descending)):
        found.setdefault(key.field, replace(key, is_demanded=key.field in demanded))
        if key.field == "_id" and is_alone:
            break
    return tuple(found.values())


def _by_bound(predicate: Predicate) -> list[SortKey]:
    """Return the order of what is demanded to be greater, or else less, than something."""
    bounds = sorted(_bounds(predicate), key=lambda bound: bound.operator not in ("gt", "ge"))
    return [SortKey(bound.field) for bound in bounds[:1]]


def _bounds(predicate: Predicate) -> list[Compare]:
    """Return what ``predicate`` demands of ends of stretches."""
    if isinstance(predicate, Compare):
        return [predicate]
    return [bound for part in predicate.parts for bound in _bounds(part)] if isinstance(predicate, All) else []
