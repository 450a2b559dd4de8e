"""Rows as Apache Parquet, with a type for each column (https://parquet.apache.org/docs/file-format/).

Dates are texts, because they are written as far as they are known; an instant is a timestamp. A decimal is a double,
which other programs calculate with: whoever needs its digits takes another format. The description of each column
goes along.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

from service.fhir import json
from service.reporting.views.column import Column
from service.reporting.views.compilation import Row
from service.reporting.views.formats.comma_separated import digits

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_TOGETHER = 20_000
"""In one row group."""


class ParquetWriter:
    """Writes one table as Parquet, a row group at a time."""

    def __init__(self, columns: Sequence[Column]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq  # 50 MB that only those need who ask for this format

        self._columns = columns
        self._arrow = pa
        self._schema = pa.schema([pa.field(each.name, _type(pa, each), metadata=_metadata(each)) for each in columns])
        self._written = BytesIO()
        self._file = pq.ParquetWriter(self._written, self._schema, compression="zstd")
        self._waiting: list[Row] = []

    def first(self) -> bytes:
        """Return nothing: the file begins with its first row group."""
        return b""

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Return what is written of these rows and of those before; they wait until there are enough of them."""
        self._waiting.extend(rows)
        return self._group() if len(self._waiting) >= ROWS_TOGETHER else b""

    def last(self) -> bytes:
        """Return the last rows, and the end of the file, which tells where everything is."""
        if self._waiting:
            self._write()
        self._file.close()
        return self._taken()

    def _group(self) -> bytes:
        self._write()
        return self._taken()

    def _write(self) -> None:
        values = zip(*self._waiting, strict=True)
        arrays = [
            self._arrow.array([convert(value) for value in column], field.type)
            for convert, column, field in zip(map(_conversion, self._columns), values, self._schema, strict=True)
        ]
        self._file.write_batch(self._arrow.record_batch(arrays, schema=self._schema))
        self._waiting = []

    def _taken(self) -> bytes:
        body = self._written.getvalue()
        self._written.seek(0)
        self._written.truncate()
        return body


def _type(pa: Any, column: Column) -> "pa.DataType":
    types = {
        "boolean": pa.bool_(),
        "integer": pa.int64(),
        "decimal": pa.float64(),
        "instant": pa.timestamp("us", tz="UTC"),
    }
    one = types.get(column.form, pa.string())
    return pa.list_(one) if column.is_collection else one


def _metadata(column: Column) -> dict[str, str]:
    return {"description": column.description} if column.description else {}


def _conversion(column: Column) -> Callable[[Any], Any]:
    convert = _CONVERSIONS.get(column.form, _unchanged)
    if column.is_collection:
        return lambda values: None if values is None else [convert(value) for value in values]
    return lambda value: None if value is None else convert(value)


def _unchanged(value: Any) -> Any:
    return value


def _as_text(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dump(value).decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else digits(value)


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "decimal": float,
    "integer": int,
    "instant": datetime.fromisoformat,
    "any": _as_text,
}
