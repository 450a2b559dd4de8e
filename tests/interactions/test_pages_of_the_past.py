"""Pages whose moment the database no longer keeps: 410 says how to go on, and who does misses and repeats nothing."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pymongo import AsyncMongoClient

from service.settings import Settings
from tests.support.app import client_of
from tests.support.resources import care_plan, problems

HISTORY_WINDOW = "minSnapshotHistoryWindowInSeconds"
WEEKS_AGO = datetime.now(UTC) - timedelta(weeks=2)


class Clock:
    """A clock that is moved by hand."""

    now = WEEKS_AGO

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def forgetful(mongodb_uri: str) -> AsyncIterator[None]:
    """A server that forgets at once what was replaced."""
    async with AsyncMongoClient(mongodb_uri) as database:
        before = (await database.admin.command({"getParameter": 1, HISTORY_WINDOW: 1}))[HISTORY_WINDOW]
        await database.admin.command({"setParameter": 1, HISTORY_WINDOW: 0})
        yield
        await database.admin.command({"setParameter": 1, HISTORY_WINDOW: before})


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
async def plans(mongodb_uri: str, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service with five plans of two or three versions, an hour between each and the next."""
    settings = Settings(mongodb_uri=mongodb_uri, mongodb_database="test_past")
    async with client_of(settings, clock=clock) as client:
        for number in range(12):
            clock.now += timedelta(hours=1)
            await write(client, f"p{number % 5}", f"{number}")
        clock.now = datetime.now(UTC)
        yield client


async def write(client: httpx.AsyncClient, name: str, title: str) -> None:
    answer = await client.put(f"/CarePlan/{name}", json=care_plan(id=name, title=title))
    assert answer.status_code in (200, 201), answer.text


def titles(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["resource"]["title"] for item in answer.json().get("entry", [])]


def next_of(answer: httpx.Response) -> str | None:
    return next((link["url"] for link in answer.json()["link"] if link["relation"] == "next"), None)


async def walk(client: httpx.AsyncClient, clock: Clock, address: str) -> tuple[list[str], list[Any]]:
    """Return what is found two by two while others write, and the sentences that stood in the way."""
    answer = await client.get(f"{address}&_count=2")
    found, told = titles(answer), []
    while (following := next_of(answer)) is not None:
        for name in ("p0", "p1", "new"):
            clock.now += timedelta(seconds=1)
            await write(client, name, f"late {clock.now}")
        answer = await client.get(following)
        if answer.status_code == 410:
            assert problems(answer) == [("page-expired", "http._page")]
            told.append(answer.json()["issue"][0]["diagnostics"])
            address = answer.headers["link"].removeprefix("<").removesuffix('>; rel="next"')
            assert f"go on with {address}" in told[-1]
            answer = await client.get(address)
        found += titles(answer)
    assert told, "the moment was to be gone"
    return found, told


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("at", ["", f"_at={WEEKS_AGO + timedelta(hours=7, minutes=30):%Y-%m-%dT%H:%M:%SZ}", "_at=2126"])
async def test_who_goes_on_with_a_history_meets_all_of_it(plans: httpx.AsyncClient, clock: Clock, at: str) -> None:
    expected = titles(await plans.get(f"/CarePlan/_history?{at}&_count=1000"))
    assert len(expected) > 4
    found, _ = await walk(plans, clock, f"/CarePlan/_history?{at}")
    assert [title for title in found if title in expected] == expected
    # Of what counts as current beyond the first page, that may come too which was replaced seconds before it.
    assert found == expected or at == "_at=2126"
    assert len(found) == len(set(found))


@pytest.mark.usefixtures("forgetful")
async def test_pages_of_one_resource_are_there_for_good(plans: httpx.AsyncClient, clock: Clock) -> None:
    expected = titles(await plans.get("/CarePlan/p0/_history?_count=1000"))
    answer = await plans.get("/CarePlan/p0/_history?_count=2")
    found = titles(answer)
    while (following := next_of(answer)) is not None:
        clock.now += timedelta(seconds=1)
        await write(plans, "p0", f"late {clock.now}")
        answer = await plans.get(following)
        found += titles(answer)
    assert found == expected
    assert len(found) > 2


@pytest.mark.usefixtures("forgetful")
async def test_who_goes_on_with_a_search_meets_what_has_not_changed(plans: httpx.AsyncClient, clock: Clock) -> None:
    found, (told, *_) = await walk(plans, clock, "/CarePlan?_sort=-_lastUpdated")
    assert found[2:] == ["9", "8", "7"]
    assert "where what has changed since is left out: ask for it with _lastUpdated=ge" in told
    found, (told, *_) = await walk(plans, clock, "/CarePlan?_sort=-_id")
    assert found[:3] == ["9", "8", "7"]
    assert "left out" not in told
