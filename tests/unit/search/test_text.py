"""Escaping in queries, and what counts as the same text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.search.text import normalise, split_unescaped, unescape

texts = st.text(st.sampled_from("ab,|$\\ "), max_size=12)


def escape(text: str) -> str:
    return "".join(f"\\{letter}" if letter in ",|$\\" else letter for letter in text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a,b", ["a", "b"]),
        (",a,,", ["", "a", "", ""]),
        (r"a\,b", [r"a\,b"]),
        (r"a\\,b", [r"a\\", "b"]),
        (r"a\\\,b", [r"a\\\,b"]),
        (r"a\|b,c", [r"a\|b", "c"]),
        ("a\\", ["a\\"]),
        ("a,\\", ["a", "\\"]),
        ("a\n,b\\\n", ["a\n", "b\\\n"]),
    ],
)
def test_a_backslash_keeps_a_separator_in_its_value(text: str, parts: list[str]) -> None:
    assert split_unescaped(text, ",") == parts


@pytest.mark.parametrize(
    ("text", "plain"),
    [(r"a\,b", "a,b"), (r"\|\$\\", "|$\\"), (r"\\,", "\\,"), (r"\a", r"\a"), ("a\\", "a\\"), (r"\\\\", r"\\")],
)
def test_only_what_separates_is_unescaped(text: str, plain: str) -> None:
    assert unescape(text) == plain


@given(st.lists(texts, min_size=1, max_size=5))
def test_what_was_escaped_and_joined_is_split_and_unescaped_again(values: list[str]) -> None:
    query = ",".join(map(escape, values))
    assert [unescape(part) for part in split_unescaped(query, ",")] == values


@given(texts)
def test_splitting_loses_nothing(text: str) -> None:
    assert ",".join(split_unescaped(text, ",")) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Zoë", "ZOE"),
        ("Straße", "STRASSE"),
        ("ﬁnd", "FIND"),
        ("  a \t b\n", "a b"),
        ("e\u0301", "é"),
        ("Å", "a"),
        ("İstanbul", "istanbul"),
        ("ℌ", "h"),
        ("Ὀδυσσεύς", "οδυσσευσ"),
        ("Ｆｕｌｌ", "full"),
    ],
)
def test_texts_that_read_alike_are_equal(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@given(st.text())
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text())
def test_case_and_form_do_not_matter(text: str) -> None:
    assert normalise(text.upper()) == normalise(text.upper().lower())
    assert normalise(text) == normalise(f" {text}\n")
