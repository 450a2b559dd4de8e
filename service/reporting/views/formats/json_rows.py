"""Rows as JSON objects, in an array or each on its own line (https://github.com/ndjson/ndjson-spec).

Each object has every column; what is not there is null. Decimals keep their digits.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import orjson

from service.reporting.views.column import Column
from service.reporting.views.compilation import Row


class NdjsonWriter:
    """Writes one table as lines of JSON."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._names = [column.name for column in columns]

    def first(self) -> bytes:
        """Return nothing: a table begins with its first line."""
        return b""

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Return a line for each row."""
        return b"".join(line + b"\n" for line in _objects(self._names, rows))

    def last(self) -> bytes:
        """Return nothing: a table ends with its last line."""
        return b""


class JsonWriter:
    """Writes one table as one array."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._names = [column.name for column in columns]
        self._is_begun = False

    def first(self) -> bytes:
        """Return the beginning of the array."""
        return b"["

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Return the rows, with a comma before all but the first."""
        if not rows:
            return b""
        before = b",\n" if self._is_begun else b"\n"
        self._is_begun = True
        return before + b",\n".join(_objects(self._names, rows))

    def last(self) -> bytes:
        """Return the end of the array."""
        return b"\n]\n"


def _objects(names: list[str], rows: Sequence[Row]) -> Iterator[bytes]:
    return (orjson.dumps(dict(zip(names, row, strict=True)), default=_digits) for row in rows)


def _digits(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(getattr(value, "text", None) or format(value, "f"))
    raise TypeError(f"{type(value).__name__} is not JSON")
