"""Which JSON values are written as which primitive type: https://hl7.org/fhir/R4/datatypes.html#primitive."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.conformance.definitions import Definitions
from service.conformance.validation.primitives import Check, primitive_checks
from service.fhir.json import Number
from service.fhir.versions import R4

CHECKS = primitive_checks(Definitions(R4))

RIGHT: dict[str, list[Any]] = {
    "base64Binary": ["aGk=", "aGk =", "aG\nk="],
    "boolean": [True, False],
    "canonical": ["http://example.org/a|1.0", "urn:oid:1.2"],
    "code": ["active", "in progress", "ümlaut"],
    "date": ["2024", "2024-02", "2024-02-29", "0001-01-01"],
    "dateTime": ["2024", "2024-02", "2024-02-29", "2024-02-29T23:59:59Z", "2024-02-29T23:59:59.123456789+13:45"],
    "decimal": [0, -1, 10**30, Number("0.80"), Number("1e2"), Number("-0.0")],
    "id": ["a", "A-1.b", "x" * 64],
    "instant": ["2024-02-29T23:59:59Z", "2024-02-29T23:59:59.5-05:00"],
    "integer": [0, -(2**31), 2**31 - 1],
    "markdown": ["# A title", " x "],
    "oid": ["urn:oid:1.2.840", "urn:oid:2.0"],
    "positiveInt": [1, 2**31 - 1],
    "string": ["x", " ", "two\nlines", "🙂", "é"],
    "time": ["00:00:00", "23:59:59.999"],
    "unsignedInt": [0, 2**31 - 1],
    "uri": ["http://example.org", "urn:uuid:x", "Patient/1", "#p"],
    "url": ["https://example.org", "mailto:a@example.org"],
    "uuid": ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"],
    "xhtml": ['<div xmlns="http://www.w3.org/1999/xhtml">x</div>'],
}
WRONG: dict[str, list[Any]] = {
    "base64Binary": ["aGk", "a*==", "====", "é"],
    "boolean": ["true", 0, 1],
    "canonical": ["two words"],
    "code": [" a", "a ", "a  b", "a\tb\t"],
    "date": ["2024-13", "2024-02-30", "2023-02-29", "24-01-01", "2024-1-1", "2024-01-01T00:00:00Z", "0000", "٢٠٢٤"],
    "dateTime": [
        "2024-02-29T23:59",
        "2024-02-29T23:59:59",
        "2024-02-29T24:00:01Z",
        "2024-02-30T00:00:00Z",
        "2024-02-29 ",
    ],
    "decimal": ["1.0", True],
    "id": ["a_b", "x" * 65, "a/b", "ä", "a\n"],
    "instant": ["2024-02-29", "2024-02-29T23:59:59"],
    "integer": [2**31, -(2**31) - 1, Number("1.0"), "1", True],
    "markdown": [5],
    "oid": ["1.2.840", "urn:oid:3.1", "urn:oid:1.02"],
    "positiveInt": [0, -1, 2**31, True],
    "string": [5, Number("1.5"), False],
    "time": ["24:00:00", "10:00", "10:00:00Z", "10:00:61"],
    "unsignedInt": [-1, 2**31, True],
    "uri": ["two words", "a\n"],
    "url": ["two words"],
    "uuid": ["c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520"],
    "xhtml": [["<div/>"]],
}


def test_every_primitive_type_has_a_check_and_cases_here() -> None:
    assert CHECKS.keys() == RIGHT.keys() == WRONG.keys()


@pytest.mark.parametrize("name", CHECKS)
def test_what_is_written_right_passes(name: str) -> None:
    assert [value for value in RIGHT[name] if CHECKS[name](value) is not True] == []


@pytest.mark.parametrize("name", CHECKS)
def test_what_is_written_wrong_does_not(name: str) -> None:
    assert [value for value in [*WRONG[name], None, "", [], {}] if CHECKS[name](value) is not False] == []


@pytest.mark.parametrize("name", CHECKS)
@given(value=st.text() | st.integers() | st.booleans() | st.none() | st.lists(st.text(), max_size=2))
def test_any_value_gets_an_answer(name: str, value: Any) -> None:
    assert CHECKS[name](value) in (True, False)


def seconds(check: Check, text: str) -> float:
    """Return the shortest of three runs."""
    found = []
    for _ in range(3):
        start = time.process_time()
        check(text)
        found.append(time.process_time() - start)
    return min(found)


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize(
    "unit",
    ["a", " ", "a ", "\n", "0", "1.", "2024-", "urn:oid:1.", "+", "aaaa ", "=", "\u0660", "-05:00"],
)
@pytest.mark.parametrize("ending", ["", "!", " ", "\u0000"])
def test_no_text_takes_more_than_linear_time(name: str, unit: str, ending: str) -> None:
    """Sixteen times the text takes about sixteen times as long; where backtracking grows it would be 256 times."""
    for start in ("", "2024-01-01T00:00:00.", "urn:oid:1.", "aGk="):
        short, long = (start + unit * (size // len(unit)) + ending for size in (8_000, 128_000))
        assert seconds(CHECKS[name], long) < 100 * max(seconds(CHECKS[name], short), 100e-6)
