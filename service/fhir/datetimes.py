"""FHIR dates and times, and the stretch of time that each stands for (https://hl7.org/fhir/R4/datatypes.html#dateTime).

A stretch is a pair of whole microseconds since 1970 UTC, both ends included: ``2026-11`` runs from the first to the
last microsecond of that month. A value without a time zone is taken as UTC.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

Stretch = tuple[int, int]

BEGINNING = -(2**63)
"""Lower end of a stretch that has no beginning."""
END = 2**63 - 1
"""Upper end of a stretch that has no end."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PATTERN = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?P<fraction>\.\d+)?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?"
)
_LENGTHS = {"day": 86_400_000_000, "minute": 60_000_000, "second": 1_000_000}


@lru_cache(maxsize=4096)
def stretch(text: str) -> Stretch:
    """Return the stretch that a FHIR date, dateTime or instant stands for; raises ValueError when it is none."""
    match = _PATTERN.fullmatch(text)
    if match is None or not text.isascii():
        raise ValueError("This is no FHIR date or time, such as 2026-11-01 or 2026-11-01T09:30:00Z")
    parts = match.groupdict()
    year, month = int(parts["year"]), int(parts["month"] or 1)
    if parts["day"] is None:
        start = microseconds(_in_calendar(year, month, 1))
        months = 1 if parts["month"] else 12
        return start, start + _month_lengths(year, month, months) - 1
    second = int(parts["second"] or 0)
    clock = int(parts["hour"] or 0), int(parts["minute"] or 0), min(second, 59)
    moment = _in_calendar(year, month, int(parts["day"]), *clock)
    start = microseconds(moment) - _offset(parts["zone"])
    if second > 59:
        if second > 60:
            raise ValueError("A minute has at most 60 seconds")
        start += _LENGTHS["second"]  # a leap second counts as the one after it
    if parts["fraction"] is not None:
        digits = parts["fraction"][1:7]
        start += int(digits.ljust(6, "0"))
        return start, start + 10 ** (6 - len(digits)) - 1
    precision = "second" if parts["second"] else "minute" if parts["minute"] else "day"
    return start, start + _LENGTHS[precision] - 1


def instant(moment: datetime) -> str:
    """Return ``moment`` as a FHIR instant in UTC with milliseconds."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def moment_of(microseconds_since_1970: int) -> datetime:
    """Return the moment that many microseconds after 1970 in UTC."""
    return _EPOCH + microseconds_since_1970 * _MICROSECOND


def microseconds(moment: datetime) -> int:
    """Return an aware ``moment`` as microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def _in_calendar(*numbers: int) -> datetime:
    try:
        return datetime(*numbers, tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        raise ValueError("There is no such day or time of day") from None


def _month_lengths(year: int, month: int, months: int) -> int:
    days = 0
    for number in range(month, month + months):
        following = datetime(year + number // 12, number % 12 + 1, 1) if year < 9999 or number < 12 else None
        days += (following - datetime(year, number, 1)).days if following else 31
    return days * _LENGTHS["day"]


def _offset(zone: str | None) -> int:
    if zone in (None, "Z"):
        return 0
    assert zone is not None
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if minutes > 59 or hours * 60 + minutes > 14 * 60:
        raise ValueError("The time zone is none that exists")
    return (hours * 60 + minutes) * _LENGTHS["minute"] * (-1 if zone[0] == "-" else 1)
