"""Writes that are sent again with the same Idempotency-Key happen once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.app import client_of
from tests.support.resources import batch, care_plan, created, entry, goal, new_urn, problems, total, transaction


@pytest.fixture
def client(shared_client):
    return shared_client


def keyed(key: str | None = None, **headers: str) -> dict[str, str]:
    return {"Idempotency-Key": f'"{key or new_urn()}"', **headers}


async def test_a_create_sent_again_gets_the_first_answer(client):
    headers, body = keyed(), goal()
    before = await total(client)
    first, again = [await client.post("/Goal", json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    for name in ("location", "etag", "last-modified"):
        assert again.headers[name] == first.headers[name]
    assert await total(client) == before + 1


async def test_so_do_update_and_delete_whatever_happened_in_between(client):
    old = await created(client, goal())
    address, put, delete = f"/Goal/{old['id']}", keyed(), keyed()
    changed = {**old, "statusDate": "2026-01-01"}
    first = await client.put(address, json=changed, headers=put)
    await client.put(address, json={**old, "statusDate": "2026-02-02"})
    again = await client.put(address, json=changed, headers=put)
    assert (again.status_code, again.content) == (200, first.content)
    assert (await client.get(address)).json()["statusDate"] == "2026-02-02"
    assert (await client.delete(address, headers=delete)).status_code == 204
    await client.put(address, json=changed)
    assert (await client.delete(address, headers=delete)).headers["etag"] == 'W/"4"'
    assert (await client.get(address)).status_code == 200


async def test_a_transaction_sent_again_gets_the_first_answer(client):
    urn, headers = new_urn(), keyed()
    bundle = transaction(
        entry("POST", "Goal", goal(), urn),
        entry("POST", "CarePlan", care_plan(goal=[{"reference": urn}])),
        entry("POST", "Goal", goal(), ifNoneExist=f"identifier={new_urn()}"),
    )
    before = await total(client)
    first, again = [await client.post("", json=bundle, headers=headers) for _ in range(2)]
    assert (first.status_code, again.content) == (200, first.content)
    assert await total(client) == before + 3


async def test_the_entries_of_a_batch_are_remembered_each_for_itself(client):
    bundle = batch(entry("POST", "Goal", goal()), entry("POST", "Goal", goal(lifecycleStatus="bogus")))
    headers, before = keyed(), await total(client)
    first, again = [(await client.post("", json=bundle, headers=headers)).json()["entry"] for _ in range(2)]
    assert first[0] == again[0]
    assert first[1]["response"]["status"] == again[1]["response"]["status"] == "422 Unprocessable Entity"
    assert await total(client) == before + 1


@pytest.mark.parametrize(
    "change",
    [
        {"json": goal(statusDate="2026-01-01")},
        {"url": "/Goal?_format=json"},
        {"headers": {"Prefer": "return=minimal"}},
        {"headers": {"If-None-Exist": "identifier=1"}},
    ],
)
async def test_the_same_key_for_another_request_is_422(client, change):
    key = new_urn()
    request = {"url": "/Goal", "json": goal(), "headers": {}}
    await client.post(**{**request, "headers": keyed(key)})
    before = await total(client)
    other = {**request, **change}
    response = await client.post(**{**other, "headers": keyed(key, **other["headers"])})
    assert (response.status_code, problems(response)) == (
        422,
        [("idempotency-key-reused", "http.Idempotency-Key")],
    )
    assert await total(client) == before


async def test_the_same_key_of_another_client_is_another_key(client):
    key = new_urn()
    mine, theirs = [
        await client.post("/Goal", json=goal(), headers=keyed(key, Authorization=f"Bearer {name}")) for name in "ab"
    ]
    assert mine.json()["id"] != theirs.json()["id"]


async def test_what_was_refused_is_not_remembered(client):
    headers = keyed()
    goal_id = new_urn().rpartition(":")[2]
    first = await client.put(f"/Goal/{goal_id}", json=goal(id=goal_id), headers={**headers, "If-Match": 'W/"1"'})
    assert first.status_code == 412
    await client.put(f"/Goal/{goal_id}", json=goal(id=goal_id))
    changed = goal(id=goal_id, statusDate="2026-01-01")
    again = await client.put(f"/Goal/{goal_id}", json=changed, headers={**headers, "If-Match": 'W/"1"'})
    assert (again.status_code, again.headers["etag"]) == (200, 'W/"2"')


@pytest.mark.parametrize("key", ["", '""', '"half', "two words", '"ümlaut"', "x" * 256])
async def test_a_key_that_cannot_be_read_is_400(client, key):
    before = await total(client)
    response = await client.post("/Goal", json=goal(), headers={"Idempotency-Key": key.encode()})
    assert (response.status_code, problems(response)) == (400, [("idempotency-key", "http.Idempotency-Key")])
    assert await total(client) == before


async def test_a_bare_key_is_the_quoted_one_and_reads_need_none(client):
    key, body = new_urn(), goal()
    first = await client.post("/Goal", json=body, headers={"Idempotency-Key": key})
    again = await client.post("/Goal", json=body, headers=keyed(key))
    assert first.json() == again.json()
    changed = await client.put(f"/Goal/{first.json()['id']}", json={**first.json(), "statusDate": "2026-01-01"})
    read = await client.get(f"/Goal/{first.json()['id']}", headers=keyed(key))
    assert read.json() == changed.json()


async def test_a_key_holds_for_the_stated_time(settings):
    now = datetime(2026, 11, 1, tzinfo=UTC)
    async with client_of(settings, clock=lambda: now) as client:
        headers, body = keyed(), goal()
        first = await client.post("/Goal", json=body, headers=headers)
        now += timedelta(hours=23)
        assert (await client.post("/Goal", json=body, headers=headers)).content == first.content
        now += timedelta(hours=2)
        assert (await client.post("/Goal", json=body, headers=headers)).json()["id"] != first.json()["id"]


async def test_64_equal_requests_at_once_make_one_resource(client):
    headers, body, before = keyed(), goal(), await total(client)
    answers = await asyncio.gather(*(client.post("/Goal", json=body, headers=headers) for _ in range(64)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert await total(client) == before + 1


async def test_the_key_of_a_batch_belongs_to_all_that_it_asks_for(client):
    key, before = new_urn(), await total(client)
    one, more = batch(entry("POST", "Goal", goal())), batch(entry("POST", "Goal", goal()), entry("GET", "metadata"))
    await client.post("", json=one, headers=keyed(key))
    for other in (more, transaction(entry("POST", "Goal", goal()))):
        response = await client.post("", json=other, headers=keyed(key))
        assert (response.status_code, problems(response)[0][0]) == (422, "idempotency-key-reused")
    assert await total(client) == before + 1
