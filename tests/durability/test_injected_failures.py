"""Each step of a transaction fails in turn, as MongoDB's fail points make it fail: all of it is done or nothing."""

import asyncio
import json
import uuid
from typing import Any

import httpx
import pytest
from pymongo.asynchronous.database import AsyncDatabase

from service.store import transactions
from tests.durability.conftest import DATABASE
from tests.durability.generations import Family
from tests.support.resources import Json, care_plan, entry, goal, new_urn, paths, problems, transaction
from tests.support.three_nodes import ThreeNodes

STEPS = {
    "the first read": ("find", "Goal"),
    "the copy to history": ("update", "CarePlan_history"),
    "the next version": ("update", "CarePlan"),
    "the deletion": ("update", "Goal"),
    "the new resources": ("insert", "Goal"),
    "the Provenance": ("insert", "Provenance"),
    "the commit": ("commitTransaction", None),
}
"""The commands of a transaction, each with its collection."""
TRANSIENT = ["TransientTransactionError"]
TRIED_AGAIN: dict[str, dict[str, Any]] = {
    "a conflict": {"errorCode": 112, "errorLabels": TRANSIENT},
    "a primary that steps down": {"errorCode": 11602, "errorLabels": TRANSIENT},
    "a connection that breaks": {"closeConnection": True},
}
"""What the service tries again."""
UNDONE = {"errorCode": 50, "errorLabels": []}
"""MaxTimeMSExpired: what it does not try again."""


@pytest.fixture
async def family(client: httpx.AsyncClient) -> Family:
    """A family at its first generation."""
    made = Family(uuid.uuid4().hex[:8])
    answer = await client.post("", json=made.transaction(1))
    assert answer.status_code == 200, answer.text
    return made


@pytest.fixture
def database(nodes: ThreeNodes) -> AsyncDatabase[Json]:
    """The database of the service."""
    return nodes.client[DATABASE]


@pytest.fixture
async def stands_at(client: httpx.AsyncClient, family: Family, database: AsyncDatabase[Json]) -> Any:
    """Return a function that checks that the family as a whole is at a generation."""

    async def check(generation: int) -> None:
        assert await family.seen_by_client(client) == {generation}
        assert await family.seen_in_database(database) == {generation}

    return check


def at(step: str) -> tuple[str, dict[str, str]]:
    command, collection = STEPS[step]
    return command, {"namespace": f"{DATABASE}.{collection}"} if collection else {}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("failure", TRIED_AGAIN)
async def test_what_passes_is_tried_again_and_all_is_done(client, nodes, family, stands_at, step, failure) -> None:
    command, where = at(step)
    async with nodes.failing(command, **where, **TRIED_AGAIN[failure]) as point:
        answer = await client.post("", json=family.transaction(2))
        await point.entered()
    assert answer.status_code == 200, answer.text
    await stands_at(2)


@pytest.mark.parametrize("step", ["the next version", "the new resources", "the commit"])
@pytest.mark.parametrize("condition", [{}, {"ifNoneExist": "identifier=https://example.org/links|never"}])
async def test_links_between_entries_lead_to_what_is_stored_when_it_is_tried_again(
    client, nodes, family, step, condition
) -> None:
    first, second, plan = new_urn(), new_urn(), f"CarePlan/{family.name}"
    links = [{"reference": first}, {"reference": second}]
    bundle = transaction(
        entry("PUT", plan, care_plan(id=family.name, goal=links)),
        entry("POST", "Goal", goal(), first, **condition),
        entry("POST", "Goal", goal(), second),
    )
    command, where = at(step)
    async with nodes.failing(command, times=2, **where, **TRIED_AGAIN["a conflict"]) as point:
        answer = await client.post("", json=bundle)
        await point.entered(2)
    linked = [each["reference"] for each in (await client.get(plan)).json()["goal"]]
    assert linked == paths(answer)[1:]
    assert [(await client.get(each)).status_code for each in linked] == [200, 200]


@pytest.mark.parametrize("step", [step for step in STEPS if step != "the commit"])
async def test_what_does_not_pass_leaves_nothing(client, nodes, family, stands_at, step) -> None:
    command, where = at(step)
    async with nodes.failing(command, **where, **UNDONE) as point:
        answer = await client.post("", json=family.transaction(2))
        await point.entered()
    assert answer.status_code == 503, answer.text
    assert answer.headers["retry-after"]
    await stands_at(1)


@pytest.mark.parametrize(
    "how",
    [
        {"errorCode": 11602, "errorLabels": ["UnknownTransactionCommitResult", "RetryableWriteError"]},
        {"errorCode": 50, "errorLabels": ["UnknownTransactionCommitResult"]},
        {"writeConcernError": {"code": 64, "errmsg": "injected"}},
        {"closeConnection": True},
    ],
    ids=["lost primary", "no time", "no majority yet", "no connection"],
)
async def test_a_commit_whose_outcome_is_unknown_is_sent_again(client, nodes, family, stands_at, how) -> None:
    async with nodes.failing("commitTransaction", times=2, **how) as point:
        answer = await client.post("", json=family.transaction(2))
        await point.entered(2)
    assert answer.status_code == 200, answer.text
    await stands_at(2)


async def test_a_primary_that_is_lost_at_the_commit(client, nodes, family, stands_at, monkeypatch) -> None:
    monkeypatch.setattr(transactions, "TRANSACTION_SECONDS", 60)  # a busy machine takes its time to elect
    async with nodes.failing("commitTransaction", blockConnection=True, blockTimeMS=500) as point:
        sent = asyncio.create_task(client.post("", json=family.transaction(2)))
        await point.entered()
        await nodes.lose_primary()
    answer = await sent
    assert answer.status_code == 200, answer.text
    await stands_at(2)


@pytest.mark.parametrize(
    ("last", "status"),
    [
        (entry("POST", "CarePlan", care_plan(status="bogus")), 422),
        (entry("PUT", "Goal/other", goal(id="another")), 400),
        (entry("GET", "Goal/never-there"), 404),
        (entry("PUT", "Goal/never-there", goal(id="never-there"), ifMatch='W/"7"'), 412),
        (entry("POST", "Goal", goal(), ifNoneExist="nonsense=1"), 400),
    ],
    ids=["invalid", "another id", "not there", "another version", "an unknown condition"],
)
async def test_a_last_entry_that_is_refused_undoes_all(client, family, stands_at, last, status) -> None:
    answer = await client.post("", json=family.transaction(2, last))
    assert answer.status_code == status, answer.text
    await stands_at(1)


async def test_a_write_and_who_contributed_it_are_stored_together_or_not_at_all(client, nodes, family) -> None:
    changed = goal(id=family.name, description={"text": "changed"})
    agent = [{"who": {"reference": "Patient/example"}}]
    told = {"resourceType": "Provenance", "recorded": "2026-11-01T09:30:00Z", "agent": agent}
    headers = {"X-Provenance": json.dumps(told)}
    of_version = f"Provenance?target=Goal/{family.name}/_history/2&_summary=count"
    async with nodes.failing("insert", namespace=f"{DATABASE}.Provenance", **UNDONE) as point:
        refused = await client.put(f"Goal/{family.name}", json=changed, headers=headers)
        await point.entered()
    assert refused.status_code == 503, refused.text
    assert (await client.get(f"Goal/{family.name}")).json()["meta"]["versionId"] == "1"
    assert (await client.get(f"Goal/{family.name}/_history")).json()["total"] == 1
    assert (await client.get(of_version)).json()["total"] == 0
    done = await client.put(f"Goal/{family.name}", json=changed, headers=headers)
    assert done.json()["meta"]["versionId"] == "2"
    assert (await client.get(of_version)).json()["total"] == 1


async def test_a_writer_outside_waits_for_the_commit_and_comes_after_it(client, nodes, family) -> None:
    async with nodes.failing("commitTransaction", blockConnection=True, blockTimeMS=300) as point:
        sent = asyncio.create_task(client.post("", json=family.transaction(2)))
        await point.entered()
        outside = await client.put(f"Goal/{family.name}", json=goal(id=family.name, description={"text": "outside"}))
    assert (await sent).status_code == 200
    assert outside.json()["meta"]["versionId"] == "3"
    history = (await client.get(f"Goal/{family.name}/_history")).json()
    assert [item["resource"]["description"]["text"] for item in history["entry"]] == ["outside", "2", "1"]


async def test_a_commit_that_always_fails_leaves_nothing(client, nodes, family, stands_at, monkeypatch) -> None:
    monkeypatch.setattr(transactions, "TRANSACTION_SECONDS", 0.3)
    async with nodes.failing("commitTransaction", times=10_000, errorCode=251, errorLabels=TRANSIENT) as point:
        answer = await client.post("", json=family.transaction(2))
        await point.entered(2)
    assert answer.status_code == 409, answer.text
    await stands_at(1)


async def test_conflicts_past_the_deadline_are_409_and_trying_again_helps(
    client, family, stands_at, database, monkeypatch
) -> None:
    monkeypatch.setattr(transactions, "TRANSACTION_SECONDS", 0.3)
    async with database.client.start_session() as session:
        await session.start_transaction()
        await database["CarePlan"].update_one({"_id": family.name}, {"$set": {"held": True}}, session=session)
        answer = await client.post("", json=family.transaction(2))
        await session.abort_transaction()
    assert (answer.status_code, [rule for rule, _ in problems(answer)]) == (409, ["write-conflict"])
    assert int(answer.headers["retry-after"]) > 0
    await stands_at(1)
    assert (await client.post("", json=family.transaction(2))).status_code == 200
    await stands_at(2)
