"""Bundles as large as they may be, in one transaction."""

import uuid
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.resources import Json, entry, goal, new_urn, paths, problems, statuses, transaction
from tests.support.three_nodes import USUAL_SECONDS, ThreeNodes

MOST = 1_000
SYSTEM = "https://example.org/large"


def creating(value: str, count: int = MOST) -> list[Json]:
    identifier = [{"system": SYSTEM, "value": value}]
    return [entry("POST", "Goal", goal(identifier=identifier), new_urn()) for _ in range(count)]


async def stored(client: httpx.AsyncClient, value: str) -> int:
    answer = await client.get(f"Goal?identifier={SYSTEM}|{value}&_summary=count")
    return answer.json()["total"]


@pytest.fixture(autouse=True)
async def patient(nodes: ThreeNodes) -> AsyncIterator[None]:
    """On a busy machine a thousand updates take longer than the set gives the transactions of other tests."""
    await nodes.let_transactions_last(60)
    yield
    await nodes.let_transactions_last(USUAL_SECONDS)


async def test_a_thousand_are_created_and_updated_as_one(client: httpx.AsyncClient) -> None:
    before, after = uuid.uuid4().hex, uuid.uuid4().hex
    answer = await client.post("", json=transaction(*creating(before)), timeout=60)
    assert statuses(answer) == ["201"] * MOST
    assert await stored(client, before) == MOST

    names = paths(answer)
    changed = [
        entry("PUT", name, goal(id=name.removeprefix("Goal/"), identifier=[{"system": SYSTEM, "value": after}]))
        for name in names
    ]
    spoiled = await client.post("", json=transaction(*changed[:-1], entry("GET", "Goal/never-there")), timeout=60)
    assert spoiled.status_code == 404
    assert (await stored(client, before), await stored(client, after)) == (MOST, 0)

    answer = await client.post("", json=transaction(*changed), timeout=60)
    assert statuses(answer) == ["200"] * MOST
    assert (await stored(client, before), await stored(client, after)) == (0, MOST)
    history = (await client.get(f"{names[-1]}/_history")).json()
    assert [item["response"]["etag"] for item in history["entry"]] == ['W/"2"', 'W/"1"']


async def test_one_more_is_413_and_says_how_many_there_may_be(client: httpx.AsyncClient) -> None:
    value = uuid.uuid4().hex
    answer = await client.post("", json=transaction(*creating(value, MOST + 1)), timeout=60)
    assert (answer.status_code, problems(answer)) == (413, [("bundle-too-large", "Bundle.entry")])
    assert str(MOST) in answer.json()["issue"][0]["diagnostics"]
    assert await stored(client, value) == 0
