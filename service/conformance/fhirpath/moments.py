"""Dates and times as far as they are given, and their order (http://hl7.org/fhirpath/N1/#datetime-equality)."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple


class Moment(NamedTuple):
    """A date, a date and time, or a time of day, as far as it is given."""

    parts: tuple[int | Decimal, ...]
    """Year, month, day, hour, minute, second; of a time of day the last three."""
    offset: int | None
    """Minutes that the clock is ahead of UTC, or None where it is not said."""
    is_time_of_day: bool
    text: str


_DATE = r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?"
_CLOCK = r"(?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d(?:\.\d+)?))?)?(?P<zone>Z|[+-]\d\d:\d\d)?"
_PATTERNS = [re.compile(text, re.ASCII) for text in (rf"{_DATE}(?:T(?:{_CLOCK})?)?", rf"T?{_CLOCK}")]
_WHOLE = ("year", "month", "day", "hour", "minute")
_PARTS_OF_A_DATE = 3


@lru_cache(maxsize=4096)
def moment(text: str) -> Moment | None:
    """Return the date or time that ``text`` is, or None where it is none."""
    match = next((found for pattern in _PATTERNS if (found := pattern.fullmatch(text))), None)
    if match is None:
        return None
    given = match.groupdict()
    whole = [int(given[name]) for name in _WHOLE if given.get(name)]
    second = [Decimal(given["second"])] if given["second"] else []
    return Moment((*whole, *second), _offset(given["zone"]), "year" not in given, text)


def _offset(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return -minutes if zone[0] == "-" else minutes


def order_of_moments(left: Moment, right: Moment) -> int | None:
    """Return a number below, above or equal to 0 as ``left`` is before, after or at ``right``.

    Returns None where it cannot be told: where they are equal as far as both are given, and one is given further;
    where only one says its offset from UTC; and where one is a date and the other a time of day.
    """
    if left.is_time_of_day != right.is_time_of_day:
        return None
    if left.offset != right.offset and min(len(left.parts), len(right.parts)) > _PARTS_OF_A_DATE:
        if left.offset is None or right.offset is None:
            return None
        left, right = in_utc(left), in_utc(right)
    for mine, theirs in zip(left.parts, right.parts, strict=False):
        if mine != theirs:
            return 1 if mine > theirs else -1
    return 0 if len(left.parts) == len(right.parts) else None


def in_utc(value: Moment) -> Moment:
    """Return the same moment by the clock of UTC, or ``value`` where its offset is not said."""
    if not value.offset or len(value.parts) <= _PARTS_OF_A_DATE:
        return value
    year, month, day, hour, minute = (*map(int, value.parts[:5]), 0)[:5]
    try:
        moved = datetime(year, month, day, hour, minute) - timedelta(minutes=value.offset)
    except (ValueError, OverflowError):
        return value  # there is no such day
    parts = (moved.year, moved.month, moved.day, moved.hour, moved.minute, *value.parts[5:])
    return Moment(parts, 0, False, value.text)
