"""The Unified Code for Units of Measure (https://ucum.org/ucum): how many base units a unit is.

The table of units is UCUM's own, which the package ucumvert carries; what follows from it is calculated here, in
fractions.
"""

import re
from collections import Counter
from fractions import Fraction
from functools import cache
from importlib.metadata import distribution
from typing import NamedTuple
from xml.etree import ElementTree

_LARGEST = 1024
"""Bits of either number in a ratio of units; beyond it they are not converted."""
_TABLE = "ucumvert/vendor/ucum-essence.xml"
_XML = "{http://unitsofmeasure.org/ucum-essence}"
_TOKEN = re.compile(r"[()./]|\{[!-z|~]*\}|[^()./{}]+")
_FACTOR = re.compile(r"[1-9][0-9]*")
_SYMBOL = re.compile(r"(.+?)([+-]?[1-9][0-9]?)?")


class NotConvertibleError(Exception):
    """A text is no unit, or one that UCUM does not convert by a ratio."""


class Measure(NamedTuple):
    """How much of which base units."""

    ratio: Fraction
    base: dict[str, int]
    """The base units and their exponents."""

    def times(self, other: "Measure", sign: int = 1) -> "Measure":
        """Return the product, or the quotient where ``sign`` is -1; raises NotConvertibleError beyond all measure."""
        base = Counter(self.base)
        base.update({unit: sign * times for unit, times in other.base.items()})
        if self._bits + other._bits > _LARGEST:
            raise NotConvertibleError
        return Measure(self.ratio * other.ratio**sign, {unit: times for unit, times in base.items() if times})

    def to(self, exponent: int) -> "Measure":
        """Return a power of it; raises NotConvertibleError beyond all measure."""
        if self._bits * abs(exponent) > _LARGEST:
            raise NotConvertibleError
        return Measure(self.ratio**exponent, {unit: times * exponent for unit, times in self.base.items()})

    @property
    def _bits(self) -> int:
        return max(self.ratio.numerator.bit_length(), self.ratio.denominator.bit_length())


_ONE = Measure(Fraction(1), {})


def read(unit: str) -> Measure:
    """Return the measure of a UCUM unit, whose annotations mean nothing; raises NotConvertibleError."""
    return _Term(unit).whole()


class _Term:
    """Reads a unit from its start; one sign after the other is taken away."""

    def __init__(self, text: str) -> None:
        tokens = _TOKEN.findall(text)
        if "".join(tokens) != text:
            raise NotConvertibleError
        self._tokens = tokens[::-1]

    def whole(self) -> Measure:
        found = self._term()
        if self._tokens:
            raise NotConvertibleError
        return found

    def _term(self) -> Measure:
        found = _ONE if self._next == "/" else self._component()
        while self._next in (".", "/"):
            sign = 1 if self._tokens.pop() == "." else -1
            found = found.times(self._component(), sign)
        return found

    def _component(self) -> Measure:
        sign = self._tokens.pop() if self._tokens else ""
        if sign == "(":
            found = self._term()
            if not self._tokens or self._tokens.pop() != ")":
                raise NotConvertibleError
        else:
            found = _ONE if sign.startswith("{") else _factor_or_power(sign)
        while self._next.startswith("{"):
            self._tokens.pop()
        return found

    @property
    def _next(self) -> str:
        return self._tokens[-1] if self._tokens else ""


def _factor_or_power(text: str) -> Measure:
    if _FACTOR.fullmatch(text):
        return Measure(Fraction(text), {})
    match = _SYMBOL.fullmatch(text)
    if match is None:
        raise NotConvertibleError
    symbol, exponent = match.groups()
    return _table().measure(symbol).to(int(exponent or 1))


class _Table:
    """UCUM's prefixes and units by their code; the few codes with operators in them are all of special units."""

    def __init__(self, root: ElementTree.Element) -> None:
        self._prefixes = {
            item.attrib["Code"]: Measure(Fraction(_value_of(item)["value"]), {}) for item in root.iter(f"{_XML}prefix")
        }
        self._base = {item.attrib["Code"] for item in root.iter(f"{_XML}base-unit")}
        self._units = {item.attrib["Code"]: item for item in root.iter(f"{_XML}unit")}
        self._unit = cache(self._defined)

    def measure(self, symbol: str) -> Measure:
        """Return the measure of a unit with or without prefix; raises NotConvertibleError."""
        if symbol in self._base or symbol in self._units:
            return self._unit(symbol)
        for length in (1, 2):
            prefix, unit = self._prefixes.get(symbol[:length]), symbol[length:]
            if prefix and self._takes_prefixes(unit):
                return prefix.times(self._unit(unit))
        raise NotConvertibleError

    def _takes_prefixes(self, unit: str) -> bool:
        return unit in self._base or (unit in self._units and self._units[unit].get("isMetric") == "yes")

    def _defined(self, unit: str) -> Measure:
        if unit in self._base:
            return Measure(Fraction(1), {unit: 1})
        definition = self._units[unit]
        if "yes" in (definition.get("isSpecial"), definition.get("isArbitrary")):
            raise NotConvertibleError
        value = _value_of(definition)
        return Measure(Fraction(value["value"]), {}).times(read(value["Unit"]))


def _value_of(definition: ElementTree.Element) -> dict[str, str]:
    value = definition.find(f"{_XML}value")
    assert value is not None
    return value.attrib


@cache
def _table() -> _Table:
    # By its path, for the package itself would load more than a table.
    file = str(distribution("ucumvert").locate_file(_TABLE))
    return _Table(ElementTree.parse(file).getroot())  # noqa: S314 - what was installed, nothing from a client
