"""Quantities: what is stored of them, and what a search for a number of a unit finds."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.json import Number
from service.search.memory import holds
from service.search.types.quantity import predicate, spans

UCUM = "http://unitsofmeasure.org"
LOINC_ANSWERS = "http://example.org/units"


def quantity(value: str | int, code: str | None = None, system: str | None = UCUM, **members: str) -> dict[str, Any]:
    number = value if isinstance(value, int) else Number(value)
    coded = {} if code is None else {"system": system, "code": code} if system else {"code": code}
    return {"value": number, **coded, **members}


def finds(query: str, value: dict[str, Any], of_type: str = "Quantity") -> bool:
    prefix, text = (query[:2], query[2:]) if query[:2].isalpha() else ("eq", query)
    wanted = predicate(prefix, text)
    return any(holds(wanted, span) for span in spans(of_type, value))


def ucum(number: str, code: str) -> str:
    return f"{number}|{UCUM}|{code}"


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("5.4", quantity("5.4", "mg")),
        ("5.4", quantity("5.38", "mg")),  # within the written precision
        ("5.4", quantity("5.4")),
        (ucum("5.4", "mg"), quantity("5.4", "mg")),
        (ucum("5.40e-3", "g"), quantity("5.4", "mg")),  # the specification's own
        ("5.4||mg", quantity("5.4", "mg")),
        ("5.4||mg", quantity("5.4", unit="mg")),
        ("5.4||milligram", quantity("5.4", "mg", unit="milligram")),
        ("5.4||mg", quantity("5.4", "mg", system="http://example.org/other")),
        (ucum("5", "mg"), quantity("0.005", "g")),
        (ucum("0.005", "g"), quantity(5, "mg")),
        (ucum("2", "wk"), quantity(14, "d")),
        (ucum("60", "min"), quantity(1, "h")),
        (ucum("50", "%"), quantity("0.5", "1")),
        (ucum("3", "{visits}/wk"), quantity(3, "/wk")),
        (ucum("4", "Cel"), quantity(4, "Cel")),
        (ucum("4", "[iU]"), quantity(4, "[iU]")),
        (ucum("4", "no such unit"), quantity(4, "no such unit")),
        (f"4|{LOINC_ANSWERS}|box", quantity(4, "box", LOINC_ANSWERS)),
        (r"4|http://example.org/a\|b|c\,d", quantity(4, "c,d", "http://example.org/a|b")),
        (r"4||a\|b", quantity(4, unit="a|b")),
    ],
)
def test_a_quantity_is_found(query: str, value: dict[str, Any]) -> None:
    assert finds(query, value)


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("5.4", quantity("5.45", "mg")),  # the range ends before
        ("5.4", quantity("5.3", "mg")),
        (ucum("5.4", "mg"), quantity("5.4")),
        (ucum("5.4", "mg"), quantity("5.4", unit="mg")),
        (ucum("5.4", "mg"), quantity("5.4", "g")),
        (ucum("5.4", "mg"), quantity("5.4", "mg", LOINC_ANSWERS)),
        (ucum("5.4", "mg"), quantity("5.4", "mL")),
        ("5||mg", quantity("0.005", "g")),  # without a system nobody knows that mg is a thousandth of g
        ("5.4||mg", quantity("5.4", "MG", unit="Mg")),
        (ucum("39.2", "[degF]"), quantity(4, "Cel")),
        (ucum("4", "[IU]"), quantity(4, "[iU]")),
        (ucum("ne5", "mg"), quantity(5, "mL")),  # another unit: neither equal nor unequal
        (ucum("4", "no such unit"), quantity(4, "1")),
        (f"4|{LOINC_ANSWERS}|g", quantity(4000, "mg", LOINC_ANSWERS)),
        ("4", {"unit": "mg", "system": UCUM, "code": "mg"}),
        ("ne4", {"unit": "mg"}),
        (r"4|a\|b|c", quantity(4, "b|c", "a")),
    ],
)
def test_another_quantity_is_not_found(query: str, value: dict[str, Any]) -> None:
    assert not finds(query, value)


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("eq", {"4.95", "5.0", "5.049"}),
        ("ne", {"4.9", "4.949", "5.05", "5.1"}),
        ("gt", {"5.049", "5.05", "5.1"}),
        ("lt", {"4.9", "4.949", "4.95"}),
        ("ge", {"5.0", "5.049", "5.05", "5.1"}),
        ("le", {"4.9", "4.949", "4.95", "5.0"}),
        ("sa", {"5.049", "5.05", "5.1"}),
        ("eb", {"4.9", "4.949", "4.95"}),
        ("ap", {"4.9", "4.949", "4.95", "5.0", "5.049", "5.05", "5.1"}),
    ],
)
@pytest.mark.parametrize(("code", "asked"), [("mg", "5.0"), ("g", "0.0050"), (None, "5.0")])
def test_the_prefixes_mean_what_they_mean_of_numbers(
    prefix: str, found: set[str], code: str | None, asked: str
) -> None:
    values = ("4.9", "4.949", "4.95", "5.0", "5.049", "5.05", "5.1")
    query = prefix + (asked if code is None else ucum(asked, code))
    assert {value for value in values if finds(query, quantity(value, "mg"))} == found


@pytest.mark.parametrize(
    ("comparator", "found"),
    [
        ("<", "ne4 ne5 ne6 gt4 lt4 lt5 lt6 ge4 le4 le5 le6 eb5 eb6 ap4 ap5"),
        ("<=", "ne4 ne5 ne6 gt4 lt4 lt5 lt6 ge4 ge5 le4 le5 le6 eb6 ap4 ap5"),
        (">", "ne4 ne5 ne6 gt4 gt5 gt6 lt6 ge4 ge5 ge6 le6 sa4 sa5 ap5 ap6"),
        (">=", "ne4 ne5 ne6 gt4 gt5 gt6 lt6 ge4 ge5 ge6 le5 le6 sa4 ap5 ap6"),
    ],
)
@pytest.mark.parametrize("code", [None, "g", "kg", "/min"])
def test_a_comparator_opens_one_end(comparator: str, found: str, code: str | None) -> None:
    """Less than 5 is anything below, but never 5 itself."""
    value = quantity(5, code, comparator=comparator)
    queries = [prefix + number for prefix in ("eq", "lt", "le", "gt", "ge", "sa", "eb", "ne", "ap") for number in "456"]
    asked = {query for query in queries if finds(query if code is None else ucum(query, code), value)}
    assert asked == set(found.split())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (ucum("ge2", "h"), True),
        (ucum("lt1", "h"), False),
        (ucum("gt180", "min"), False),
        (ucum("gt179", "min"), True),
        (ucum("eq2", "h"), False),
        (ucum("eq2e0", "h"), False),
        (ucum("sa0.5", "h"), True),
        (ucum("eb4", "h"), True),
        ("gt2||h", True),
        ("2||h", False),
        ("lt2", True),
    ],
)
def test_a_range_is_from_its_low_to_its_high(query: str, expected: bool) -> None:
    assert finds(query, {"low": quantity(1, "h"), "high": quantity(3, "h")}, "Range") is expected


def test_a_range_may_lack_an_end() -> None:
    assert finds(ucum("gt1000", "h"), {"low": quantity(1, "h")}, "Range")
    assert not finds(ucum("lt1", "h"), {"low": quantity(1, "h")}, "Range")
    assert finds(ucum("lt1", "min"), {"high": quantity(1, "h")}, "Range")
    assert finds("lt1", {"high": {"value": 1}}, "Range")
    assert list(spans("Range", {"low": {"unit": "h"}})) == []


def test_a_range_whose_ends_have_different_units_stands_in_base_units() -> None:
    (span,) = spans("Range", {"low": quantity(500, "mg", unit="mg"), "high": quantity(1, "g")})
    canonical = {"lo": Decimal("0.5"), "hi": Decimal(1), "unit": "g"}
    assert span == {"lo": Decimal("0.5"), "hi": Decimal(1), "units": [f"{UCUM}|g", "|g"], "canonical": canonical}
    assert list(spans("Range", {"low": quantity(1, "mg"), "high": quantity(1, "mL")})) == []
    assert list(spans("Range", {"low": quantity(1, "mg"), "high": quantity(1)})) == []


def test_a_range_in_words_and_codes_has_what_both_ends_say() -> None:
    (span,) = spans("Range", {"low": quantity(1, "h", unit="h"), "high": quantity(3, unit="h")})
    assert span == {"lo": 1, "hi": 3, "units": ["|h"]}


def test_money_is_counted_in_its_currency() -> None:
    value = {"value": Number("12.50"), "currency": "GBP"}
    assert finds("12.5|urn:iso:std:iso:4217|GBP", value, "Money")
    assert finds("12.5||GBP", value, "Money")
    assert finds("12.5", value, "Money")
    assert not finds("12.5|urn:iso:std:iso:4217|EUR", value, "Money")
    assert finds("12.5", {"value": 12.5}, "Money")


@pytest.mark.parametrize("of_type", ["Quantity", "Age", "Count", "Distance", "Duration"])
def test_the_kinds_of_quantity_are_stored_alike(of_type: str) -> None:
    assert list(spans(of_type, quantity("0.80", "mg", unit="milligram"))) == [
        {
            "lo": Decimal("0.8"),
            "hi": Decimal("0.8"),
            "units": [f"{UCUM}|mg", "|mg", "|milligram"],
            "canonical": {"lo": Decimal("0.0008"), "hi": Decimal("0.0008"), "unit": "g"},
        }
    ]


def test_numbers_beyond_the_database_are_rounded_and_never_fail() -> None:
    (span,) = spans("Quantity", quantity("0." + "1" * 50, "kg"))
    assert span["lo"] == Decimal("0." + "1" * 34)
    (span,) = spans("Quantity", quantity("1e999999", "kg"))
    assert span["lo"] == span["canonical"]["hi"] == Decimal("Infinity")
    (span,) = spans("Quantity", quantity("1e-999999", "kg"))
    assert span["lo"] == span["canonical"]["lo"] == 0


@pytest.mark.parametrize(
    "text",
    ["", "a", "|mg", "5|mg", f"5|{UCUM}|", "5||", "5|a|b|c", "1_0||mg", "NaN||mg", " 5", "1" * 25 + "||mg", "5 mg"],
)
def test_a_text_that_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        predicate("eq", text)


NUMBERS = st.decimals(-(10**6), 10**6, places=3)
SIZES = {"ug": Decimal("0.000001"), "mg": Decimal("0.001"), "g": Decimal(1), "kg": Decimal(1000)}
PREFIXES = st.sampled_from(["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"])


@given(PREFIXES, NUMBERS, st.sampled_from(sorted(SIZES)), NUMBERS, st.sampled_from(sorted(SIZES)))
def test_converted_or_not_the_answer_is_the_same(
    prefix: str, stored: Decimal, its_unit: str, asked: Decimal, unit: str
) -> None:
    """Whether a value is told in the unit of the query makes no difference."""
    told = stored * SIZES[its_unit] / SIZES[unit]
    query = f"{prefix}{asked:f}"
    assert finds(ucum(query, unit), quantity(str(stored), its_unit)) == finds(query, quantity(str(told), unit))


@given(NUMBERS.filter(bool), st.sampled_from(sorted(SIZES)))
def test_the_ends_of_the_range_stay_exact_when_converted(number: Decimal, unit: str) -> None:
    text = f"{number:f}"
    half = Decimal("0.0005")
    for end, is_in in ((number - half, True), (number + half, False)):
        there = quantity(str(end * SIZES[unit]), "g")
        assert finds(ucum(text, unit), there) is is_in
