"""Rows as CSV: UTF-8, CRLF, quotes where they are needed (https://www.rfc-editor.org/rfc/rfc4180).

An empty cell is null: no text of FHIR is empty. A spreadsheet takes a cell that begins with = + - or @ for a formula,
and people's own words may begin so; such a text gets an apostrophe before it, and one more where it has some already,
so that whoever reads it can take one away (https://owasp.org/www-community/attacks/CSV_Injection).
"""

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from io import StringIO
from typing import Any

from service.fhir import json
from service.reporting.views.column import Column
from service.reporting.views.compilation import Row

_FIRST_OF_FORMULAS = frozenset("'=+-@\t\r\n＝＋－＠")
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_TRUTHS = {True: "true", False: "false", None: None}
_Cells = Callable[[Sequence[Any]], Iterable[Any]]


class CsvWriter:
    """Writes one table as CSV."""

    def __init__(self, columns: Sequence[Column], *, header: bool = True) -> None:
        self._names = [column.name for column in columns]
        self._header = header
        self._cells = [_cells_of(column) for column in columns]

    def first(self) -> bytes:
        """Return the line of the names, where it is wanted."""
        return _lines([self._names]) if self._header else b""

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Return a line for each row."""
        columns = zip(*rows, strict=True)
        cells = [write(values) for write, values in zip(self._cells, columns, strict=True)] if rows else []
        return _lines(zip(*cells, strict=True))

    def last(self) -> bytes:
        """Return nothing: a table ends with its last line."""
        return b""


def _lines(rows: Iterable[Iterable[Any]]) -> bytes:
    text = StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _cells_of(column: Column) -> _Cells:
    if column.is_collection or column.form == "any":
        return lambda values: [_text(value) for value in values]
    return _BY_FORM.get(column.form, _as_they_are)


def _truths(values: Sequence[Any]) -> Iterable[Any]:
    return [_TRUTHS[value] for value in values]


def _texts(values: Sequence[Any]) -> Iterable[Any]:
    return [
        value if value is None or value[0] not in _FIRST_OF_FORMULAS or not _FORMULA.match(value) else f"'{value}"
        for value in values
    ]


def _numbers(values: Sequence[Any]) -> Iterable[Any]:
    return [value if value is None or type(value) is int else digits(value) for value in values]


def _as_they_are(values: Sequence[Any]) -> Iterable[Any]:
    return values


_BY_FORM: dict[str, _Cells] = {"boolean": _truths, "text": _texts, "decimal": _numbers, "integer": _numbers}


def _text(value: Any) -> Any:
    """Return a value of any type; lists and objects as JSON."""
    if isinstance(value, dict | list):
        return json.dump(value).decode()
    if value is None or isinstance(value, bool):
        return _TRUTHS[value]
    if isinstance(value, str):
        return f"'{value}" if _FORMULA.match(value) else value
    return digits(value)


def digits(value: Any) -> str:
    """Return a number as it was written, one that was calculated without an exponent."""
    text: str | None = getattr(value, "text", None)
    return text if text is not None else format(Decimal(value), "f")
