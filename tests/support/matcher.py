"""A second opinion on search: the R4 search page (https://hl7.org/fhir/R4/search.html) done plainly in memory.

It takes the raw query and whole resources, so that mistakes of the service's parser, compiler, index and filters all
show. It shares no code with the service and cares for nothing but being right.
"""

import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any
from urllib.parse import unquote_plus

from tests.support.extraction import R4, extract

Resource = dict[str, Any]
Span = tuple[Any, Any]

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")
# The code systems of elements with a required binding to one value set of one system.
IMPLIED_SYSTEMS = {
    ("CarePlan", "status"): "http://hl7.org/fhir/request-status",
    ("CarePlan", "intent"): "http://hl7.org/fhir/request-intent",
    ("Goal", "lifecycle-status"): "http://hl7.org/fhir/goal-status",
}
FOREVER = float("inf")


@dataclass(frozen=True)
class Parameter:
    """A search parameter as its definition has it."""

    code: str
    type: str
    expression: str


def listed_parameters(resource_type: str) -> dict[str, Parameter]:
    """Return the parameters that the CapabilityStatement lists for a type."""
    files = [*R4.glob("SearchParameter-*.json"), *(R4 / "core").glob("SearchParameter-*.json")]
    by_url = {item["url"]: item for item in (json.loads(file.read_text()) for file in files)}
    statement = json.loads(next(R4.glob("CapabilityStatement-*.json")).read_text())
    (listed,) = (item for item in statement["rest"][0]["resource"] if item["type"] == resource_type)
    found = [by_url[item["definition"]] for item in listed["searchParam"]]
    return {item["code"]: Parameter(item["code"], item["type"], item["expression"]) for item in found}


class Matcher:
    """Answers searches of one resource type for the server whose FHIR address is ``base``."""

    def __init__(self, resource_type: str, base: str | None = None) -> None:
        self.resource_type = resource_type
        self.parameters = listed_parameters(resource_type)
        self._base = base
        self._values: dict[tuple[str, str], list[Any]] = {}

    def ids(self, query: str, resources: Sequence[Resource]) -> list[str]:
        """Return the ids of the matches, in the order of ``_sort`` and then of id."""
        asked = [tuple(map(unquote_plus, item.partition("=")[::2])) for item in query.split("&") if item]
        criteria = [(code, text) for code, text in asked if code not in ("_sort", "_count", "_total")]
        found = [item for item in resources if all(self._fulfils(item, *each) for each in criteria)]
        found.sort(key=lambda item: item["id"])
        for key in reversed([key for name, text in asked if name == "_sort" for key in text.split(",")]):
            found = self._sorted(found, key)
        return [item["id"] for item in found]

    def values(self, resource: Resource, code: str) -> list[Any]:
        """Return what the parameter's expression finds in ``resource``."""
        key = json.dumps(resource, sort_keys=True, default=str), code
        if key not in self._values:
            self._values[key] = extract(self.parameters[code].expression, resource)
        return self._values[key]

    def _fulfils(self, resource: Resource, code: str, text: str) -> bool:
        found = self.values(resource, code)
        return any(self._matches(code, value, part) for part in split(text, ",") for value in found)

    def _matches(self, code: str, value: Any, text: str) -> bool:
        match self.parameters[code].type:
            case "token":
                return token_matches(list(self._codings(code, value)), text)
            case "reference":
                return self._reference_matches(value, plain(text))
            case "string":
                return readable(value).startswith(readable(plain(text)))
            case "uri":
                return bool(value == plain(text))
            case "date":
                span = date_span(value)
                prefix, wanted = prefixed(text)
                return span is not None and compare(prefix, span, instants(wanted))
            case "number":
                return number_matches(number_span(value), *prefixed(text))
        raise AssertionError(code)

    def _codings(self, code: str, value: Any) -> Iterator[tuple[str | None, str | None]]:
        """Yield (system, code) of an element that a token parameter reaches."""
        if isinstance(value, bool):
            yield None, "true" if value else "false"
        elif isinstance(value, str):
            yield IMPLIED_SYSTEMS.get((self.resource_type, code)), value
        elif "code" in value:
            yield value.get("system"), value["code"]
        elif "value" in value:
            yield value.get("system"), value["value"]
        elif "system" in value:
            yield value["system"], None
        else:
            for coding in value.get("coding", ()):
                yield coding.get("system"), coding.get("code")

    def _reference_matches(self, value: Any, wanted: str) -> bool:
        if isinstance(value, str):  # a canonical, with or without its version
            return wanted in (value, value.split("|")[0])
        text = value.get("reference")
        if text is None or text.startswith("#"):
            return False
        target = self._local(text)
        if "/" not in wanted and ":" not in wanted:
            return target.count("/") == 1 and target.split("/")[1] == wanted
        return target == self._local(wanted)

    def _local(self, reference: str) -> str:
        """Return a reference without version, and without the server where that is this one."""
        text = reference.split("/_history/")[0]
        return text.removeprefix(f"{self._base}/") if self._base else text

    def _sorted(self, resources: list[Resource], key: str) -> list[Resource]:
        code, descending = key.removeprefix("-"), key.startswith("-")
        places = {item["id"]: self._sort_values(item, code) for item in resources}
        there = [item for item in resources if places[item["id"]]]
        choose = max if descending else min  # of several values, the one that comes earliest in the order
        there.sort(key=lambda item: choose(places[item["id"]]), reverse=descending)  # equal ones keep their order
        return there + [item for item in resources if not places[item["id"]]]

    def _sort_values(self, resource: Resource, code: str) -> list[Any]:
        found = self.values(resource, code)
        match self.parameters[code].type:
            case "token":
                return [item[1] for value in found for item in self._codings(code, value) if item[1] is not None]
            case "reference":
                canonicals = [value for value in found if isinstance(value, str)]
                named = [value.get("reference", "#") for value in found if not isinstance(value, str)]
                return canonicals + [self._local(text) for text in named if not text.startswith("#")]
            case "date":
                return [span[0] for span in map(date_span, found) if span is not None]
            case "number":
                return [number_span(value)[0] for value in found]
            case "string":
                return [readable(value) for value in found]
        return found


def split(text: str, separator: str) -> list[str]:
    """Return the parts of ``text`` between the separators that no backslash stands before."""
    parts, escaped = [""], False
    for letter in text:
        if letter == separator and not escaped:
            parts.append("")
            continue
        parts[-1] += letter
        escaped = letter == "\\" and not escaped
    return parts


def plain(text: str) -> str:
    """Return ``text`` without the backslashes that escape."""
    found, letters = "", iter(text)
    for letter in letters:
        if letter == "\\":
            following = next(letters, "")
            found += following if following in (",", "|", "$", "\\") else letter + following
        else:
            found += letter
    return found


def readable(text: str) -> str:
    """Return ``text`` without case and accents."""
    letters = unicodedata.normalize("NFD", text.lower())
    return " ".join("".join(letter for letter in letters if unicodedata.category(letter) != "Mn").split())


def token_matches(codings: list[tuple[str | None, str | None]], text: str) -> bool:
    """Return whether one of ``codings`` is what ``[code]``, ``[system]|[code]``, ``|[code]`` or ``[system]|`` asks."""
    parts = [plain(part) for part in split(text, "|")]
    if len(parts) == 1:
        return any(code == parts[0] for _, code in codings)
    system, wanted = parts
    if not wanted:
        return any(given == system for given, _ in codings)
    return any(code == wanted and (given or "") == system for given, code in codings)


def prefixed(text: str) -> tuple[str, str]:
    """Return prefix and value."""
    return (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)


def compare(prefix: str, value: Span, wanted: Span) -> bool:
    """Return what the table of prefixes says of two ranges, each with its end excluded."""
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
        return _seconds(datetime(numbers[0], 1, 1)), _seconds(datetime(numbers[0] + 1, 1, 1))
    if len(numbers) == 2:
        year, month = numbers
        return _seconds(datetime(year, month, 1)), _seconds(datetime(year + month // 12, month % 12 + 1, 1))
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


def _seconds(moment: datetime) -> Fraction:
    difference = moment - datetime(1, 1, 1)
    return Fraction(difference.days * 86400 + difference.seconds)


def number_span(value: Any) -> Span:
    """Return lowest and highest of a number, which is a point, or a Range."""
    if isinstance(value, dict):
        low, high = value.get("low", {}).get("value"), value.get("high", {}).get("value")
        return (-FOREVER if low is None else Fraction(low), FOREVER if high is None else Fraction(high))
    return Fraction(value), Fraction(value)


def number_matches(value: Span, prefix: str, text: str) -> bool:
    """Return whether a number fits: eq and ne take the range of the written precision, the others the exact value."""
    (lo, hi), exact = value, Fraction(text)
    exponent = Decimal(text).as_tuple().exponent
    assert isinstance(exponent, int)
    # 0.8 is [0.75, 0.85) and 100 is [99.5, 100.5); the specification's own 1e2 is [95, 105)
    half = Fraction(10) ** (exponent - 1 if exponent > 0 else exponent) / 2
    contained = exact - half <= lo and hi < exact + half
    match prefix:
        case "eq":
            return bool(contained)
        case "ne":
            return not contained
        case "gt":
            return bool(hi > exact)
        case "lt":
            return bool(lo < exact)
        case "ge":
            return bool(hi >= exact)
        case "le":
            return bool(lo <= exact)
        case "sa":
            return bool(lo > exact)
        case "eb":
            return bool(hi < exact)
    raise AssertionError(prefix)
