"""The order of a search's result (https://hl7.org/fhir/R4/search.html#sort)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from service.search.predicate import All, Compare, Predicate
from service.search.source import SortKey

_ID = SortKey("_id")
_OTHER_END = {"lo": "hi", "hi": "lo"}


def natural_order(predicates: Mapping[str, Predicate]) -> dict[str, Sequence[SortKey]]:
    """Return the order of resources by type where a search asks for none: that in which an index finds them.

    That is the order of a date or number that is asked for, and else that of the ids.
    """
    if len(predicates) > 1:
        return dict.fromkeys(predicates, (_ID,))
    return {name: _by_bound(predicate) or (_ID,) for name, predicate in predicates.items()}


def decisive(keys: Iterable[SortKey], predicate: Predicate) -> tuple[SortKey, ...]:
    """Return ``keys`` without those that decide nothing: what has been sorted by before, and all after the id.

    A key that ``predicate`` demands is marked so.
    """
    demanded = {field for bound in _bounds(predicate) for field in _ends(bound.field)}
    found: dict[str, SortKey] = {}
    for key in (*keys, _ID):
        found.setdefault(key.field, replace(key, is_demanded=key.field in demanded))
        if key.field == "_id":
            break
    return tuple(found.values())


def _by_bound(predicate: Predicate) -> list[SortKey]:
    """Return the order of what is demanded to be greater, or else less, than something."""
    bounds = sorted(_bounds(predicate), key=lambda bound: bound.operator not in ("gt", "ge"))
    return [SortKey(field) for field in _ends(bounds[0].field)] if bounds else []


def _bounds(predicate: Predicate) -> list[Compare]:
    """Return what ``predicate`` demands of ends of stretches."""
    if isinstance(predicate, Compare):
        return [predicate]
    return [bound for part in predicate.parts for bound in _bounds(part)] if isinstance(predicate, All) else []


def _ends(field: str) -> tuple[str, ...]:
    """Return the end of a stretch and the other one; of the extreme of several stretches it alone."""
    stretch, _, end = field.rpartition(".")
    return (field, f"{stretch}.{_OTHER_END[end]}") if end in _OTHER_END else (field,)
