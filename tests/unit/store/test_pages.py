"""Orders and their pages, without a database: a walk over the pages is the sorted list."""

from typing import Any

from bson.max_key import MaxKey
from hypothesis import given
from hypothesis import strategies as st

from service.search.source import SortKey
from service.store.pages import Segment, segments

FIELDS = ("a", "b", "c")
documents = st.lists(st.fixed_dictionaries({}, optional={name: st.integers(0, 2) for name in FIELDS}), max_size=12).map(
    lambda items: [item | {"_id": number} for number, item in enumerate(items)]
)
optional_keys = st.lists(st.sampled_from(FIELDS), unique=True, max_size=3)
orders = st.tuples(optional_keys, st.lists(st.booleans(), min_size=4, max_size=4)).map(
    lambda given: [SortKey(name, way) for name, way in zip([*given[0], "_id"], given[1], strict=False)]
)


def holds(query: dict[str, Any], document: dict[str, Any]) -> bool:
    """Return what MongoDB would say: comparisons are within one type, and null is what is not there."""
    for field, condition in query.items():
        if field in ("$or", "$and"):
            if not (any if field == "$or" else all)(holds(part, document) for part in condition):
                return False
            continue
        value: Any = document
        for name in field.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(condition, dict):
            ((operator, wanted),) = condition.items()
            if operator == "$ne":
                fits = value != wanted
            else:
                fits = type(value) is type(wanted) and (value < wanted if operator == "$lt" else value > wanted)
        else:
            fits = value == condition
        if not fits:
            return False
    return True


def ranked(segment: Segment, document: dict[str, Any]) -> dict[str, Any]:
    ranks = {}
    for name, rule in segment.ranks.items():
        field, missing = rule["$ifNull"]
        ranks[name.removeprefix("rank.")] = document.get(field.removeprefix("$"), missing)
    return document | {"rank": ranks}


def in_order(segment: Segment, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort as BSON does: null before numbers before MaxKey."""
    for field, way in reversed(segment.sort.items()):

        def key(document: dict[str, Any], field: str = field) -> tuple[int, Any]:
            value: Any = document
            for name in field.split("."):
                value = value.get(name)
            return (0, 0) if value is None else (2, 0) if isinstance(value, MaxKey) else (1, value)

        found = sorted(found, key=key, reverse=way < 0)
    return found


def page(order: list[SortKey], held: list[dict[str, Any]], count: int, place: list[Any] | None) -> tuple[Any, Any]:
    """Return ids and the next place, in the way of ``ResourceStore.search``."""
    every = segments(order)
    first, values = (place[0], place[1:]) if place else (0, None)
    found: list[tuple[int, dict[str, Any]]] = []
    for number in range(first, len(every)):
        segment = every[number]
        inside = [ranked(segment, item) for item in held if holds(segment.filter, item)]
        beyond = segment.after(values) if values is not None and number == first else {}
        found += [(number, item) for item in in_order(segment, [item for item in inside if holds(beyond, item)])]
    shown = found[:count]
    following = [shown[-1][0], *every[shown[-1][0]].values(shown[-1][1])] if len(found) > count else None
    return [item["_id"] for _, item in shown], following


def expected(order: list[SortKey], held: list[dict[str, Any]]) -> list[int]:
    found = sorted(held, key=lambda item: item["_id"])
    for key in reversed(order):
        there = [item for item in found if key.field in item]
        there.sort(key=lambda item, field=key.field: item[field], reverse=key.descending)
        found = there + [item for item in found if key.field not in item]
    return [item["_id"] for item in found]


@given(documents, orders, st.integers(1, 4))
def test_a_walk_over_the_pages_is_the_sorted_list(held: list[dict[str, Any]], order: list[SortKey], count: int) -> None:
    walked: list[int] = []
    place: list[Any] | None = None
    for _ in range(len(held) + 1):
        ids, place = page(order, held, count, place)
        walked += ids
        if place is None:
            break
    assert walked == expected(order, held)


@given(documents, orders)
def test_every_document_is_in_exactly_one_segment(held: list[dict[str, Any]], order: list[SortKey]) -> None:
    for document in held:
        assert [holds(segment.filter, document) for segment in segments(order)].count(True) == 1


def test_an_order_that_every_resource_has_needs_one_segment_and_no_ranks() -> None:
    (segment,) = segments([SortKey("search._lastUpdated.lo", descending=True), SortKey("_id")])
    assert segment.filter == {}
    assert segment.ranks == {}
    assert segment.sort == {"search._lastUpdated.lo": -1, "_id": 1}


def test_an_order_by_one_parameter_needs_no_ranks() -> None:
    there, missing = segments([SortKey("search.date.lo"), SortKey("_id")])
    assert (there.filter, missing.filter) == ({"search.date.lo": {"$ne": None}}, {"search.date.lo": None})
    assert there.ranks == missing.ranks == {}
