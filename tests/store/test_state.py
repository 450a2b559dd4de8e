"""The state at a moment is what all versions up to then say, whatever was written since and however it is read."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from service.search.predicate import OneOf
from service.store import state as state_module
from service.store.document import Stored
from service.store.guard import Guard
from service.store.state import StateOf, wanted
from tests.store.conftest import START, OpenStore
from tests.store.plans import ACTIVE, EVERYTHING, plan

Told = list[tuple[str, int]]


@pytest.fixture(params=[(7, 2), (1_000, 50)], ids=["small batches", "as it is"])
def batches(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "AT_ONCE", request.param[0])
    monkeypatch.setattr(state_module, "_MOST_BY_THEMSELVES", request.param[1])


async def written(opened: OpenStore, seed: int) -> tuple[list[Stored], list[datetime]]:
    """Write at random for a while; return every version, and moments in between."""
    chance = random.Random(seed)
    current: dict[str, Stored] = {}
    versions, moments = [], [START]
    for number in range(160):
        opened.clock.move(milliseconds=chance.randrange(3))
        name = f"{chance.randrange(40):02}"
        before = current.get(name)
        if before is None:
            current[name] = await opened.store.insert("CarePlan", name, plan(number), "POST")
        elif before.deleted or chance.random() < 0.7:
            current[name] = await opened.store.replace(before, plan(number), "PUT")
        else:
            current[name] = await opened.store.bury(before)
        versions.append(current[name])
        if chance.random() < 0.1:
            moments.append(opened.clock.now)
    return versions, moments


async def told(opened: OpenStore, asked: StateOf) -> Told:
    return [(version.id, version.version) async for some in opened.store.state(asked) for version in some]


def expected(versions: list[Stored], asked: StateOf) -> Told:
    """Return the same by going through all versions."""
    newest: dict[str, Stored] = {}
    alive: dict[str, Stored] = {}
    for version in versions:
        if version.last_updated <= asked.at:
            newest[version.id] = version
            if not version.deleted:
                alive[version.id] = version
    return [
        (version.id, version.version)
        for _, version in sorted(newest.items())
        if (asked.since is not None or not version.deleted)
        and (asked.since is None or version.last_updated > asked.since)
        and (asked.predicate == EVERYTHING or b'"status":"active"' in (alive[version.id].body or b""))
        and version.id > asked.after
        and (asked.until is None or version.id <= asked.until)
    ]


@pytest.mark.usefixtures("batches")
@pytest.mark.parametrize("seed", range(2))
async def test_it_is_what_the_versions_say(opened: OpenStore, seed: int) -> None:
    versions, moments = await written(opened, seed)
    for at in moments:
        for since in (None, *moments[::6]):
            asked = StateOf("CarePlan", at, since)
            assert await told(opened, asked) == expected(versions, asked)
            some = replace(asked, predicate=ACTIVE, after="07", until="31")
            assert await told(opened, some) == expected(versions, some)


async def test_who_goes_on_after_an_id_meets_neither_repeats_nor_gaps(opened: OpenStore) -> None:
    versions, moments = await written(opened, 4)
    asked = StateOf("CarePlan", moments[-1])
    whole = expected(versions, asked)
    before = [item async for some in opened.store.state(replace(asked, until="15")) for item in some]
    for version in [item for item in before if not item.deleted][:5]:
        current = await opened.store.read("CarePlan", version.id)
        assert current is not None
        opened.clock.move(seconds=1)
        await opened.store.bury(current) if not current.deleted else None
    after = await told(opened, replace(asked, after="15"))
    assert [(item.id, item.version) for item in before] + after == whole
    assert await told(opened, asked) == whole


async def test_what_is_asked_of_the_index_holds_of_the_version_that_is_told(opened: OpenStore) -> None:
    first = await opened.store.insert("CarePlan", "1", plan(1), "POST")
    assert first.subject == "Patient/1"
    opened.clock.move(seconds=1)
    await opened.store.replace(first, plan(2), "PUT")
    then = StateOf("CarePlan", first.last_updated, predicate=OneOf("search.subject", ("Patient/1",)))
    assert await told(opened, then) == [("1", 1)]
    assert await told(opened, replace(then, at=opened.clock.now)) == []


async def test_what_is_large_comes_a_few_at_a_time(opened: OpenStore) -> None:
    large = {**plan(0), "description": "x" * 4_000_000}
    for number in range(5):
        await opened.store.insert("CarePlan", str(number), large, "POST")
    opened.clock.move(seconds=1)
    batches = [some async for some in opened.store.state(StateOf("CarePlan", opened.clock.now))]
    assert [version.id for some in batches for version in some] == ["0", "1", "2", "3", "4"]
    assert max(map(len, batches)) == 4, "an answer of the database has 16 MB"


async def test_few_of_many_are_found_without_looking_at_the_others(opened: OpenStore) -> None:
    for number in range(150):
        subject = {"reference": f"Patient/{number % 15}"}
        await opened.store.insert("CarePlan", f"{number:03}", {**plan(number), "subject": subject}, "POST")
    opened.clock.move(seconds=1)
    moment = opened.clock.now
    opened.clock.move(seconds=1)
    moved = await opened.store.read("CarePlan", "007")
    assert moved is not None
    await opened.store.bury(moved)
    predicate = opened.asked("CarePlan", subject="Patient/7").predicates["CarePlan"]
    asked = StateOf("CarePlan", moment, predicate=predicate)
    found = await told(opened, asked)
    command = {"find": "CarePlan", "filter": wanted(asked, "", Guard({})), "sort": {"_id": 1}, "limit": 500}
    explained = await opened.database.command({"explain": command, "verbosity": "executionStats"})
    assert 0 < len(found) < 20
    assert explained["executionStats"]["totalDocsExamined"] <= 2 * len(found)


async def test_a_deletion_of_what_is_not_known_any_more_is_not_told_where_that_matters(opened: OpenStore) -> None:
    gone = await opened.store.bury(await opened.store.insert("CarePlan", "1", plan(1), "POST"))
    opened.clock.move(seconds=1)
    moment = opened.clock.now
    opened.clock.move(seconds=1)
    await opened.store.replace(gone, plan(1), "PUT")
    await opened.database["CarePlan_history"].delete_one({"_id": {"id": "1", "version": 1}})
    since = START - timedelta(days=1)
    assert await told(opened, StateOf("CarePlan", moment, since)) == [("1", 2)]
    assert await told(opened, StateOf("CarePlan", moment, since, ACTIVE)) == []
