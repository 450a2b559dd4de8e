"""Quantities, and their order where their units can be compared (http://hl7.org/fhirpath/N1/#quantity)."""

from decimal import Decimal
from typing import Any, NamedTuple

UCUM = "http://unitsofmeasure.org"


class Quantity(NamedTuple):
    """A number of units: by UCUM code, by the word of a calendar (``day``), or ``system|code`` of other systems."""

    value: Decimal
    unit: str


_UNITS = {
    unit: (dimension, Decimal(size))
    for dimension, units in {
        "time": {"ms": "0.001", "s": "1", "min": "60", "h": "3600", "d": "86400", "wk": "604800"},
        "mass": {"ng": "0.000000001", "ug": "0.000001", "mg": "0.001", "g": "1", "kg": "1000"},
        "volume": {"uL": "0.000001", "mL": "0.001", "dL": "0.1", "L": "1"},
        "length": {"mm": "0.001", "cm": "0.01", "m": "1", "km": "1000"},
    }.items()
    for unit, size in units.items()
}
"""Units of UCUM that can stand for each other: what they measure, and how large they are."""
_CALENDAR = {"millisecond": "ms", "second": "s", "minute": "min", "hour": "h", "day": "d", "week": "wk"}
"""Words of the calendar that always last as long as a unit of UCUM; months and years do not."""


def quantity(value: dict[str, Any]) -> Quantity | None:
    """Return the quantity that a FHIR Quantity is, or None where it has no value."""
    number = value.get("value")
    if type(number) is bool or not isinstance(number, (int, float, Decimal)):
        return None
    system, code = value.get("system"), value.get("code")
    unit = str(value.get("unit", "1")) if code is None else str(code) if system == UCUM else f"{system}|{code}"
    return Quantity(Decimal(str(number)), unit)


def order_of_quantities(left: Quantity, right: Quantity) -> int | None:
    """Return a number below, above or equal to 0 as ``left`` is less, more or the same.

    Returns None where their units cannot be compared; all but the commonest can only be compared with themselves.
    """
    if left.unit != right.unit:
        left, right = in_base_unit(left), in_base_unit(right)
    if left.unit != right.unit:
        return None
    return int(left.value > right.value) - int(left.value < right.value)


def in_base_unit(amount: Quantity) -> Quantity:
    """Return the same amount in the unit that stands for all that measure the same."""
    dimension, size = _UNITS.get(_CALENDAR.get(amount.unit, amount.unit), (amount.unit, Decimal(1)))
    return Quantity(amount.value * size, dimension)
