"""What a number in a search stands for."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.search.predicate import All, Compare
from service.search.types.number import predicate, query_number, spans


def asked_range(text: str) -> tuple[Decimal, Decimal]:
    found = predicate("eq", "lo", "hi", query_number(text))
    assert isinstance(found, All)
    low, *_, high = found.parts
    assert isinstance(low, Compare)
    assert isinstance(high, Compare)
    assert (low.field, low.operator, high.field, high.operator) == ("lo", "ge", "hi", "lt")
    assert isinstance(low.value, Decimal)
    assert isinstance(high.value, Decimal)
    return low.value, high.value


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("100", "99.5", "100.5"),  # these three are the specification's own
        ("100.00", "99.995", "100.005"),
        ("1e2", "95", "105"),
        ("1E+2", "95", "105"),
        ("0.8", "0.75", "0.85"),
        ("0.80", "0.795", "0.805"),
        ("0", "-0.5", "0.5"),
        ("-0.8", "-0.85", "-0.75"),
        ("+3", "2.5", "3.5"),
        ("8e-1", "0.75", "0.85"),
        ("1.5e1", "14.5", "15.5"),
        ("123456789012345678901234", "123456789012345678901233.5", "123456789012345678901234.5"),
        ("0.000000000000000000000001", "0.0000000000000000000000005", "0.0000000000000000000000015"),
    ],
)
def test_a_number_is_the_range_of_its_written_precision(text: str, low: str, high: str) -> None:
    assert asked_range(text) == (Decimal(low), Decimal(high))


@given(st.decimals(-(10**9), 10**9, places=6))
def test_the_range_has_the_number_in_its_middle(number: Decimal) -> None:
    low, high = asked_range(str(number))
    assert low < number < high
    assert low + high == 2 * number


@pytest.mark.parametrize(
    "text",
    ["", "a", "NaN", "sNaN", "Infinity", "-inf", "1_0", " 1", "1 ", "1,5", "٣", "0x10", "1e1001", "0e-5000", "1" * 25],
)
def test_a_text_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        query_number(text)


def test_a_range_may_lack_an_end_and_says_nothing_without_both() -> None:
    one = Decimal("0.1")
    assert list(spans("Range", {"low": {"value": one}})) == [(one, Decimal("Infinity"))]
    assert list(spans("Range", {"high": {"value": one}})) == [(Decimal("-Infinity"), one)]
    assert list(spans("Range", {"low": {"unit": "%"}})) == []


def test_digits_that_the_database_cannot_hold_are_rounded_for_the_index() -> None:
    ((low, high),) = spans("decimal", Decimal("0." + "1" * 40))
    assert low == high == Decimal("0." + "1" * 34)
    assert list(spans("decimal", Decimal("1e9999"))) == [(Decimal("Infinity"), Decimal("Infinity"))]
