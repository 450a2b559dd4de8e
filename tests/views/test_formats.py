"""Rows as they are written, above all what a spreadsheet takes for a formula."""

import csv
import io
import re

import orjson
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir import json
from service.reporting.views.formats import FORMATS
from service.reporting.views.formats.comma_separated import CsvWriter
from service.reporting.views.formats.parquet import ROWS_TOGETHER, ParquetWriter
from tests.views.made import columns, view

TEXTS = view(columns(a="description.text", b="statusReason")).columns
FORMULAS = "=+-@\t\r\n＝＋－＠"


def written(code: str, of, rows) -> bytes:
    writer = FORMATS[code].writer(of)
    return writer.first() + b"".join(writer.rows([row]) for row in rows) + writer.last()


@given(st.lists(st.tuples(*[st.none() | st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)] * 2)))
def test_csv_can_be_read_back_and_holds_no_formula(rows) -> None:
    text = CsvWriter(TEXTS).rows(rows).decode()
    found = list(csv.reader(io.StringIO(text, newline="")))
    assert [len(row) for row in found] == [2] * len(rows)
    assert not any(cell[:1] in FORMULAS for row in found for cell in row if cell)
    restored = [[re.sub(rf"^'('*[{re.escape(FORMULAS)}])", r"\1", cell) or None for cell in row] for row in found]
    assert restored == [list(row) for row in rows]


@pytest.mark.parametrize("text", [f"{mark}1+1" for mark in FORMULAS] + ["'=1", "''@x"])
def test_a_text_like_a_formula_gets_an_apostrophe(text: str) -> None:
    (cell, other) = next(csv.reader(io.StringIO(CsvWriter(TEXTS).rows([(text, "it's 1+1")]).decode(), newline="")))
    assert (cell, other) == (f"'{text}", "it's 1+1")


def test_lines_end_as_rfc_4180_has_it_and_quotes_are_doubled() -> None:
    written = CsvWriter(TEXTS).rows([('He said "no", twice', "a\nb")])
    assert written == b'"He said ""no"", twice","a\nb"\r\n'


def test_numbers_are_no_formulas_and_keep_their_digits() -> None:
    (number,) = json.parse(b"[-1.50e2]")
    given = view(columns(a="target.detail.ofType(Quantity).value.first()", b="-1")).columns
    assert CsvWriter(given).rows([(number, -1)]) == b"-1.50e2,-1\r\n"
    assert written("ndjson", given, [(number, -1)]) == b'{"a":-1.50e2,"b":-1}\n'


def test_lists_are_json_in_a_cell_and_lists_elsewhere() -> None:
    given = view({"column": [{"name": "a", "path": "note.text", "collection": True}]}).columns
    assert CsvWriter(given).rows([(["x", "y"],)]) == b'"[""x"",""y""]"\r\n'
    assert pq.read_table(io.BytesIO(written("parquet", given, [(["x", "y"],), ([],)]))).to_pylist() == [
        {"a": ["x", "y"]},
        {"a": []},
    ]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_table_of_few_rows_or_none_is_whole(count: int) -> None:
    rows = [("a", None)] * count
    expected = [{"a": "a", "b": None}] * count
    assert orjson.loads(written("json", TEXTS, rows)) == expected
    assert [orjson.loads(line) for line in written("ndjson", TEXTS, rows).splitlines()] == expected
    assert pq.read_table(io.BytesIO(written("parquet", TEXTS, rows))).to_pylist() == expected
    assert written("csv", TEXTS, rows) == b"a,b\r\n" + b"a,\r\n" * count


def test_parquet_is_sent_a_row_group_at_a_time() -> None:
    writer = ParquetWriter(TEXTS)
    half = [("a", "b")] * (ROWS_TOGETHER // 2)
    parts = [writer.first(), writer.rows(half), writer.rows(half), writer.rows(half), writer.last()]
    assert [bool(part) for part in parts] == [False, False, True, False, True]
    file = pq.ParquetFile(io.BytesIO(b"".join(parts)))
    assert [file.metadata.row_group(number).num_rows for number in range(2)] == [ROWS_TOGETHER, ROWS_TOGETHER // 2]
