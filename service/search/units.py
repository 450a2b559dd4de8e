"""Units of measure in base units, as far as UCUM lets them be converted (https://ucum.org/ucum).

The table of units is UCUM's own, which the package ucumvert carries. What follows from it is calculated here, in
fractions, so that 5 mg and 0.005 g are the same to the last digit.
"""

import re
from collections import Counter
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from fractions import Fraction
from functools import cache, lru_cache
from importlib.metadata import distribution
from typing import Any, NamedTuple

from lxml import etree

from service.search.types.number import STORED

LONGEST = 64
"""Characters of a unit that is converted; a longer one is compared as it is written."""
_LARGEST = 1024
"""Bits of either number in a ratio of units; beyond it they are not converted."""
_EXACT = Context(prec=1000, Emin=MIN_EMIN, Emax=MAX_EMAX)
_TABLE = "ucumvert/vendor/ucum-essence.xml"
_XML = "{http://unitsofmeasure.org/ucum-essence}"
_TOKEN = re.compile(r"[()./]|\{[!-z|~]*\}|[^()./{}]+")
_FACTOR = re.compile(r"[1-9][0-9]*")
_SYMBOL = re.compile(r"(.+?)([+-]?[1-9][0-9]?)?")


@dataclass(frozen=True, slots=True)
class Scale:
    """How many base units a unit is."""

    numerator: Decimal
    denominator: Decimal
    unit: str
    """The base units as UCUM writes them, such as ``g.m-3``."""

    def in_base_units(self, value: Decimal) -> Decimal:
        """Return so many of the unit in base units, rounded once, to the digits that the index holds."""
        if not value.is_finite():
            return value
        return STORED.divide(_EXACT.multiply(value, self.numerator), self.denominator)


def scale(code: str) -> Scale | None:
    """Return the scale of a UCUM unit, None where that is no unit or one that UCUM converts by no ratio.

    Those are special units, such as ``Cel``, and arbitrary ones, such as ``[iU]``. Annotations mean nothing.
    """
    return _scale(code) if len(code) <= LONGEST else None


@lru_cache(maxsize=1024)
def _scale(code: str) -> Scale | None:
    try:
        found = _Term(code).whole()
    except _NotConvertibleError:
        return None
    base = ".".join(f"{unit}{'' if times == 1 else times}" for unit, times in sorted(found.base.items()))
    return Scale(Decimal(found.ratio.numerator), Decimal(found.ratio.denominator), base or "1")


class _NotConvertibleError(Exception):
    pass


class _Measure(NamedTuple):
    ratio: Fraction
    base: dict[str, int]
    """The base units and their exponents."""

    def times(self, other: "_Measure", sign: int = 1) -> "_Measure":
        base = Counter(self.base)
        base.update({unit: sign * times for unit, times in other.base.items()})
        if self._bits + other._bits > _LARGEST:
            raise _NotConvertibleError
        return _Measure(self.ratio * other.ratio**sign, {unit: times for unit, times in base.items() if times})

    def to(self, exponent: int) -> "_Measure":
        if self._bits * abs(exponent) > _LARGEST:
            raise _NotConvertibleError
        return _Measure(self.ratio**exponent, {unit: times * exponent for unit, times in self.base.items()})

    @property
    def _bits(self) -> int:
        return max(self.ratio.numerator.bit_length(), self.ratio.denominator.bit_length())


_ONE = _Measure(Fraction(1), {})


class _Term:
    """Reads a unit from its start; one sign after the other is taken away."""

    def __init__(self, text: str) -> None:
        tokens = _TOKEN.findall(text)
        if "".join(tokens) != text:
            raise _NotConvertibleError
        self._tokens = tokens[::-1]

    def whole(self) -> _Measure:
        found = self._term()
        if self._tokens:
            raise _NotConvertibleError
        return found

    def _term(self) -> _Measure:
        found = _ONE if self._next == "/" else self._component()
        while self._next in (".", "/"):
            sign = 1 if self._tokens.pop() == "." else -1
            found = found.times(self._component(), sign)
        return found

    def _component(self) -> _Measure:
        sign = self._tokens.pop() if self._tokens else ""
        if sign == "(":
            found = self._term()
            if not self._tokens or self._tokens.pop() != ")":
                raise _NotConvertibleError
        else:
            found = _ONE if sign.startswith("{") else _factor_or_power(sign)
        while self._next.startswith("{"):
            self._tokens.pop()
        return found

    @property
    def _next(self) -> str:
        return self._tokens[-1] if self._tokens else ""


def _factor_or_power(text: str) -> _Measure:
    if _FACTOR.fullmatch(text):
        return _Measure(Fraction(text), {})
    match = _SYMBOL.fullmatch(text)
    if match is None:
        raise _NotConvertibleError
    symbol, exponent = match.groups()
    return _table().measure(symbol).to(int(exponent or 1))


class _Table:
    """UCUM's prefixes and units by their code; none with brackets or operators in it, which are all special."""

    def __init__(self, root: Any) -> None:
        self._prefixes = {
            item.get("Code"): _Measure(Fraction(item.find(f"{_XML}value").get("value")), {})
            for item in root.iter(f"{_XML}prefix")
        }
        self._base = {item.get("Code") for item in root.iter(f"{_XML}base-unit")}
        self._units = {item.get("Code"): item for item in root.iter(f"{_XML}unit")}
        self._unit = cache(self._defined)

    def measure(self, symbol: str) -> _Measure:
        """Return the measure of a unit with or without prefix; raises _NotConvertibleError."""
        if symbol in self._base or symbol in self._units:
            return self._unit(symbol)
        for length in (1, 2):
            prefix, unit = self._prefixes.get(symbol[:length]), symbol[length:]
            if prefix and self._takes_prefixes(unit):
                return prefix.times(self._unit(unit))
        raise _NotConvertibleError

    def _takes_prefixes(self, unit: str) -> bool:
        return unit in self._base or (unit in self._units and self._units[unit].get("isMetric") == "yes")

    def _defined(self, unit: str) -> _Measure:
        if unit in self._base:
            return _Measure(Fraction(1), {unit: 1})
        definition = self._units[unit]
        if "yes" in (definition.get("isSpecial"), definition.get("isArbitrary")):
            raise _NotConvertibleError
        value = definition.find(f"{_XML}value")
        return _Measure(Fraction(value.get("value")), {}).times(_Term(value.get("Unit")).whole())


@cache
def _table() -> _Table:
    # By its path, for the package itself would load more than a table.
    return _Table(etree.parse(str(distribution("ucumvert").locate_file(_TABLE))).getroot())
