"""Search type date: stretches of time, compared by how they lie to each other (https://hl7.org/fhir/R4/search.html#date)."""

from collections.abc import Iterator
from typing import Any

from service.conformance.search_parameters import SearchParameter
from service.fhir.datetimes import BEGINNING, END, Stretch, stretch
from service.search.modifier import Knowledge, Modifier, Modifiers
from service.search.predicate import All, Compare, Predicate
from service.search.predicate import Any as AnyOf
from service.search.types.prefix import of_one_value, split_prefix

_DAY = 86_400_000_000
_LONGEST = {"instant": _DAY // 86_400, "date": 366 * _DAY, "dateTime": 366 * _DAY}
"""Microseconds that a value can stand for, by its type; a Period or Timing may have no end."""


def stretches(of_type: str, value: Any) -> Iterator[Stretch]:
    """Yield the stretch of a date, dateTime, instant, Period or Timing; none where it says nothing of when."""
    if of_type in ("date", "dateTime", "instant"):
        yield stretch(value)
    elif of_type == "Period":
        yield from _period(value)
    elif of_type == "Timing":
        yield from _timing(value)


def query_stretch(text: str) -> Stretch:
    """Return the stretch that ``text`` asks for; raises ValueError where it is no date."""
    if " " in text:
        raise ValueError("A plus sign in an address is written %2B")
    return stretch(text)


def predicate(prefix: str, lo: str, hi: str, wanted: Stretch, now: int) -> Predicate:
    """Return what ``prefix`` demands of the stretch from field ``lo`` to field ``hi``; ``now`` in microseconds.

    Each demand but ``ne`` begins with what it demands of one end, for that is where an index is entered.
    """
    start, end = wanted
    margin = abs(now - start) // 10
    demands: dict[str, Predicate] = {
        "eq": All((Compare(lo, "ge", start), Compare(lo, "le", end), Compare(hi, "le", end))),
        "ne": AnyOf((Compare(lo, "lt", start), Compare(hi, "gt", end))),
        "gt": Compare(hi, "gt", end),
        "lt": Compare(lo, "lt", start),
        "ge": All((Compare(hi, "ge", start), AnyOf((Compare(hi, "gt", end), Compare(lo, "ge", start))))),
        "le": All((Compare(lo, "le", end), AnyOf((Compare(lo, "lt", start), Compare(hi, "le", end))))),
        "sa": Compare(lo, "gt", end),
        "eb": Compare(hi, "lt", start),
        "ap": All((Compare(lo, "le", end + margin), Compare(hi, "ge", start - margin))),
    }
    return demands[prefix]


def _plain(parameter: SearchParameter, text: str, knowledge: Knowledge) -> Predicate:
    prefix, value = split_prefix(text)
    wanted, now = query_stretch(value), knowledge.now()
    lengths = [_LONGEST.get(name) for name in parameter.value_types]
    longest = None if None in lengths else max(filter(None, lengths))

    def demand(lo: str, hi: str) -> Predicate:
        demanded = predicate(prefix, lo, hi, wanted, now)
        return demanded if longest is None else _within(demanded, lo, hi, longest)

    return of_one_value(parameter, demand)


def _within(demanded: Predicate, lo: str, hi: str, longest: int) -> Predicate:
    """Return what is demanded, and what follows for the other end, so that a search of an index ends in time."""
    parts = demanded.parts if isinstance(demanded, All) else (demanded,)
    match parts[0]:
        case Compare(field, ("lt" | "le") as operator, int(value)) if field == lo:
            return All((*parts, Compare(hi, operator, value + longest)))
        case Compare(field, ("gt" | "ge") as operator, int(value)) if field == hi:
            return All((*parts, Compare(lo, operator, value - longest)))
    return demanded


MODIFIERS: Modifiers = {"": Modifier(_plain)}


def _period(value: dict[str, Any]) -> Iterator[Stretch]:
    start, end = value.get("start"), value.get("end")
    if start or end:
        yield (stretch(start)[0] if start else BEGINNING, stretch(end)[1] if end else END)


def _timing(value: dict[str, Any]) -> Iterator[Stretch]:
    """Yield the outer bounds; R4 ignores the details of a schedule."""
    parts = [stretch(event) for event in value.get("event", ()) if event is not None]
    parts.extend(_period(value.get("repeat", {}).get("boundsPeriod", {})))
    if parts:
        yield min(start for start, _ in parts), max(end for _, end in parts)
