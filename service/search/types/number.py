"""Search type number: decimals by the precision they are asked with (https://hl7.org/fhir/R4/search.html#number)."""

from collections.abc import Callable, Iterator
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from service.conformance.search_parameters import SearchParameter
from service.search.modifier import Knowledge, Modifier, Modifiers
from service.search.predicate import All, Compare, Predicate
from service.search.predicate import Any as AnyOf
from service.search.types.prefix import of_one_value, split_prefix

Span = tuple[Decimal, Decimal]

LOWEST = Decimal("-Infinity")
HIGHEST = Decimal("Infinity")
STORED = Context(prec=34, Emin=-6143, Emax=6144, traps=[])
"""What a database decimal holds; beyond it numbers are rounded."""
_DIGITS = 24
"""Significant digits that a query may carry; with them all arithmetic here is exact."""


def spans(of_type: str, value: Any) -> Iterator[Span]:
    """Yield the span of a decimal or integer, which is one point, or of a Range."""
    if of_type == "Range":
        low, high = value.get("low", {}).get("value"), value.get("high", {}).get("value")
        if low is not None or high is not None:
            yield (
                LOWEST if low is None else STORED.create_decimal(low),
                HIGHEST if high is None else STORED.create_decimal(high),
            )
    else:
        point = STORED.create_decimal(value)
        yield point, point


def query_number(text: str) -> Decimal:
    """Return the number that ``text`` asks for; raises ValueError where it is none."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("This is not a number") from None
    if not text.isascii() or "_" in text or not number.is_finite() or text != text.strip():
        raise ValueError("This is not a number")
    if len(number.as_tuple().digits) > _DIGITS or abs(number.adjusted()) > 1000:
        raise ValueError(f"Numbers in a search have at most {_DIGITS} digits")
    return number


def predicate(
    prefix: str, lo: str, hi: str, wanted: Decimal, as_stored: Callable[[Decimal], Decimal] = Decimal
) -> Predicate:
    """Return what ``prefix`` demands of the span from field ``lo`` to field ``hi``.

    ``eq`` and ``ne`` read the number as the range of its written precision; the others take it exactly. ``as_stored``
    makes of a number what the fields hold where that is not the number itself; it keeps the order of numbers.
    """
    half = _half_of_last_digit(wanted)
    margin = max(abs(wanted) / 10, half)
    number, low, high = map(as_stored, (wanted, wanted - half, wanted + half))
    demands: dict[str, Predicate] = {
        "eq": All((Compare(lo, "ge", low), Compare(lo, "lt", high), Compare(hi, "lt", high))),
        "ne": AnyOf((Compare(lo, "lt", low), Compare(hi, "ge", high))),
        "gt": Compare(hi, "gt", number),
        "lt": Compare(lo, "lt", number),
        "ge": Compare(hi, "ge", number),
        "le": Compare(lo, "le", number),
        "sa": Compare(lo, "gt", number),
        "eb": Compare(hi, "lt", number),
        "ap": All((Compare(lo, "le", as_stored(wanted + margin)), Compare(hi, "ge", as_stored(wanted - margin)))),
    }
    return demands[prefix]


def _plain(parameter: SearchParameter, text: str, _: Knowledge) -> Predicate:
    prefix, value = split_prefix(text)
    wanted = query_number(value)
    return of_one_value(parameter, lambda lo, hi: predicate(prefix, lo, hi, wanted))


MODIFIERS: Modifiers = {"": Modifier(_plain)}


def _half_of_last_digit(number: Decimal) -> Decimal:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    if exponent > 0:
        exponent -= 1  # the specification's own example: 1e2 is [95, 105)
    return Decimal(5).scaleb(exponent - 1)
