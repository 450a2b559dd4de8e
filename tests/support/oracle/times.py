"""Dates as ranges, and what the prefixes say of two ranges (https://hl7.org/fhir/R4/search.html#prefix)."""

from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

Span = tuple[Any, Any]

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
FOREVER = float("inf")


def prefixed(text: str) -> tuple[str, str]:
    """Return prefix and value."""
    return (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)


def date_matches(value: Any, text: str) -> bool:
    """Return whether a date, Period or Timing is what ``[prefix][date]`` asks."""
    span = date_span(value)
    prefix, wanted = prefixed(text)
    return span is not None and compare(prefix, span, instants(wanted))


def compare(prefix: str, value: Span, wanted: Span) -> bool:
    """Return what the table of prefixes says of two ranges of time, each with its end excluded."""
    (lo, hi), (start, end) = value, wanted
    contained = start <= lo and hi <= end
    match prefix:
        case "eq":
            return bool(contained)
        case "ne":
            return not contained
        case "gt":
            return bool(hi > end)
        case "lt":
            return bool(lo < start)
        case "ge":
            return bool(hi > end or contained)
        case "le":
            return bool(lo < start or contained)
        case "sa":
            return bool(lo >= end)
        case "eb":
            return bool(hi <= start)
        case "ap":  # a tenth of the time between then and now
            now = _seconds(datetime.now(UTC).replace(tzinfo=None))
            around = max(abs(now - start), abs(now - end)) / 10
            return bool(lo < end + around and hi > start - around)
    raise AssertionError(prefix)


def date_span(value: Any) -> Span | None:
    """Return the range of a date, a Period, or the outer bounds of a Timing; None where it names no time."""
    if isinstance(value, str):
        return instants(value) if value[:4].isdigit() else None
    spans = [instants(event) for event in value.get("event", ())]
    period = value.get("repeat", {}).get("boundsPeriod", {}) if "event" in value or "repeat" in value else value
    if "start" in period or "end" in period:
        lo = instants(period["start"])[0] if "start" in period else -FOREVER
        spans.append((lo, instants(period["end"])[1] if "end" in period else FOREVER))
    return (min(span[0] for span in spans), max(span[1] for span in spans)) if spans else None


def instants(text: str) -> Span:
    """Return the first instant of a date or time, and the first one after it, in seconds since the year 1."""
    date, _, rest = text.partition("T")
    numbers = [int(part) for part in date.split("-")]
    if len(numbers) == 1:
        return _start_of_month(numbers[0], 1), _start_of_month(numbers[0] + 1, 1)
    if len(numbers) == 2:
        year, month = numbers
        return _start_of_month(year, month), _start_of_month(year + month // 12, month % 12 + 1)
    day = _seconds(datetime(*numbers))
    if not rest:
        return day, day + 86400
    clock, zone = rest, UTC
    if clock.endswith("Z"):
        clock = clock[:-1]
    elif clock[-6:-5] in ("+", "-"):
        sign = -1 if clock[-6] == "-" else 1
        zone = timezone(sign * timedelta(hours=int(clock[-5:-3]), minutes=int(clock[-2:])))
        clock = clock[:-6]
    parts = clock.split(":")
    length = Fraction(60)
    if len(parts) == 3:
        length = Fraction(1, 10 ** len(parts[2].partition(".")[2]))
    seconds = Fraction(parts[2]) if len(parts) == 3 else 0
    offset = zone.utcoffset(None)
    assert offset is not None
    start = day + int(parts[0]) * 3600 + int(parts[1]) * 60 + seconds - int(offset.total_seconds())
    return start, start + length


def _start_of_month(year: int, month: int) -> Fraction:
    if year > 9999:  # which Python does not know
        return _seconds(datetime(9999, 12, 31)) + 86400
    return _seconds(datetime(year, month, 1))


def _seconds(moment: datetime) -> Fraction:
    difference = moment - datetime(1, 1, 1)
    return difference.days * 86400 + difference.seconds + Fraction(difference.microseconds, 10**6)
