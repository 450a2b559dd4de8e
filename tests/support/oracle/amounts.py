"""Numbers, Ranges and Quantities (https://hl7.org/fhir/R4/search.html#number and #quantity).

An end of what a resource says is a pair: the number, and -1, 0 or 1 where the end is just below it, it, or just
above it.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.support.oracle.texts import plain, split
from tests.support.oracle.times import FOREVER, Span, prefixed

UCUM = "http://unitsofmeasure.org"
# Units of one dimension, each with how many of the first it is.
DIMENSIONS: tuple[dict[str, Fraction], ...] = (
    {"g": Fraction(1), "mg": Fraction(1, 1000), "kg": Fraction(1000)},
    {"s": Fraction(1), "min": Fraction(60), "h": Fraction(3600), "d": Fraction(86400), "wk": Fraction(604800)},
    {"m": Fraction(1), "cm": Fraction(1, 100), "km": Fraction(1000)},
    {"1": Fraction(1), "%": Fraction(1, 100)},
)


def amount_matches(value: Span, text: str) -> bool:
    """Return whether an amount is what ``[prefix][number]`` asks.

    eq and ne take the range of the written precision, the others the exact number.
    """
    prefix, number = prefixed(text)
    (lo, hi), exact = value, Fraction(number)
    exponent = Decimal(number).as_tuple().exponent
    assert isinstance(exponent, int)
    # 0.8 is [0.75, 0.85) and 100 is [99.5, 100.5); the specification's own 1e2 is [95, 105)
    half = Fraction(10) ** (exponent - 1 if exponent > 0 else exponent) / 2
    point = (exact, 0)
    contained = (exact - half, 0) <= lo and hi < (exact + half, 0)
    match prefix:
        case "eq":
            return contained
        case "ne":
            return not contained
        case "gt":
            return bool(hi > point)
        case "lt":
            return bool(lo < point)
        case "ge":
            return bool(hi >= point)
        case "le":
            return bool(lo <= point)
        case "sa":
            return bool(lo > point)
        case "eb":
            return bool(hi < point)
        case "ap":  # a tenth of what is asked
            tenth = abs(exact) / 10
            return bool(lo <= (exact + tenth, 0) and hi >= (exact - tenth, 0))
    raise AssertionError(prefix)


def number_span(value: Any) -> Span:
    """Return lowest and highest of a number, which is a point, or a Range."""
    if isinstance(value, dict):
        low, high = value.get("low", {}).get("value"), value.get("high", {}).get("value")
        return ((-FOREVER if low is None else Fraction(low), 0), (FOREVER if high is None else Fraction(high), 0))
    return (Fraction(value), 0), (Fraction(value), 0)


def quantity_span(value: Any, factor: Fraction) -> Span:
    """Return lowest and highest of a Quantity, each multiplied by ``factor``: "<5" is all below 5."""
    number = Fraction(value["value"]) * factor
    match value.get("comparator"):
        case "<":
            return (-FOREVER, 0), (number, -1)
        case "<=":
            return (-FOREVER, 0), (number, 0)
        case ">":
            return (number, 1), (FOREVER, 0)
        case ">=":
            return (number, 0), (FOREVER, 0)
    return (number, 0), (number, 0)


def quantity_matches(value: Any, text: str) -> bool:
    """Return whether a Quantity is what ``[prefix]number``, ``number|system|code`` or ``number||code`` asks."""
    number, system, code = [*map(plain, split(text, "|")), "", ""][:3]
    factor = unit_factor(value, system, code)
    return factor is not None and "value" in value and amount_matches(quantity_span(value, factor), number)


def unit_factor(value: Any, system: str, code: str) -> Fraction | None:
    """Return what makes the number of a Quantity one in the unit that is asked for; None if nothing does."""
    if not code:
        return Fraction(1)
    if not system:
        return Fraction(1) if code in (value.get("code"), value.get("unit")) else None
    if value.get("system") != system:
        return None
    if value.get("code") == code:
        return Fraction(1)
    for units in DIMENSIONS:
        if system == UCUM and code in units and value.get("code") in units:
            return units[value["code"]] / units[code]
    return None
