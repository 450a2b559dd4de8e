"""Prefixes of dates, numbers and quantities (https://hl7.org/fhir/R4/search.html#prefix)."""

from collections.abc import Callable
from dataclasses import replace

from service.conformance.search_parameters import SearchParameter
from service.search import fields
from service.search.predicate import All, Compare, Member, Predicate

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")


def split_prefix(text: str) -> tuple[str, str]:
    """Return the prefix, ``eq`` where none is given, and the value; raises ValueError for letters that are none."""
    prefix, value = (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)
    if value[:1].isalpha():
        raise ValueError(f"The prefix is not one of: {', '.join(PREFIXES)}")
    return prefix, value


def of_one_value(parameter: SearchParameter, demand: Callable[[str, str], Predicate]) -> Predicate:
    """Return what ``demand`` says of the fields of the lower and the upper bound, for one value of ``parameter``."""
    field = fields.own_field(parameter)
    if fields.is_one_span(parameter):
        return demand(f"{field}.lo", f"{field}.hi")
    demanded = demand("lo", "hi")
    first, *others = demanded.parts if isinstance(demanded, All) else (demanded,)
    if not isinstance(first, Compare) or any(
        isinstance(other, Compare) and other.field == first.field for other in others
    ):
        return Member(field, demanded)  # a bound between two others is found by itself
    entrance = replace(first, field=fields.extreme(parameter, _EXTREMES[first.operator[0]]))
    decides = (first.field, first.operator[0]) in _DECIDING
    return entrance if decides and not others else All((entrance, Member(field, demanded)))


_EXTREMES = {"l": fields.LEAST, "g": fields.LAST}
"""By whether a bound has to be less or greater: the extreme of which the same is true if it is of any bound."""
_DECIDING = {("lo", "l"), ("hi", "g")}
"""Where the extreme is the bound itself, so that nothing more is demanded."""
