"""Units of measure in base units: what UCUM converts, how exactly, and what it does not."""

import importlib.resources
import time
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ucumvert import InvalidUcumError, get_ucum_parser, parse_ucum
from ucumvert.xml_util import get_units_with_full_definition

from service.search.units import LONGEST, Scale, scale

PARSER = get_ucum_parser()


def scaled(code: str) -> Scale:
    found = scale(code)
    assert found is not None, code
    return found


def ratio(code: str) -> Fraction:
    return Fraction(scaled(code).numerator) / Fraction(scaled(code).denominator)


@pytest.mark.parametrize(
    ("code", "size", "unit"),
    [
        ("mg", "0.001", "g"),
        ("kg", "1000", "g"),
        ("[lb_av]", "453.59237", "g"),
        ("[in_i]", "0.0254", "m"),
        ("L", "0.001", "m3"),
        ("mL", "0.000001", "m3"),
        ("wk", "604800", "s"),
        ("a", "31557600", "s"),
        ("mo", "2629800", "s"),
        ("/min", "1/60", "s-1"),
        ("{visits}/wk", "1/604800", "s-1"),
        ("km/h", "5/18", "m.s-1"),
        ("kg/m2", "1000", "g.m-2"),
        ("mg/kg/d", "1/86400000000", "s-1"),
        ("g/(8.h){shift}", "1/28800", "g.s-1"),
        ("10*9/L", "1000000000000", "m-3"),
        ("10^-3", "0.001", "1"),
        ("%", "0.01", "1"),
        ("1", "1", "1"),
        ("{score}", "1", "1"),
        ("mmol/L", "602214076000000000000000", "m-3"),
        ("mm[Hg]", "133322", "g.m-1.s-2"),
        ("[Cal]", "4184000", "g.m2.s-2"),
        ("kcal_th", "4184000", "g.m2.s-2"),
        ("'", "3.1415926535897932384626433832795028841971693993751058209749445923/10800", "rad"),
        ("[cft_i]", "0.028316846592", "m3"),
    ],
)
def test_a_unit_is_so_many_base_units(code: str, size: str, unit: str) -> None:
    numerator, _, denominator = size.partition("/")
    assert ratio(code) == Fraction(numerator) / Fraction(denominator or 1)
    assert scaled(code).unit == unit


@pytest.mark.parametrize(
    "code",
    ["Cel", "[degF]", "[pH]", "dB", "B[10.nV]", "[m/s2/Hz^(1/2)]", "Cel/d", "[iU]", "m[IU]/L", "[arb'U]/mL", "[CFU]"],
)
def test_special_and_arbitrary_units_are_not_converted(code: str) -> None:
    assert scale(code) is None


# fmt: off
NO_UNITS = [
    ".", "/", "m.", "(m", "m)", "()", "{", "}", "{a", "m{a}2", "2m", "m²", "m٢", "0", "m0", "m100", "-m", "//m",
    "parsec", "xyz", "%/", "kmin", "k%", "kkg", "m0.5", "Ym99", "Ym9.Ym9",
]
# fmt: on


@pytest.mark.parametrize("code", [*NO_UNITS, "", " ", " m", "m s", "m\n", "m" * (LONGEST + 1), "(" * LONGEST])
def test_what_is_no_unit_or_beyond_all_measure_is_not_converted(code: str) -> None:
    assert scale(code) is None


def official_examples() -> list[str]:
    table = importlib.resources.files("ucumvert").joinpath("vendor", "ucum_examples.tsv").read_text()
    return [line.split("\t")[0] for line in table.splitlines()[1:]]


def test_of_the_official_examples_all_are_converted_but_special_and_arbitrary_ones() -> None:
    left = {code for code in official_examples() if scale(code) is None}
    marked = [unit.code_cs for unit in get_units_with_full_definition() if unit.is_special or unit.is_arbitrary]
    assert len(official_examples()) - len(left) > 250
    assert {code for code in left if not any(unit in code for unit in marked)} == set()


UNITS = st.sampled_from(
    ["g", "mg", "kg", "m", "s", "min", "h", "L", "%", "10*", "dar", "cd", "mo", "[in_i]", "q", "kh"]
)
COMPONENTS = st.one_of(UNITS, st.tuples(UNITS, st.integers(-3, 12)).map(lambda pair: f"{pair[0]}{pair[1]}"))
TERMS = st.recursive(
    st.one_of(COMPONENTS, st.sampled_from(["{a}", "7", "m{b}", "("])),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("./"), inner).map("".join),
        inner.map(lambda text: f"({text})"),
        inner.map("/{}".format),
    ),
    max_leaves=4,
)


@given(TERMS)
def test_only_what_another_reader_of_ucum_takes_is_converted(term: str) -> None:
    if scale(term) is not None:
        assert parse_ucum(term, PARSER) is not None


@given(st.text(alphabet="mgskLh%10*/.(){}[]iUa_- ", max_size=12))
def test_nonsense_is_no_unit_to_both(text: str) -> None:
    try:
        parse_ucum(text, PARSER)
    except InvalidUcumError:
        assert scale(text) is None


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=0, max_value=10**9))
@pytest.mark.parametrize(
    ("small", "large", "times"), [("mg", "g", "0.001"), ("cm", "km", "0.00001"), ("%", "1", "0.01")]
)
def test_equal_amounts_are_equal_in_base_units(small: str, large: str, times: str, number: Decimal) -> None:
    there = scaled(large).in_base_units(number * Decimal(times))
    assert scaled(small).in_base_units(number) == there


@given(st.integers(1, 10**12))
def test_equal_amounts_are_equal_where_no_decimal_is_the_ratio(number: int) -> None:
    assert scaled("/h").in_base_units(Decimal(number) * 60) == scaled("/min").in_base_units(Decimal(number))
    assert scaled("deg").in_base_units(Decimal(number)) == scaled("'").in_base_units(Decimal(number) * 60)


@given(st.decimals(allow_nan=False, allow_infinity=False), st.decimals(allow_nan=False, allow_infinity=False))
def test_base_units_keep_the_order(one: Decimal, other: Decimal) -> None:
    low, high = (scaled("[ft_i]/wk").in_base_units(number) for number in sorted((one, other)))
    assert low <= high


def test_infinity_stays() -> None:
    assert scaled("mg").in_base_units(Decimal("-Infinity")) == Decimal("-Infinity")


def test_base_units_are_rounded_once_to_the_digits_of_the_database() -> None:
    assert scaled("/min").in_base_units(Decimal(1)) == Decimal("0.01" + "6" * 32 + "7")
    assert scaled("km").in_base_units(Decimal("9e6144")) == Decimal("Infinity")


def test_units_that_nobody_means_cost_little() -> None:
    hostile = ["m." * 31 + "m", "/m" * 32, "(" * 31 + "m" + ")" * 31, "Ym99." * 12 + "m", "[pi]4." * 10 + "m", "9" * 64]
    before = time.process_time()
    for number in range(100):
        for code in hostile:
            scale(f"{code[:-1]}{number % 10}")
    assert time.process_time() - before < 1
