"""Documents by the million from a few hundred templates: what differs is stamped into the encoded bytes.

A template is a document of the service in which ids, days and moments are sentinels, as long as what takes their place:
texts, in the JSON, the native form and the words of the index; days and moments also as the whole numbers that the
index makes of them. So no length changes, and the rest of the document stays as the service made it.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import bson
from bson.codec_options import CodecOptions

from service.fhir.datetimes import instant
from tests.bench.search.population import EPOCH

DAY = 86_400_000_000
"""Microseconds."""
TEXTS = {
    **{
        name: f"5e171e10-0000-7000-8000-0000000000{number:02}"
        for number, name in enumerate(
            ("id", "person", "goal-1", "goal-2", "goal-3", "assessment", "staff-1", "staff-2", "supporter", "service")
        )
    },
    "number": "1000000171",
    "person-number": "2000000171",
    "national-number": "9000000171",
}
"""The texts that differ, by name, as they stand in a template: ids, and numbers of ten digits."""
DAYS = {name: date(2101 + 7 * n, 3, 3 + n) for n, name in enumerate(("day", "end", "review", "stipulated"))}
"""The days that differ, as they stand in a template."""
UPDATED = datetime(2171, 5, 17, 10, 11, 12, 345_000, UTC)
"""When the resource was stored, as it stands in a template."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Facts(NamedTuple):
    """What is stamped into one document."""

    texts: Mapping[str, str]
    days: Mapping[str, int]
    """Since 1970."""
    updated: int
    """Milliseconds since 1970."""


Maker = Callable[[Facts], bytes]


class Template:
    """An encoded document and the places in it that differ from one to the next."""

    def __init__(self, document: Mapping[str, Any], codec: CodecOptions[Any]) -> None:
        data = bson.encode(document, codec_options=codec)
        self._makers: list[Maker] = []
        self._pieces: list[bytes] = []
        self._places: list[tuple[int, int]] = []
        """Which piece is made by which maker."""
        found = sorted(self._find(data, _sentinels(document)))
        position = 0
        for start, sentinel, maker in found:
            self._pieces += [data[position:start], sentinel]
            self._places.append((len(self._pieces) - 1, maker))
            position = start + len(sentinel)
        self._pieces.append(data[position:])

    def _find(self, data: bytes, sentinels: dict[bytes, Maker]) -> Iterator[tuple[int, bytes, int]]:
        for sentinel, maker in sentinels.items():
            start = data.find(sentinel)
            if start >= 0:
                self._makers.append(maker)
            while start >= 0:
                yield start, sentinel, len(self._makers) - 1
                start = data.find(sentinel, start + len(sentinel))

    def stamp(self, facts: Facts) -> bytes:
        """Return the encoded document with these facts in place of the sentinels."""
        made = [make(facts) for make in self._makers]
        pieces = self._pieces.copy()
        for piece, maker in self._places:
            pieces[piece] = made[maker]
        return b"".join(pieces)


def _sentinels(document: Mapping[str, Any]) -> dict[bytes, Maker]:
    """Return how what differs may be encoded in this document, and what makes it of the facts."""
    makers: dict[bytes, Maker] = {text.encode(): _text(name) for name, text in TEXTS.items()}
    makers |= {day.isoformat().encode(): _day_text(name) for name, day in DAYS.items()}
    makers[instant(UPDATED).encode()] = lambda facts: _instant_text(facts.updated)
    makers[_whole(_since_epoch(UPDATED) // 1_000)] = lambda facts: _whole(facts.updated)
    for number in set(_whole_numbers(document)):
        if abs(number - _since_epoch(UPDATED)) < DAY:
            makers[_whole(number)] = _moment_number(number - _since_epoch(UPDATED))
        for name, day in DAYS.items():
            offset = number - (day.toordinal() - EPOCH) * DAY
            if 0 <= offset <= DAY:
                makers[_whole(number)] = _day_number(name, offset)
    return makers


def _text(name: str) -> Maker:
    return lambda facts: facts.texts[name].encode()


def _day_text(name: str) -> Maker:
    return lambda facts: day_text(facts.days[name]).encode()


def _day_number(name: str, offset: int) -> Maker:
    return lambda facts: _whole(facts.days[name] * DAY + offset)


def _moment_number(offset: int) -> Maker:
    return lambda facts: _whole(facts.updated * 1_000 + offset)


def day_text(day: int) -> str:
    """Return a day as a FHIR date."""
    return date.fromordinal(day + EPOCH).isoformat()


def _instant_text(milliseconds: int) -> bytes:
    return instant(_EPOCH + timedelta(milliseconds=milliseconds)).encode()


def _since_epoch(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _whole(number: int) -> bytes:
    return struct.pack("<q", number)


def _whole_numbers(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _whole_numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from _whole_numbers(item)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield value
