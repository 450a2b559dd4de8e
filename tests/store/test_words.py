"""The different words in the index that parameters share, and pages of sources in groups."""

from typing import Any

import pytest

from service.search.predicate import All
from service.search.source import SortKey, Source
from service.store.explained import Explained
from service.store.reading import Reading
from service.store.resources import ResourceStore
from service.store.words import find_words
from tests.store.conftest import SECONDS, OpenStore


def goal(*tags: str) -> dict[str, Any]:
    labels = [{"system": "http://example.org", "code": tag} for tag in tags]
    return {"resourceType": "Goal", "lifecycleStatus": "active", "meta": {"tag": labels}}


async def test_each_word_comes_once_in_order(opened: OpenStore) -> None:
    for number in range(30):
        await opened.store.insert("Goal", f"g{number}", goal("b", "a|1", f"tag-{number % 3}"), "POST")
    plain = ["a\\|1", "b", *(f"http://example.org|{code}" for code in ("a\\|1", "b", "tag-0", "tag-1", "tag-2"))]
    expected = [*plain, "tag-0", "tag-1", "tag-2"]
    assert await opened.store.words([("Goal", "_tag")], 100) == [expected]
    assert await opened.store.words([("Goal", "_tag")], 3) == [expected[:3]]
    assert await opened.store.words([("Goal", "_security")], 100) == [[]]
    assert await opened.store.words([("CarePlan", "_tag")], 100) == [[]]


async def test_what_is_deleted_has_no_words(opened: OpenStore) -> None:
    stored = await opened.store.insert("Goal", "gone", goal("gone"), "POST")
    await opened.store.bury(stored)
    assert await opened.store.words([("Goal", "_tag")], 100) == [[]]


async def test_a_transaction_sees_its_own(opened: OpenStore) -> None:
    async def work(store: ResourceStore) -> list[list[str]]:
        await store.insert("Goal", "new", goal("new"), "POST")
        return await store.words([("Goal", "_tag"), ("CarePlan", "_tag")], 100)

    assert await opened.store.transaction(work) == [["http://example.org|new", "new"], []]


async def test_no_document_is_read(opened: OpenStore) -> None:
    for number in range(50):
        await opened.store.insert("Goal", f"g{number}", goal("one"), "POST")
    explained: list[Explained] = []
    await find_words(Reading(opened.driver, None, None, SECONDS, explained), "Goal", "_tag", 100)
    assert len(explained) == 3
    assert all((each.keys_examined or 0) <= 1 and each.documents_examined == 0 for each in explained)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 9])
async def test_groups_come_one_after_the_other_both_ways(opened: OpenStore, count: int) -> None:
    for number in range(4):
        await opened.store.insert("Goal", f"{number}", goal(), "POST")
        plan = {"resourceType": "CarePlan", "status": "active", "intent": "plan"}
        await opened.store.insert("CarePlan", f"{number}", plan, "POST")
    keys = (SortKey("_id"),)
    sources = [Source("Goal", All(), keys, 1), Source("CarePlan", All(), keys, 0)]
    page = await opened.store.search(sources, count)
    pages = [page]
    while page.after:
        page = await opened.store.search(sources, count, page.after, at=page.moment)
        pages.append(page)
    found = [(item.type, item.id) for each in pages for item in each.matches]
    assert found == [(name, f"{number}") for name in ("CarePlan", "Goal") for number in range(4)]
    for earlier in pages[-2::-1]:
        assert page.before
        page = await opened.store.search(sources, count, page.before, at=page.moment)
        assert page.matches == earlier.matches
    assert page.before is None
