"""An event that is too much for one AuditEvent becomes several, which together say all that it says."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from service.security.audit import Happened

MOST_TOUCHED = 1_000
"""Versions in one event: each is an entity of up to 600 bytes in an AuditEvent, which has at most 1 MB."""
MOST_TEXT = 200_000
"""Bytes of query text in one event: as base64 they are a third more."""
_LONGEST_PIECE = MOST_TEXT // 4
"""Characters, each of which has at most four bytes."""
_ENTRY = 200
"""What an entry takes in an AuditEvent beside its text."""


def split(happened: Happened) -> Iterator[Happened]:
    """Yield the event, in parts where it is too much for one; together they say all that it says."""
    if len(happened.touched) <= MOST_TOUCHED and len(happened.query) <= _LONGEST_PIECE and not happened.entries:
        yield happened
        return
    texts = list(_texts(happened))
    versions = [happened.touched[at : at + MOST_TOUCHED] for at in range(0, len(happened.touched), MOST_TOUCHED)]
    for number in range(max(len(texts), len(versions))):
        query, entries = texts[number] if number < len(texts) else ("", ())
        touched = versions[number] if number < len(versions) else ()
        yield replace(happened, query=query, entries=entries, touched=touched)


def _texts(happened: Happened) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield query and entries in parts of at most MOST_TEXT bytes."""
    query = list(_pieces(happened.query)) or [""]
    for piece in query[:-1]:
        yield piece, ()
    last, size = query[-1], _size(query[-1])
    group: list[str] = []
    for piece in (piece for entry in happened.entries for piece in _pieces(entry)):
        size += _size(piece) + _ENTRY
        if size > MOST_TEXT and (group or last):
            yield last, tuple(group)
            last, group, size = "", [], _size(piece) + _ENTRY
        group.append(piece)
    yield last, tuple(group)


def _pieces(text: str) -> Iterable[str]:
    if len(text) <= _LONGEST_PIECE:
        return (text,) if text else ()
    return (text[at : at + _LONGEST_PIECE] for at in range(0, len(text), _LONGEST_PIECE))


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="replace"))
