"""The least and the greatest that a value can be, as far as it is given (http://hl7.org/fhirpath/#lowboundaryprecision-integer-decimal--date--datetime--time).

To full precision: a decimal by half a unit of its last digit, a date to the day, a time to the millisecond, and one
whose offset is not said by the clocks that are furthest ahead and behind.
"""

from calendar import monthrange
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from service.conformance.fhirpath.collection import Collection, EvaluationError, Scope
from service.conformance.fhirpath.functions.invocation import Function, Invocation, demand
from service.conformance.fhirpath.kinds import SYSTEM
from service.conformance.fhirpath.moments import Moment, moment
from service.conformance.fhirpath.system import is_number

_HALF = Decimal("0.5")
_FIRST = ("0001", "01", "01", "00", "00", "00.000")
_LAST = ("9999", "12", "31", "23", "59", "59.999")
_FURTHEST_AHEAD, _FURTHEST_BEHIND = "+14:00", "-12:00"


def _boundary(is_low: bool) -> Function:
    def function(call: Invocation) -> Collection:
        demand(call.of, call.name, "Decimal", "Integer", "Date", "DateTime", "Time")
        value = call.of.value
        if len(call.of.kinds) != 1 or call.of.is_typed:
            raise ValueError(f"{call.name}() needs values of one type, such as ofType(date) gives")
        (system,) = call.of.systems
        limit = _limit(is_low, system == "DateTime")

        def item(focus: Any, scope: Scope) -> Any:
            found = value(focus, scope)
            return None if found is None else limit(found)

        return Collection((SYSTEM["Decimal" if system == "Integer" else str(system)],), item=item)

    return function


def _limit(is_low: bool, is_date_time: bool) -> Callable[[Any], Any]:
    def limit(value: Any) -> Any:
        if is_number(value):
            return _of_number(Decimal(getattr(value, "text", value)), is_low)
        if isinstance(value, Moment):
            return moment(_of_moment(value, is_low, is_date_time))
        raise EvaluationError

    return limit


def _of_number(number: Decimal, is_low: bool) -> Decimal:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    margin = _HALF.scaleb(min(exponent, 0))
    return number - margin if is_low else number + margin


def _of_moment(value: Moment, is_low: bool, is_date_time: bool) -> str:
    missing = _FIRST if is_low else _LAST
    if value.is_time_of_day:
        return ":".join(_filled([f"{part:02}" for part in value.parts[:2]], value.parts[2:3], missing[3:]))
    year, *others = value.parts[:5]
    parts = _filled([f"{year:04}", *(f"{part:02}" for part in others)], value.parts[5:6], missing)
    if len(value.parts) < 3 and not is_low:
        parts[2] = f"{monthrange(int(parts[0]), int(parts[1]))[1]:02}"
    date = "-".join(parts[:3])
    if not is_date_time:
        return date
    return f"{date}T{':'.join(parts[3:])}{_offset(value, is_low)}"


def _filled(given: list[str], second: tuple[Any, ...], missing: tuple[str, ...]) -> list[str]:
    """Return the parts that are given, and of those that are ``missing`` what they can be."""
    parts = [*given, *(_digits_of(Decimal(part), missing[-1]) for part in second)]
    return [*parts, *missing[len(parts) :]]


def _digits_of(second: Decimal, missing: str) -> str:
    """Return seconds with milliseconds; those not given are those of ``missing``."""
    whole, _, fraction = str(second).partition(".")
    return f"{whole:>02}.{(fraction + missing[3 + len(fraction) :])[:3]}"


def _offset(value: Moment, is_low: bool) -> str:
    if value.offset is None:
        return _FURTHEST_AHEAD if is_low else _FURTHEST_BEHIND
    hours, minutes = divmod(abs(value.offset), 60)
    return f"{'-' if value.offset < 0 else '+'}{hours:02}:{minutes:02}" if value.offset else "Z"


BOUNDARIES: dict[str, tuple[Function, range]] = {
    "highBoundary": (_boundary(False), range(1)),
    "lowBoundary": (_boundary(True), range(1)),
}
"""Each function by its name, and how many arguments it can have."""
