"""Predicates and orders on documents in memory mean what they mean in the database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.search.memory import holds, in_order
from service.search.predicate import (
    NOTHING,
    All,
    Any,
    Compare,
    Contains,
    LinkedTo,
    Member,
    Not,
    OneOf,
    Only,
    Predicate,
    Present,
    StartsWith,
)
from service.search.source import SortKey

DOCUMENT = {
    "_id": "a",
    "search": {"url": "http://x", "date": {"lo": 5, "hi": 9}, "spans": [{"lo": 1, "hi": 2}, {"lo": 7, "hi": 8}]},
    "words": ["name=plan", "name=goal"],
}


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        (OneOf("_id", ("a", "b")), True),
        (OneOf("_id", ("b",)), False),
        (OneOf("words", ("name=goal",)), True),
        (OneOf("search.title", ("x",)), False),
        (StartsWith("words", "name=pl"), True),
        (StartsWith("words", "pl"), False),
        (Contains("words", "name=", "oa"), True),
        (Contains("words", "name=", "am"), False),
        (Contains("search.title", "", ""), False),
        (Only("words", "name=", ("name=goal", "name=plan", "name=x")), True),
        (Only("words", "name=p", ("name=plan",)), True),
        (Only("words", "name=", ("name=plan",)), False),
        (Only("words", "title=", ()), True),
        (Only("none", "", ()), True),
        (Not(Present("search.url")), False),
        (Not(OneOf("search.title", ("x",))), True),
        (Compare("search.date.lo", "ge", 5), True),
        (Compare("search.date.lo", "gt", 5), False),
        (Compare("search.date.hi", "lt", 10), True),
        (Compare("search.date.hi", "le", 8), False),
        (Compare("search.none.lo", "le", 8), False),
        (Present("search.url"), True),
        (Present("search.title"), False),
        (Present("search.url.deeper"), False),
        (All(), True),
        (NOTHING, False),
        (All((Present("_id"), Present("words"))), True),
        (All((Present("_id"), Present("none"))), False),
        (Any((Present("none"), Present("words"))), True),
        (Member("search.spans", All((Compare("lo", "ge", 7), Compare("hi", "le", 8)))), True),
        (Member("search.spans", All((Compare("lo", "ge", 1), Compare("hi", "le", 1)))), False),
        (Member("search.spans", Not(Compare("lo", "ge", 7))), True),
        (Member("search.none", Not(Compare("lo", "ge", 7))), False),
    ],
)
def test_a_predicate_holds_or_not(predicate: Predicate, expected: bool) -> None:
    assert holds(predicate, DOCUMENT) is expected


def test_what_is_linked_cannot_be_told_from_one_document() -> None:
    with pytest.raises(TypeError, match="link"):
        holds(LinkedTo("words", "goal=", "Goal", All()), DOCUMENT)


ROWS = st.lists(st.tuples(st.none() | st.integers(0, 3), st.none() | st.integers(0, 3)), max_size=12)


@given(ROWS, st.booleans(), st.booleans())
def test_documents_are_sorted_by_each_key_in_turn_and_the_missing_come_last(
    rows: list, down: bool, down2: bool
) -> None:
    documents = [
        {"_id": number, **{key: value for key, value in zip("xy", row, strict=True) if value is not None}}
        for number, row in enumerate(rows)
    ]
    sort = [SortKey("x", down), SortKey("y", down2), SortKey("_id")]

    def rank(document: dict, key: SortKey) -> tuple[bool, int]:
        value = document.get(key.field)
        return value is None, 0 if value is None else -value if key.descending else value

    expected = sorted(documents, key=lambda document: [rank(document, key) for key in sort])
    assert in_order(documents, sort) == expected
