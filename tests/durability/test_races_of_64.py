"""64 clients send the same request at once: it is done once, and each is told of the same resource."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest

from tests.durability.clients import history_in
from tests.support.processes import Processes
from tests.support.resources import Json, entry, goal, new_urn, transaction

CLIENTS = 64
SYSTEM = "https://example.org/races"


@pytest.fixture(params=[1, 2], ids=["one process", "two processes"])
async def senders(processes: Processes, request: pytest.FixtureRequest) -> AsyncIterator[list[httpx.AsyncClient]]:
    """64 clients, of one process of the service or of two in turn."""
    async with processes.clients() as both:
        used = both[: request.param]
        yield [used[number % len(used)] for number in range(CLIENTS)]


@pytest.fixture
def value() -> str:
    """The value of an identifier that nothing else has."""
    return uuid.uuid4().hex


def known_as(value: str, **members: object) -> Json:
    return goal(identifier=[{"system": SYSTEM, "value": value}], **members)


def condition(value: str) -> str:
    return f"identifier={quote(f'{SYSTEM}|{value}', safe='')}"


def ids_in(answers: list[httpx.Response]) -> set[str]:
    return {answer.json()["id"] for answer in answers}


async def found(client: httpx.AsyncClient, value: str) -> list[str]:
    """Return the ids of what has the identifier."""
    bundle = (await client.get(f"Goal?{condition(value)}")).json()
    return [each["resource"]["id"] for each in bundle.get("entry", [])]


async def test_conditional_create_makes_one_and_tells_each_of_it(senders: list[httpx.AsyncClient], value: str) -> None:
    headers = {"If-None-Exist": condition(value)}
    answers = await asyncio.gather(*(each.post("Goal", json=known_as(value), headers=headers) for each in senders))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: CLIENTS - 1}
    assert ids_in(answers) == set(await found(senders[0], value))
    assert len(ids_in(answers)) == 1


async def test_conditional_update_creates_once_and_then_updates(senders: list[httpx.AsyncClient], value: str) -> None:
    bodies = [known_as(value, description={"text": f"As client {number} says"}) for number in range(CLIENTS)]
    calls = (each.put(f"Goal?{condition(value)}", json=body) for each, body in zip(senders, bodies, strict=True))
    answers = await asyncio.gather(*calls)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: CLIENTS - 1}
    (name,) = ids_in(answers)
    assert await found(senders[0], value) == [name]
    history = history_in((await senders[0].get(f"Goal/{name}/_history?_count=1000")).json())
    assert [seen.version for seen in history] == list(range(CLIENTS, 0, -1))
    told = {(int(a.json()["meta"]["versionId"]), a.json()["description"]["text"]) for a in answers}
    assert told == {(seen.version, seen.tag) for seen in history}


async def test_a_create_with_an_idempotency_key_is_done_once(senders: list[httpx.AsyncClient], value: str) -> None:
    headers = {"Idempotency-Key": f'"{value}"'}
    answers = await asyncio.gather(*(each.post("Goal", json=known_as(value), headers=headers) for each in senders))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["etag"] for answer in answers}) == 1
    assert ids_in(answers) == set(await found(senders[0], value))


async def test_a_transaction_with_an_idempotency_key_is_done_once(senders: list[httpx.AsyncClient], value: str) -> None:
    bundle = transaction(*(entry("POST", "Goal", known_as(value), new_urn()) for _ in range(3)))
    headers = {"Idempotency-Key": f'"{value}"'}
    answers = await asyncio.gather(*(each.post("", json=bundle, headers=headers) for each in senders))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    locations = [item["response"]["location"] for item in answers[0].json()["entry"]]
    assert sorted(location.split("/")[1] for location in locations) == sorted(await found(senders[0], value))


async def test_conditional_creates_in_transactions_make_one(senders: list[httpx.AsyncClient], value: str) -> None:
    bundle = transaction(entry("POST", "Goal", known_as(value), new_urn(), ifNoneExist=condition(value)))
    answers = await asyncio.gather(*(each.post("", json=bundle) for each in senders))
    assert {answer.status_code for answer in answers} == {200}
    told = [answer.json()["entry"][0]["response"] for answer in answers]
    assert Counter(item["status"][:3] for item in told) == {"201": 1, "200": CLIENTS - 1}
    assert {item["location"].split("/")[1] for item in told} == set(await found(senders[0], value))
