"""An event that is too much for one AuditEvent becomes several, which together say all that it says."""

from collections.abc import Iterator
from dataclasses import replace

from service.fhir.touched import Touched
from service.security.audit import Happened
from service.security.audit_terms import people_named_in

MOST = 800_000
"""About the bytes that an AuditEvent has at most; what is reckoned here is never less than it takes."""
_LONGEST_TEXT = 250_000
"""In the same bytes, of a query or an entry that is not cut in two."""
_ENTITY = 360
"""The bytes of an entity in an AuditEvent beside what it names."""
_SURELY_FITS = 400
"""Versions, and characters of a query, that always fit."""


def split(happened: Happened) -> Iterator[Happened]:
    """Yield the event, in parts where it is too much for one."""
    if len(happened.touched) <= _SURELY_FITS and len(happened.query) <= _SURELY_FITS and not happened.entries:
        yield happened
        return
    part = _Part()
    for query in _pieces(happened.query):
        if part.query:
            yield part.of(happened)
            part = _Part()
        part.query = query
        part.weight = _weight(query)
    for entry in (piece for whole in happened.entries for piece in _pieces(whole)):
        weight = _weight(entry)
        if part.weight + weight > MOST:
            yield part.of(happened)
            part = _Part()
        part.entries.append(entry)
        part.weight += weight
    for version in happened.touched:
        if part.weight + part.weight_of(version) > MOST:
            yield part.of(happened)
            part = _Part()
        part.add(version)
    yield part.of(happened)


class _Part:
    """What one of the events says."""

    def __init__(self) -> None:
        self.query = ""
        self.entries: list[str] = []
        self.weight = 0
        self._touched: list[Touched] = []
        self._people: set[str | None] = {None}

    def weight_of(self, version: Touched) -> int:
        person = version.subject
        about = 0 if person in self._people else _ENTITY + len(person or "")
        return _ENTITY + len(version.id) + about

    def add(self, version: Touched) -> None:
        self.weight += self.weight_of(version)
        self._people.add(version.subject)
        self._touched.append(version)

    def of(self, happened: Happened) -> Happened:
        return replace(happened, query=self.query, entries=tuple(self.entries), touched=tuple(self._touched))


def _pieces(text: str) -> Iterator[str]:
    """Yield ``text``, cut in two until no piece takes more than it may."""
    if len(text) <= _LONGEST_TEXT and _weight(text) <= _LONGEST_TEXT:
        yield text
        return
    for half in _halves(text):
        yield from _pieces(half)


def _weight(text: str) -> int:
    """Return what a text takes: itself as base64, and an entity for each person whom it names."""
    size = len(text) if text.isascii() else len(text.encode(errors="replace"))
    people = people_named_in(text)
    return _ENTITY + size * 4 // 3 + sum(_ENTITY + len(person) for person in people)


def _halves(text: str) -> tuple[str, str]:
    """Return two parts, cut between parameters, else between values with the name before both, else anywhere."""
    middle = len(text) // 2
    at = text.rfind("&", 1, middle)
    if at > 0:
        return text[:at], text[at + 1 :]
    for separator in (",", "%2C", "%2c"):
        at = text.rfind(separator, 1, middle)
        equals = text.rfind("=", 0, at)
        if at > 0 and equals > 0:
            start = max(text.rfind(before, 0, equals) for before in "&? ") + 1
            return text[:at], text[start : equals + 1] + text[at + len(separator) :]
    return text[:middle], text[middle:]
