"""Units of measure in base units, as far as UCUM lets them be converted.

Nothing is lost by a conversion: 5 mg and 0.005 g are the same to the last digit.
"""

from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from functools import lru_cache

from service.search.types.number import STORED
from service.search.ucum import NotConvertibleError, read

LONGEST = 64
"""Characters of a unit that is converted; a longer one is compared as it is written."""
_EXACT = Context(prec=1000, Emin=MIN_EMIN, Emax=MAX_EMAX)


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
        found = read(code)
    except NotConvertibleError:
        return None
    base = ".".join(f"{unit}{'' if times == 1 else times}" for unit, times in sorted(found.base.items()))
    return Scale(Decimal(found.ratio.numerator), Decimal(found.ratio.denominator), base or "1")
