"""Newline-delimited JSON (https://github.com/ndjson/ndjson-spec) as numbered lines, some to a piece.

In a piece each line has its number in what was sent before it, and a tab: so a piece may hold any of them.
"""

from collections.abc import AsyncIterator, Iterable
from typing import NamedTuple

from service.fhir.outcome import Issue, OutcomeError
from service.fhir.positions import Position

PIECE = 500_000
"""Bytes of a piece of more than one line."""
MOST_LINES = 200
"""Lines of a piece."""
_LINE_FEED = b"\n"


class Line(NamedTuple):
    """A line that is not empty."""

    number: int
    """Counted from 1."""
    text: bytes


async def numbered(chunks: AsyncIterator[bytes], longest: int, most: int) -> AsyncIterator[list[Line]]:
    """Yield the lines of a text that comes in ``chunks``, as many at a time as make a piece.

    Raises OutcomeError 413 where a line has more than ``longest`` bytes, or the text more than ``most``.
    """
    found: list[Line] = []
    size = number = total = 0
    async for text in _lines(chunks, longest):
        number, total = number + 1, total + len(text) + 1
        if len(text) > longest:
            sentence = f"Line {number} has more than {longest} bytes, which no resource has here"
            raise OutcomeError(Issue("body-too-large", sentence, position=Position(number, 1)))
        if total > most:
            raise OutcomeError(Issue("body-too-large", f"An import has at most {most} bytes here; send several"))
        if found and (size + len(text) > PIECE or len(found) == MOST_LINES):
            yield found
            found, size = [], 0
        if text.strip():
            found.append(Line(number, text))
            size += len(text)
    if found:
        yield found


def packed(lines: Iterable[Line]) -> bytes:
    """Return ``lines`` as a piece."""
    return _LINE_FEED.join(b"%d\t%s" % line for line in lines)


def unpacked(piece: bytes) -> list[Line]:
    """Return the lines of a piece."""
    parts = (line.partition(b"\t") for line in piece.split(_LINE_FEED))
    return [Line(int(number), text) for number, _, text in parts if number]


async def _lines(chunks: AsyncIterator[bytes], longest: int) -> AsyncIterator[bytes]:
    """Yield what is between line feeds, and of a line that is too long at least what is more than ``longest``."""
    rest: list[bytes] = []
    length = 0
    async for chunk in chunks:
        first, *others = chunk.split(_LINE_FEED)
        rest.append(first)
        length += len(first)
        if others:
            yield b"".join(rest)
            for line in others[:-1]:
                yield line
            rest, length = [others[-1]], len(others[-1])
        if length > longest:
            break
    yield b"".join(rest)
