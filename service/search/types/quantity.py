"""Search type quantity: numbers of a unit (https://hl7.org/fhir/R4/search.html#quantity).

A value is written with the forms of its unit, ``system|code`` and, by the code or its text alone, ``|mg``; where UCUM
converts the unit it is written in base units too, and compared in those.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from service.conformance.fhirpath.quantities import UCUM
from service.conformance.search_parameters import SearchParameter
from service.search import fields
from service.search.modifier import Knowledge, Modifier, Modifiers
from service.search.predicate import Member, OneOf, Predicate, all_of
from service.search.text import escape, split_unescaped, unescape
from service.search.types import number
from service.search.types.number import HIGHEST, LOWEST, STORED
from service.search.types.prefix import split_prefix
from service.search.units import Scale, scale

QuantitySpan = dict[str, Any]
"""``lo``, ``hi`` and the forms of their unit, ``units``; in base units ``canonical``: ``lo``, ``hi`` and ``unit``."""

CURRENCIES = "urn:iso:std:iso:4217"


class _End(NamedTuple):
    """Where a span begins or ends."""

    value: Decimal
    units: tuple[str, ...]
    scale: Scale | None
    step: str = ""
    """``<`` or ``>`` where it is the number right below or above ``value``."""

    @property
    def as_stored(self) -> Decimal:
        """The number as it stands in the resource."""
        return _STEPS[self.step](self.value)

    def in_base_units(self, scale: Scale) -> Decimal:
        """Return the number in base units."""
        return _STEPS[self.step](scale.in_base_units(self.value))


_STEPS: dict[str, Callable[[Decimal], Decimal]] = {
    "": lambda value: value,
    "<": STORED.next_minus,
    ">": STORED.next_plus,
}


def spans(of_type: str, value: Any) -> Iterator[QuantitySpan]:
    """Yield the span of a Quantity or Money, which is a point unless it has a comparator, or of a Range."""
    if of_type == "Range":
        low, high = _coded_end(value.get("low", {})), _coded_end(value.get("high", {}))
    elif of_type == "Money":
        low = high = _end(value, CURRENCIES, value.get("currency"))
    else:
        low, high = _compared(_coded_end(value), value.get("comparator", ""))
    either = low or high
    if either is not None:
        yield from _between(low or either._replace(value=LOWEST), high or either._replace(value=HIGHEST))


def predicate(prefix: str, text: str) -> Predicate:
    """Return what ``prefix`` and ``text``, a number with or without unit, demand of one span.

    Raises ValueError where it cannot be read.
    """
    first, *unit = split_unescaped(text, "|")
    wanted = number.query_number(first)
    if not unit:
        return number.predicate(prefix, "lo", "hi", wanted)
    if len(unit) != 2 or not unit[1]:
        raise ValueError("A quantity has the form number, number|system|code or number||code")
    system, code = map(unescape, unit)
    converted = _scale(system, code)
    if converted is None:
        return all_of((OneOf("units", (_form(system, code),)), number.predicate(prefix, "lo", "hi", wanted)))
    compared = number.predicate(prefix, "canonical.lo", "canonical.hi", wanted, converted.in_base_units)
    return all_of((OneOf("canonical.unit", (converted.unit,)), compared))


def _plain(parameter: SearchParameter, text: str, _: Knowledge) -> Predicate:
    return Member(fields.own_field(parameter), predicate(*split_prefix(text)))


MODIFIERS: Modifiers = {"": Modifier(_plain)}


def _compared(end: _End | None, comparator: str) -> tuple[_End | None, _End | None]:
    """Return where the numbers begin and end that a Quantity with ``comparator`` can be, None for without end."""
    if end is None or not comparator:
        return end, end
    step = comparator if len(comparator) == 1 else ""
    return (None, end._replace(step=step)) if comparator.startswith("<") else (end._replace(step=step), None)


def _coded_end(quantity: dict[str, Any]) -> _End | None:
    return _end(quantity, quantity.get("system"), quantity.get("code"))


def _end(value: dict[str, Any], system: str | None, code: str | None) -> _End | None:
    if "value" not in value:
        return None
    return _End(STORED.create_decimal(value["value"]), _forms(system, code, value.get("unit")), _scale(system, code))


def _between(low: _End, high: _End) -> Iterator[QuantitySpan]:
    """Yield the span; in base units where its ends have different units, and none where they cannot be compared."""
    shared = [form for form in low.units if form in high.units]
    canonical = _in_base_units(low, high)
    if canonical is not None and low.scale != high.scale:
        units = list(_forms(UCUM, canonical["unit"], None))
        yield {"lo": canonical["lo"], "hi": canonical["hi"], "units": units, "canonical": canonical}
    elif shared or not (low.units or high.units):
        in_base_units = {} if canonical is None else {"canonical": canonical}
        yield {"lo": low.as_stored, "hi": high.as_stored, "units": shared, **in_base_units}


def _in_base_units(low: _End, high: _End) -> dict[str, Any] | None:
    if low.scale is None or high.scale is None or low.scale.unit != high.scale.unit:
        return None
    return {"lo": low.in_base_units(low.scale), "hi": high.in_base_units(high.scale), "unit": low.scale.unit}


def _scale(system: str | None, code: str | None) -> Scale | None:
    return scale(code) if system == UCUM and code else None


def _forms(system: str | None, code: str | None, text: str | None) -> tuple[str, ...]:
    """Return the forms of a unit: by its system and code, and by its code and its text alone."""
    coded = [_form(system, code)] if system and code else []
    return tuple(dict.fromkeys([*coded, *(_form("", each) for each in (code, text) if each)]))


def _form(system: str, code: str) -> str:
    return f"{escape(system)}|{escape(code)}"
