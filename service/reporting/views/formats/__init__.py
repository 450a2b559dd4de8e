"""The formats in which rows are given out (…OperationDefinition-ViewDefinitionRun.html#output-format)."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from service.reporting.views.column import Column
from service.reporting.views.compilation import Row
from service.reporting.views.formats.comma_separated import CsvWriter
from service.reporting.views.formats.json_rows import JsonWriter, NdjsonWriter
from service.reporting.views.formats.parquet import ParquetWriter


class Writer(Protocol):
    """Writes one table, part after part."""

    def first(self) -> bytes:
        """Return what stands before the rows."""

    def rows(self, rows: Sequence[Row]) -> bytes:
        """Return these rows, or nothing where they are written later together with others."""

    def last(self) -> bytes:
        """Return what is left to be written."""


class Format(NamedTuple):
    """How rows are written."""

    media_type: str
    """Of the answer."""
    accepted: tuple[str, ...]
    """Media types by which a client asks for it."""
    writer: Callable[[Sequence[Column]], Writer]


FORMATS = {
    "csv": Format("text/csv; charset=utf-8; header=present", ("text/csv",), CsvWriter),
    "ndjson": Format(
        "application/x-ndjson", ("application/x-ndjson", "application/ndjson", "application/fhir+ndjson"), NdjsonWriter
    ),
    "json": Format("application/json", ("application/json", "application/fhir+json"), JsonWriter),
    "parquet": Format(
        "application/vnd.apache.parquet",
        ("application/vnd.apache.parquet", "application/octet-stream"),
        ParquetWriter,
    ),
}
"""Each by its code, the one that is taken where none is asked for first."""
