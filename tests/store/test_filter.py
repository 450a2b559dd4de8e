"""Filters find in the database what predicates hold for in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any as AnyValue

import pytest
from bson.decimal128 import Decimal128
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.collection import Collection

from service.search.memory import holds
from service.search.predicate import (
    All,
    Any,
    Compare,
    Contains,
    LinkedFrom,
    LinkedTo,
    Member,
    Not,
    OneOf,
    Only,
    Predicate,
    Present,
    StartsWith,
)
from service.store.filter import to_filter

Document = dict[str, AnyValue]

LAST = "\U0010ffff"
TEXTS = (
    "",
    "a",
    "ab",
    "aba",
    "b",
    "n=a",
    "n=ab",
    "n=$ab",
    f"n=b{LAST}a",
    "n=\ud7ffa",
    "n=\ue000",
    "$ab",
    f"a{LAST}",
    LAST,
)
NUMBERS = (-1, 0, Decimal("0.5"), 2, Decimal("Infinity"))

texts = st.sampled_from(TEXTS)
lists = st.lists(texts, max_size=3)
plain = st.fixed_dictionaries({}, optional={"s": texts, "n": st.sampled_from(NUMBERS)})
parts = st.fixed_dictionaries({}, optional={"words": lists, "search": plain})
documents = st.tuples(parts, st.fixed_dictionaries({}, optional={"contained": st.lists(parts, max_size=2)})).map(
    lambda both: both[0] | both[1]
)
starts = st.sampled_from(("", "a", "n=", "n=a", "n=b", "n=\ud7ff", LAST, f"a{LAST}"))
parts_of_texts = st.sampled_from(("", "a", "b", "ab", "$ab", ".", "a*", LAST))
fields = st.sampled_from(("words", "search.s"))
leaves: st.SearchStrategy[Predicate] = st.one_of(
    st.builds(OneOf, fields, st.lists(texts, max_size=2).map(tuple)),
    st.builds(StartsWith, fields, starts),
    st.builds(Contains, fields, starts, parts_of_texts),
    st.builds(Only, fields, starts, st.lists(texts, max_size=3).map(tuple)),
    st.builds(Compare, st.just("search.n"), st.sampled_from(("lt", "le", "gt", "ge")), st.sampled_from(NUMBERS)),
    st.builds(Present, st.sampled_from(("search.s", "search.n"))),  # a list is not stored without a member
)


def combined(inner: st.SearchStrategy[Predicate]) -> st.SearchStrategy[Predicate]:
    several = st.lists(inner, max_size=3).map(tuple)
    return st.one_of(st.builds(All, several), st.builds(Any, several), st.builds(Not, inner))


inside = st.recursive(leaves, combined, max_leaves=4)
predicates = st.recursive(st.one_of(leaves, st.builds(Member, st.just("contained"), inside)), combined, max_leaves=5)


@pytest.fixture(scope="session")
def scratch(mongodb_uri: str) -> Iterator[Collection[Document]]:
    with MongoClient[Document](mongodb_uri) as client:
        yield client["test_filter"]["scratch"]


def native(value: AnyValue) -> AnyValue:
    if isinstance(value, dict):
        return {name: native(part) for name, part in value.items()}
    if isinstance(value, list):
        return [native(part) for part in value]
    return Decimal128(value) if isinstance(value, Decimal) else value


def found(scratch: Collection[Document], predicate: Predicate, documents: list[Document]) -> list[int]:
    scratch.delete_many({})
    scratch.insert_many([{"_id": number, **native(each)} for number, each in enumerate(documents)])
    return sorted(each["_id"] for each in scratch.find(to_filter(predicate)))


@given(st.lists(documents, min_size=1, max_size=6), predicates)
def test_a_filter_finds_what_the_predicate_holds_for(
    scratch: Collection[Document], held: list[Document], predicate: Predicate
) -> None:
    expected = [number for number, each in enumerate(held) if holds(predicate, each)]
    assert found(scratch, predicate, held) == expected


@dataclass(frozen=True)
class Case:
    """A predicate, and the documents that it holds for."""

    predicate: Predicate
    found: list[int]


WORDED: list[Document] = [
    {"words": ["name=ada lovelace", "code=walk"]},
    {"words": ["name=lovely"]},
    {"words": ["title=ada love"]},
    {"search": {"title": "ada"}},
    {"contained": [{"type": "Goal", "words": ["name=ada love"]}, {"type": "CarePlan", "words": ["name=bo"]}]},
]
GOAL, PLAN = OneOf("type", ("Goal",)), OneOf("type", ("CarePlan",))
CASES = {
    "part of a word": Case(Contains("words", "name=", "love"), [0, 1]),
    "no part at the end of a word": Case(Contains("words", "name=lovely", ""), [1]),
    "part after the start only": Case(Contains("words", "name=", "ame"), []),
    "no pattern": Case(Contains("words", "name=", "l.*e"), []),
    "a field that is missing": Case(Contains("search.title", "", "d"), [3]),
    "denied": Case(Not(Contains("words", "name=", "love")), [2, 3, 4]),
    "every word that starts so": Case(Only("words", "name=", ("name=ada lovelace", "name=lovely")), [0, 1, 2, 3, 4]),
    "another word that starts so": Case(Only("words", "name=", ("name=lovely",)), [1, 2, 3, 4]),
    "every value that starts so": Case(Only("search.title", "a", ("adam",)), [0, 1, 2, 4]),
    "denied that every word": Case(Not(Only("words", "name=", ())), [0, 1]),
    "every word of a member": Case(Member("contained", All((GOAL, Only("words", "name=", ())))), []),
    "start of one value": Case(StartsWith("search.title", "ad"), [3]),
    "start of the whole": Case(StartsWith("search.title", "da"), []),
    "one and the same member": Case(Member("contained", All((GOAL, Contains("words", "name=", "love")))), [4]),
    "another member": Case(Member("contained", All((PLAN, Contains("words", "name=", "love")))), []),
    "denied in a member": Case(Member("contained", All((PLAN, Not(Contains("words", "name=", "love"))))), [4]),
}


@pytest.mark.parametrize("name", CASES)
def test_parts_of_texts_are_found(scratch: Collection[Document], name: str) -> None:
    assert found(scratch, CASES[name].predicate, WORDED) == CASES[name].found


def test_a_word_is_entered_in_the_index_by_its_start(scratch: Collection[Document]) -> None:
    scratch.drop()
    scratch.create_index("words")
    scratch.insert_many([{"words": [f"name={number:03}", "code=x"]} for number in range(200)])
    explained = scratch.find(to_filter(Contains("words", "name=19", "5"))).explain()["executionStats"]
    assert (explained["nReturned"], explained["totalDocsExamined"]) == (1, 10)


@pytest.mark.parametrize("link", [LinkedTo("words", "goal=", "Goal", All()), LinkedFrom("Goal", "words", "x=", All())])
def test_a_filter_follows_no_links(link: Predicate) -> None:
    for predicate in (link, Not(link), Member("contained", All((link, Contains("words", "", "a"))))):
        with pytest.raises(TypeError, match="a link is not about one document"):
            to_filter(predicate)
        with pytest.raises(TypeError, match="a link is not about one document"):
            holds(predicate, {"contained": [{"words": ["a"]}]})
