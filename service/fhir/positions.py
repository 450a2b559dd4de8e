"""Where in a JSON text a FHIRPath expression leads (https://hl7.org/fhir/R4/operationoutcome.html).

Lines and columns count from 1: lines end with a line feed, columns are characters. Wherever no expression leads, the
text is read by the standard library's own scanner.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from json import JSONDecoder
from typing import NamedTuple

Step = str | int

DEEPEST = 200
"""Steps of an expression that are followed; no real record is nested so deep."""

_STEP = re.compile(r"(?P<name>[^.\[\]()]+)(?:\.ofType\((?P<type>\w+)\))?|\[(?P<number>\d{1,9})\]")
_SPACE = re.compile(r"[ \t\n\r]*")
_COMMA = re.compile(r"[ \t\n\r]*,?[ \t\n\r]*")
_COLON = re.compile(r"[ \t\n\r]*:[ \t\n\r]*")
_BLOCK = 1 << 16
_scan = JSONDecoder(parse_float=len, parse_int=len, parse_constant=len).raw_decode
"""Returns the value that begins at an index, and where it ends; numbers are not worth computing."""


class Position(NamedTuple):
    """A line and a column, both counted from 1."""

    line: int
    column: int


class SourceText:
    """A text that was sent. Nothing of it is read before something is looked for."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def positions(self, expressions: Iterable[str]) -> dict[str, Position]:
        """Return where the values begin that ``expressions`` name in the text, which must be JSON.

        For one that names nothing that is there, it is where the nearest value around it begins. However often entries
        of a Bundle are asked for, the whole of it is read once.
        """
        roots: dict[int, Wanted] = {}
        ends = {expression: self._place(steps_of(expression)[1:DEEPEST], roots) for expression in expressions}
        for start, root in roots.items():
            with suppress(RecursionError):  # what is nested beyond that keeps the position of what surrounds it
                _enter(self._text, start, root, beside=False)
        return {expression: self.position(end.nearest_start()) for expression, end in ends.items()}

    def position(self, index: int) -> Position:
        """Return the position of the character at ``index``."""
        block = index - index % _BLOCK
        line, line_feed = self._blocks[index // _BLOCK]
        line_feed = max(line_feed, self._text.rfind("\n", block, index))
        return Position(line + self._text.count("\n", block, index), index - line_feed)

    @cached_property
    def _text(self) -> str:
        return self._body.decode()

    @cached_property
    def _blocks(self) -> list[tuple[int, int]]:
        """For each block of the text its first line, and where the line before that ends."""
        blocks = [(1, -1)]
        for start in range(0, len(self._text), _BLOCK):
            line, line_feed = blocks[-1]
            found = self._text.count("\n", start, start + _BLOCK)
            blocks.append((line + found, max(line_feed, self._text.rfind("\n", start, start + _BLOCK))))
        return blocks

    @cached_property
    def _start(self) -> int:
        return _after(_SPACE, self._text, 0)

    @cached_property
    def _entries(self) -> list[int]:
        """Where the entries of a Bundle begin."""
        bundle = Wanted()
        entry = bundle.at(["entry"])
        with suppress(RecursionError):
            _enter(self._text, self._start, bundle, beside=False)
            if entry.start is not None and self._text[entry.start] == "[":
                return list(_members(self._text, entry.start + 1))
        return []

    def _place(self, steps: list[Step], roots: "dict[int, Wanted]") -> "Wanted":
        """Return the place that ``steps`` lead to, below one of ``roots`` that is put there if it is missing."""
        match steps:
            case ["entry", int(number), *below] if number < len(self._entries):
                return roots.setdefault(self._entries[number], Wanted()).at(below)
        return roots.setdefault(self._start, Wanted()).at(steps)


def steps_of(expression: str) -> list[Step]:
    """Return the steps of an expression: names as JSON has them (``valueCode``), and numbers in lists from 0."""
    found: list[Step] = []
    for match in _STEP.finditer(expression):
        name, of_type, number = match.group("name", "type", "number")
        found.append(int(number) if number else name + (of_type or "")[:1].upper() + (of_type or "")[1:])
    return found


@dataclass(slots=True)
class Wanted:
    """A value that expressions lead to or through, and where it starts once that is found."""

    around: "Wanted | None" = None
    below: "dict[Step, Wanted]" = field(default_factory=dict)
    start: int | None = None

    def at(self, steps: Iterable[Step]) -> "Wanted":
        """Return the value to which ``steps`` lead from here, which is wanted too from then on."""
        place = self
        for step in steps:
            place = place.below.setdefault(step, Wanted(place))
        return place

    def nearest_start(self) -> int:
        """Return where this starts, or if it was not found what is around it."""
        place = self
        while place.start is None and place.around is not None:
            place = place.around
        return place.start or 0


def _enter(text: str, index: int, place: Wanted, beside: bool) -> int:
    """Note that ``place`` begins at ``index``, and all that is wanted in it; return where it ends.

    ``beside`` is true within what JSON has as ``_status`` beside ``status``: where both are there, the value counts.
    """
    if place.start is None or not beside:
        place.start = index
    if place.below and text[index] == "[":
        return _enter_list(text, index + 1, place, beside)
    if place.below and text[index] == "{":
        return _enter_object(text, index + 1, place, beside)
    return _scan(text, index)[1]


def _enter_list(text: str, index: int, place: Wanted, beside: bool) -> int:
    last = max((step for step in place.below if isinstance(step, int)), default=-1)
    index = _after(_SPACE, text, index)
    for number in range(last + 1):
        if text[index] == "]":
            break
        member = place.below.get(number)
        end = _scan(text, index)[1] if member is None else _enter(text, index, member, beside)
        index = _after(_COMMA, text, end)
    if text[index] == "]":
        return index + 1
    return _scan("[" + text[index:], 0)[1] + index - 1  # the rest at once: it may have millions of members


def _enter_object(text: str, index: int, place: Wanted, beside: bool) -> int:
    index = _after(_SPACE, text, index)
    while text[index] != "}":
        key, end = _scan(text, index)
        index = _after(_COLON, text, end)
        member, is_beside = place.below.get(key), beside
        if member is None and key[:1] == "_":
            member, is_beside = place.below.get(key[1:]), True
        end = _scan(text, index)[1] if member is None else _enter(text, index, member, is_beside)
        index = _after(_COMMA, text, end)
    return index + 1


def _members(text: str, index: int) -> Iterator[int]:
    """Yield where each member of a list begins, whose first is at ``index`` or after it."""
    index = _after(_SPACE, text, index)
    while text[index] != "]":
        yield index
        index = _after(_COMMA, text, _scan(text, index)[1])


def _after(pattern: re.Pattern[str], text: str, index: int) -> int:
    match = pattern.match(text, index)
    assert match is not None
    return match.end()
