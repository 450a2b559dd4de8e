"""Walks over sorted documents, without a database: page after page is the sorted list, and so it is backward."""

import asyncio
import operator
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.search.source import SortKey
from service.store.place import rank, values_of
from service.store.walk import Walk

Document = dict[str, Any]

FIELDS = ("a", "b", "c.d", "_id")
values = st.fixed_dictionaries({}, optional={"a": st.integers(0, 2), "b": st.integers(0, 2), "c": st.just({"d": 1})})
documents = st.lists(values, max_size=14).map(
    lambda items: [{"_id": number, **item} for number, item in enumerate(items)]
)


def order_of(fields: list[str], ways: list[bool]) -> list[SortKey]:
    """Return an order that decides: by several sources after the id, too, which is the last key of one source."""
    return [SortKey(*key) for key in zip([*fields, *({"_id"}.difference(fields))], ways, strict=False)]


orders = st.builds(
    order_of,
    st.lists(st.sampled_from(FIELDS), unique=True, max_size=4),
    st.lists(st.booleans(), min_size=5, max_size=5) | st.just([False] * 5) | st.just([True] * 5),
)


def value_at(document: Document, field: str) -> Any:
    return values_of(document, [SortKey(field)])[0]


_COMPARISONS = {"$lt": operator.lt, "$gt": operator.gt, "$lte": operator.le, "$gte": operator.ge}


def holds(query: Document, document: Document) -> bool:
    """Return what MongoDB would say: null is what is not there, and nothing compares with it."""
    return all(_fits(field, condition, document) for field, condition in query.items())


def _fits(field: str, condition: Any, document: Document) -> bool:
    if field in ("$or", "$and"):
        return (any if field == "$or" else all)(holds(part, document) for part in condition)
    value = value_at(document, field)
    if not isinstance(condition, dict):
        return bool(value == condition)
    ((name, wanted),) = condition.items()
    return value != wanted if name == "$ne" else value is not None and _COMPARISONS[name](value, wanted)


class Held:
    """Documents held in memory, found and sorted as MongoDB does: what is missing is least."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self.documents = documents
        self.asked: list[tuple[Document, dict[str, int], int]] = []

    async def fetch(self, wanted: Document, sort: dict[str, int], limit: int) -> list[Document]:
        assert limit > 0
        self.asked.append((wanted, sort, limit))
        found = [each for each in reversed(self.documents) if holds(wanted, each)]  # equals come in no order of theirs
        for field, way in reversed(sort.items()):
            found.sort(
                key=lambda each, field=field: (value_at(each, field) is not None, value_at(each, field) or 0),
                reverse=way < 0,
            )
        return found[:limit]

    def walked(
        self, order: list[SortKey], count: int, start: Any = None, *, backward: bool = False, equal: bool = False
    ) -> list[Document]:
        walk = Walk(self.fetch, start, backward=backward, includes_equal=equal)
        return asyncio.run(walk.first({}, order, count))


def expected(order: list[SortKey], documents: list[Document]) -> list[Document]:
    found = sorted(documents, key=lambda each: each["_id"])
    for key in reversed(order):
        there = [item for item in found if value_at(item, key.field) is not None]
        there.sort(key=lambda item, field=key.field: value_at(item, field), reverse=key.descending)
        found = there + [item for item in found if value_at(item, key.field) is None]
    return found


@given(documents, orders, st.integers(1, 4))
def test_a_walk_page_by_page_is_the_sorted_list(held: list[Document], order: list[SortKey], count: int) -> None:
    walked: list[Document] = []
    page = Held(held).walked(order, count)
    while page:
        walked += page
        page = Held(held).walked(order, count, values_of(page[-1], order))
    assert walked == expected(order, held)


@given(documents, orders, st.integers(1, 4))
def test_a_walk_backward_is_the_sorted_list_turned_round(
    held: list[Document], order: list[SortKey], count: int
) -> None:
    turned = expected(order, held)[::-1]
    for position, each in enumerate(turned):
        page = Held(held).walked(order, count, values_of(each, order), backward=True)
        assert page == turned[position + 1 : position + 1 + count]


@given(documents, orders, st.booleans())
def test_a_walk_can_begin_with_what_has_the_same_values(
    held: list[Document], order: list[SortKey], backward: bool
) -> None:
    ordered = expected(order, held)[:: -1 if backward else 1]
    for position, each in enumerate(ordered):
        page = Held(held).walked(order, 3, values_of(each, order), backward=backward, equal=True)
        assert page == ordered[position : position + 3]


@given(documents, orders)
def test_ranks_are_in_the_order_of_the_walk(held: list[Document], order: list[SortKey]) -> None:
    assert sorted(held, key=lambda each: rank(values_of(each, order), order)) == expected(order, held)


def test_what_is_asked_has_bounds_in_an_index_and_comes_in_its_order() -> None:
    order = [SortKey("a"), SortKey("_id")]
    held = Held([{"_id": number, "a": number // 4} for number in range(12)])
    walk = Walk(held.fetch, (1, 5), backward=True, includes_equal=False)
    found = asyncio.run(walk.first({"b": None}, order, 4))
    assert [each["_id"] for each in found] == [4, 3, 2, 1]
    assert held.asked == [
        ({"b": None, "a": 1, "_id": {"$lt": 5}}, {"_id": -1}, 4),
        ({"b": None, "a": {"$lt": 1}}, {"a": -1, "_id": -1}, 3),
    ]


def test_a_page_by_ids_takes_one_query() -> None:
    held = Held([{"_id": number} for number in range(12)])
    assert [each["_id"] for each in held.walked([SortKey("_id", descending=True)], 3, (7,))] == [6, 5, 4]
    assert held.asked == [({"_id": {"$lt": 7}}, {"_id": -1}, 3)]


def test_only_equals_of_the_last_value_are_put_in_the_order_of_the_next_key() -> None:
    order = [SortKey("a"), SortKey("b"), SortKey("_id")]
    held = Held([{"_id": number, "a": number // 4, "b": 9 - number} for number in range(12)])
    held.walked(order, 6)
    assert [(wanted, sort) for wanted, sort, _ in held.asked] == [
        ({"a": {"$ne": None}}, {"a": 1}),
        ({"a": 1, "b": {"$ne": None}}, {"b": 1, "_id": 1}),
    ]
