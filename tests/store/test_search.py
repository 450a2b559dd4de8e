"""Searches of the store, on both drivers: pages either way, several sources, what is too much, and how it is done."""

from collections.abc import Sequence
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.errors import AutoReconnect

from service.fhir.outcome import OutcomeError
from service.search.predicate import All, Contains, LinkedFrom, LinkedTo, Not, OneOf, Predicate, any_of
from service.search.source import SortKey, Source
from service.settings import Settings
from service.store.pages import Page
from service.store.resources import ResourceStore
from tests.store.conftest import OpenStore
from tests.store.plans import (
    ACTIVE,
    CHANGED,
    DATE,
    EVERYTHING,
    ID,
    STATUS,
    WITH_GOAL,
    Resource,
    assessment,
    down,
    expected_order,
    goal,
    plan,
    source,
)
from tests.support.app import client_of


@pytest.fixture
async def filled(opened: OpenStore) -> OpenStore:
    """A store of 24 plans, 12 goals and 12 assessments, always four of a type of the same time; and some deletions."""
    for make, many in ((plan, 24), (goal, 12), (assessment, 12)):
        for number in range(many):
            resource = make(number)
            await opened.store.insert(resource["resourceType"], f"{number:02}", resource, "POST")
            if number % 4 == 3:
                opened.clock.move(minutes=1)
        await opened.store.bury(await opened.store.insert(resource["resourceType"], "gone", make(1), "POST"))
    return opened


def names(page: Page) -> list[str]:
    return [f"{item.type}/{item.id}" for item in page.matches]


async def walked(store: ResourceStore, sources: Sequence[Source], count: int) -> list[Page]:
    """Return the pages from first to last; those backward from each are the same."""
    pages = [await store.search(sources, count)]
    while pages[-1].after is not None:
        pages.append(await store.search(sources, count, pages[-1].after, at=pages[0].moment))
    assert pages[0].before is None
    page = pages[-1]
    for expected in reversed(pages[:-1]):
        assert page.before is not None
        page = await store.search(sources, count, page.before, at=pages[0].moment)
        assert names(page) == names(expected)
        assert page.after is not None
        onward = await store.search(sources, count, page.after, at=pages[0].moment)
        assert names(onward) == names(pages[pages.index(expected) + 1])
    assert page.before is None
    assert {page.moment for page in pages} == {pages[0].moment}
    return pages


ORDERS: dict[str, tuple[SortKey, ...]] = {
    "by id": (),
    "by id, downwards": (down(ID),),
    "by a value": (STATUS,),
    "by a date that some lack": (DATE,),
    "by a date that some lack, downwards": (down(DATE),),
    "by both ends of a date": (DATE, SortKey("search.date.hi")),
    "by the time of change": (CHANGED,),
    "by two keys": (STATUS, DATE),
    "by two keys that go different ways": (DATE, down(STATUS)),
    "by three keys": (down(STATUS), down(DATE), CHANGED),
}


@pytest.mark.parametrize("name", ORDERS)
async def test_pages_of_any_order_hold_each_match_once_either_way(filled: OpenStore, name: str) -> None:
    sort = ORDERS[name] if ID in ORDERS[name] or down(ID) in ORDERS[name] else (*ORDERS[name], ID)
    documents = await filled.database["CarePlan"].find({"deleted": False}).to_list(None)
    for count in (1, 5, 24):
        pages = await walked(filled.store, [Source("CarePlan", EVERYTHING, sort)], count)
        assert [item.id for page in pages for item in page.matches] == expected_order(sort, documents)
        assert [len(page.matches) for page in pages[:-1]] == [count] * (len(pages) - 1)


@pytest.mark.parametrize(
    "predicate", [ACTIVE, Not(ACTIVE), WITH_GOAL, All((ACTIVE, WITH_GOAL)), Not(WITH_GOAL), any_of([ACTIVE, WITH_GOAL])]
)
@pytest.mark.parametrize("sort", [(), (DATE,), (STATUS, down(DATE))])
async def test_pages_hold_what_is_demanded(filled: OpenStore, predicate: Predicate, sort: tuple[SortKey, ...]) -> None:
    goals = {f"{number:02}" for number in range(12)}
    documents = await filled.database["CarePlan"].find({"deleted": False}).to_list(None)

    def fits(part: Predicate, document: Resource) -> bool:
        if part == ACTIVE:
            return bool(document["search"]["status"] == "active")
        if part == WITH_GOAL:
            return f"goal=Goal/{document['_id']}" in document["words"] and document["_id"] in goals
        if isinstance(part, Not):
            return not fits(part.part, document)
        assert not isinstance(part, (OneOf, LinkedTo))
        return (all if isinstance(part, All) else any)(fits(each, document) for each in part.parts)

    pages = await walked(filled.store, [source("CarePlan", *sort, predicate=predicate)], 3)
    expected = expected_order((*sort, ID), [each for each in documents if fits(predicate, each)])
    assert [item.id for page in pages for item in page.matches] == expected
    assert await filled.store.count([source("CarePlan", predicate=predicate)]) == len(expected)


@pytest.mark.parametrize("count", [1, 7, 50])
@pytest.mark.parametrize("key", [None, DATE, down(DATE), CHANGED])
async def test_several_sources_come_in_one_order(filled: OpenStore, key: SortKey | None, count: int) -> None:
    types = ("RiskAssessment", "CarePlan", "Goal") if key in (None, CHANGED) else ("RiskAssessment", "CarePlan")
    sort = (key,) if key else ()
    sources = [source(name, *sort, predicate=OneOf("search.subject", ("Patient/1",))) for name in types]
    documents = []
    for number, name in enumerate(types):
        found = await filled.database[name].find({"search.subject": "Patient/1"}).to_list(None)
        documents += [each | {"_id": f"{each['_id']} {number} {name}"} for each in found]
    expected = [name.split() for name in expected_order((*sort, ID), documents)]
    pages = await walked(filled.store, sources, count)
    assert [name for page in pages for name in names(page)] == [f"{name}/{number}" for number, _, name in expected]
    assert await filled.store.count(sources) == len(expected)


async def test_a_type_that_is_no_longer_kept_is_not_searched(filled: OpenStore) -> None:
    await filled.database["Basic"].insert_one({"_id": "a", "deleted": False})
    assert await filled.store.count([source("Basic"), source("Goal")]) == 12
    page = await filled.store.search([source("Basic")], 10)
    assert (page.matches, page.before, page.after) == ([], None, None)
    assert await filled.store.count([]) == 0


async def test_no_matches_on_a_page_of_none(filled: OpenStore) -> None:
    page = await filled.store.search([source("CarePlan")], 0)
    assert (page.matches, page.before, page.after) == ([], None, None)


async def open_cursors(opened: OpenStore) -> int:
    status = await opened.database.client.admin.command("serverStatus")
    found: int = status["metrics"]["cursor"]["open"]["total"]
    return found


@pytest.mark.parametrize("linked", [False, True])
async def test_a_page_of_more_than_16_mb_comes_whole(opened: OpenStore, linked: bool) -> None:
    size = 3_500_000
    for number in range(6):
        whole = plan(1) | {"title": "x" * size, "goal": [{"reference": "Goal/01"}]}
        await opened.store.insert("CarePlan", f"{number}", whole, "POST")
    await opened.store.insert("Goal", "01", goal(1), "POST")
    wanted = [source("CarePlan", DATE, predicate=WITH_GOAL if linked else EVERYTHING)]

    async def read(store: ResourceStore) -> Page:
        return await store.search(wanted, 10)

    before = await open_cursors(opened)
    for page in (await read(opened.store), await opened.store.transaction(read)):
        assert [item.id for item in page.matches] == ["0", "1", "2", "3", "4", "5"]
        assert all(len(item.body or b"") > size for item in page.matches)
    assert await open_cursors(opened) == before


async def test_a_transaction_finds_what_it_has_written(filled: OpenStore) -> None:
    async def work(store: ResourceStore) -> tuple[list[str], int, Any]:
        await store.insert("Goal", "new", goal(1), "POST")
        await store.insert("CarePlan", "new", plan(1) | {"goal": [{"reference": "Goal/new"}]}, "POST")
        linked = LinkedTo("words", "goal=", "Goal", OneOf("_id", ("new",)))
        page = await store.search([source("CarePlan", predicate=linked), source("Goal")], 100)
        return names(page), await store.count([source("CarePlan")]), page.moment

    found, total, moment = await filled.store.transaction(work)
    assert found == [*(f"Goal/{number:02}" for number in range(12)), "CarePlan/new", "Goal/new"]
    assert (total, moment) == (25, None)
    assert await filled.store.count([source("Goal")]) == 13


async def test_a_search_that_takes_too_long_is_stopped(filled: OpenStore) -> None:
    await filled.database["CarePlan"].insert_many(
        [{"_id": f"x{number}", "deleted": False, "words": [f"name={'a' * 200}"] * 20} for number in range(500)]
    )
    slow = any_of(Contains("words", "name=", f"{'a' * 100}{number}") for number in range(200))
    store = ResourceStore(filled.driver, filled.store._types, filled.clock, 0.01)

    async def in_transaction(bound: ResourceStore) -> None:
        await bound.search([source("CarePlan", predicate=slow)], 10)

    for search in (
        lambda: store.search([source("CarePlan", predicate=slow)], 10),
        lambda: store.count([source("CarePlan", predicate=slow)]),
        lambda: store.count([source("Goal", predicate=LinkedFrom("CarePlan", "words", "goal=", slow))]),
        lambda: store.explaining().count([source("CarePlan", predicate=slow)]),
        lambda: store.transaction(in_transaction),
    ):
        with pytest.raises(OutcomeError) as refused:
            await search()
        (issue,) = refused.value.issues
        assert (refused.value.status, issue.rule) == (503, "search-too-costly")
        assert "narrow it" in issue.diagnostics


async def test_a_search_that_is_too_large_to_be_sent_is_too_costly(filled: OpenStore) -> None:
    large = OneOf("words", tuple(f"{number:0200}" for number in range(90_000)))
    with pytest.raises(OutcomeError) as refused:
        await filled.store.search([source("CarePlan", predicate=large)], 10)
    assert refused.value.issues[0].rule == "search-too-costly"


async def test_a_connection_that_was_lost_is_made_anew(filled: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = filled.driver.command
    lost = 0

    async def lose_the_first(command: dict[str, Any], session: Any) -> dict[str, Any]:
        nonlocal lost
        lost += 1
        if lost == 1:
            raise AutoReconnect("connection closed")
        return await sent(command, session)

    monkeypatch.setattr(filled.driver, "command", lose_the_first)
    assert len((await filled.store.search([source("Goal")], 20)).matches) == 12


async def test_explanations_say_how_a_search_is_done(filled: OpenStore) -> None:
    store = filled.store.explaining()
    page = await store.search([source("CarePlan", predicate=ACTIVE)], 3)
    (told,) = store.explained
    assert (told.collection, told.collection_scan) == ("CarePlan", False)
    assert told.indexes == ("search.status _id having search.status",)
    assert (told.keys_examined, told.documents_examined, told.returned) == (4, 4, 4)
    assert told.milliseconds is not None
    assert '"search.status": "active"' in told.query
    assert len(page.matches) == 3
    assert filled.store.explained is None

    store = store.explaining()
    assert await store.count([source("CarePlan", predicate=ACTIVE)]) == 8
    (told,) = store.explained
    assert (told.documents_examined, told.collection_scan, told.returned) == (0, False, 1)

    store = store.explaining()
    await store.search([source("CarePlan", predicate=OneOf("_id", ("03",)))], 3)
    assert store.explained[0].indexes == ("_id_",)

    store = store.explaining()
    await store.search([source("CarePlan", SortKey("search.nowhere"))], 3)
    assert any(told.collection_scan for told in store.explained)


async def test_explanations_tell_of_what_was_asked_of_other_collections(filled: OpenStore) -> None:
    store = filled.store.explaining()
    has_active_goal = LinkedTo("words", "goal=", "Goal", OneOf("search.lifecycle-status", ("active",)))
    await store.search([source("CarePlan", predicate=has_active_goal)], 3)
    assert {told.collection for told in store.explained} == {"CarePlan", "Goal"}
    assert all(told.indexes and not told.collection_scan for told in store.explained)


@pytest.mark.parametrize("name", ["search.status", "search.date.lo", CHANGED.field])
async def test_nothing_before_a_page_is_read_for_it(filled: OpenStore, name: str) -> None:
    sources = [source("CarePlan", SortKey(name), predicate=OneOf("search.intent", ("plan",)))]
    page = await filled.store.search(sources, 4)
    for _ in range(2):
        page = await filled.store.search(sources, 4, page.after, at=page.moment)
    for place in (page.after, page.before):
        store = filled.store.explaining()
        await store.search(sources, 4, place)
        assert sum(told.documents_examined or 0 for told in store.explained) <= 15, store.explained
        assert not any(told.collection_scan for told in store.explained)


async def test_the_time_of_a_search_is_a_setting(settings: Settings) -> None:
    words = ["identifier=" + "a" * 200] * 20
    documents: list[Resource] = [
        {"_id": f"{number}", "deleted": False, "search": {"_lastUpdated": {"lo": 1}}, "words": words}
        for number in range(2000)
    ]
    async with client_of(settings.model_copy(update={"search_seconds": 0.001})) as client:
        async with AsyncMongoClient[Resource](settings.mongodb_uri) as mongodb:
            await mongodb[settings.mongodb_database]["CarePlan"].insert_many(documents)
        refused = await client.get("/CarePlan?category:missing=true&_summary=count")
        assert refused.status_code == 503
        assert refused.json()["issue"][0]["details"]["coding"][0]["code"] == "search-too-costly"
