"""Several workers, of which some die: every event arrives, in order, and what is repeated has its number."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any

import httpx
import pytest
from pymongo import AsyncMongoClient

from service.background.running import running
from service.background.subscriptions import subscriptions
from service.settings import Settings
from service.store import notifications, subscribers
from tests.subscriptions.asking import ended, goal, names, person, stored, subscribed, subscription, with_status
from tests.subscriptions.receiver import Receiver
from tests.subscriptions.worker import LEASE
from tests.support.app import client_of
from tests.support.service import PATIENCE

DATABASE = "test_subscriptions_workers"
Worker = Callable[[], AbstractAsyncContextManager[None]]


class Idle:
    """A service that neither follows nor delivers, and workers beside it that do."""

    client: httpx.AsyncClient
    parts: tuple[Any, ...]

    def worker(self) -> AbstractAsyncContextManager[None]:
        """Return what runs as long as a worker does."""
        return running(*subscriptions(*self.parts))


@pytest.fixture(scope="module")
async def idle(mongodb_uri: str, receivers: list[Receiver]) -> AsyncIterator[Idle]:
    """A service without workers."""
    found = Idle()

    def remembered(*parts: Any) -> list[Any]:
        found.parts = parts
        return []

    settings = Settings(mongodb_uri=mongodb_uri, mongodb_database=DATABASE, subscription_hosts=receivers[0].host)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("service.app.subscriptions", remembered)
        async with client_of(settings) as found.client:
            yield found


def in_order(receiver: Receiver, made: list[dict[str, Any]], first: int = 1) -> None:
    """Fail unless just ``made`` came, in their order and once each."""
    assert names(receiver) == [(number, each["id"], "1") for number, each in enumerate(made, first)]


def sent(receiver: Receiver) -> list[int]:
    """Return the numbers of all events that came; a worker that ends may not learn that one was received."""
    return [each.number for each in receiver.received if each.kind == "event"]


async def test_two_workers_deliver_a_burst_once_and_in_order(idle: Idle, one: Receiver) -> None:
    who = person()
    asked = [
        await subscribed(idle.client, subscription(one, f"Goal?patient={who}")),
        await subscribed(idle.client, subscription(one, f"Goal?subject=Patient/{who}")),
    ]
    entries = [
        {"resource": each, "request": {"method": "POST", "url": "Goal"}} for each in (goal(who), goal(), goal(who))
    ]
    together = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    async with idle.worker(), idle.worker():
        await asyncio.gather(*(with_status(idle.client, each, "active") for each in asked))
        made = await asyncio.gather(*(stored(idle.client, goal(who)) for _ in range(60)))
        assert (await idle.client.post("", json=together)).status_code == 200
        await one.until(lambda each: len([got for got in each.received if got.kind == "event"]) >= 124)
        await asyncio.sleep(0.2)
    found = {
        each["id"]: [got for got in one.received if got.headers["recovery-subscription"] == each["id"]]
        for each in asked
    }
    orders = []
    for got in found.values():
        assert [each.kind for each in got] == ["handshake", *["event"] * 62]
        assert [each.number for each in got[1:]] == list(range(1, 63))
        orders.append([each.resource["id"] for each in got[1:]])
    assert orders[0] == orders[1]
    assert set(orders[0]) > {each["id"] for each in made}
    await ended(idle.client, *asked)


async def test_what_is_written_while_no_worker_runs_is_delivered_by_the_next(idle: Idle, one: Receiver) -> None:
    who = person()
    asked = await subscribed(idle.client, subscription(one, f"Goal?patient={who}"))
    made = [await stored(idle.client, goal(who))]
    async with idle.worker():
        await one.until(lambda each: len(each.events) == 1)
    made += [await stored(idle.client, goal(who)) for _ in range(3)]
    async with idle.worker():
        await one.until(lambda each: len(each.events) == 4)
        made.append(await stored(idle.client, goal(who)))
        await one.until(lambda each: len(each.events) == 5)
    in_order(one, made)
    assert sent(one) == sorted(sent(one))
    await ended(idle.client, asked)


async def test_where_the_log_of_the_database_does_not_reach_back_the_collections_are_read(
    idle: Idle, one: Receiver, mongodb_uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    who = person()
    asked = await subscribed(idle.client, subscription(one, f"Goal?patient={who}"))
    made = [await stored(idle.client, goal(who)) for _ in range(2)]
    async with idle.worker():
        await one.until(lambda each: len(each.events) == 2)
    made.append(await stored(idle.client, goal(who)))
    changed = {**made[2], "note": [{"text": "again"}]}
    changed = (await idle.client.put(f"/Goal/{made[2]['id']}", json=changed)).json()
    gone = await stored(idle.client, goal(who))
    assert (await idle.client.delete(f"/Goal/{gone['id']}")).status_code == 204
    async with AsyncMongoClient(mongodb_uri) as mongo:
        following = mongo[DATABASE]["following"]
        lost = await following.update_one({"_id": "place"}, {"$set": {"token": {"_data": "00"}}})
        assert lost.modified_count == 1
    async with idle.worker():
        await one.until(lambda each: len(each.events) == 5)
        last = await stored(idle.client, goal(who))
        await one.until(lambda each: len(each.events) == 6)
    versions = [(each.resource["id"], each.resource["meta"]["versionId"]) for each in one.events]
    every = [*made, changed, gone, last]
    assert versions == [(each["id"], each["meta"]["versionId"]) for each in every]
    assert [each.number for each in one.events] == [1, 2, 3, 4, 5, 6]
    assert sent(one) == sorted(sent(one))
    assert "what was stored since" in caplog.text
    await ended(idle.client, asked)


@contextmanager
def process(uri: str, receiver: Receiver) -> Iterator[subprocess.Popen[str]]:
    """Give a process that works; it is killed at the end at the latest."""
    environment = {
        "RECOVERY_MONGODB_URI": uri,
        "RECOVERY_MONGODB_DATABASE": DATABASE,
        "RECOVERY_SUBSCRIPTION_HOSTS": receiver.host,
    }
    command = [sys.executable, "-m", "tests.subscriptions.worker"]
    with subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


async def test_a_worker_that_is_killed_is_gone_on_for_by_the_next(
    idle: Idle, one: Receiver, mongodb_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (notifications, subscribers):
        monkeypatch.setattr(module, "LEASE", LEASE)
    who = person()
    one.answers = lambda kind, number: None if kind == "event" and number == 3 else 204
    asked = await subscribed(idle.client, subscription(one, f"Goal?patient={who}"))
    made = [await stored(idle.client, goal(who)) for _ in range(2)]
    with process(mongodb_uri, one) as worker:
        assert worker.stdout is not None
        assert await asyncio.to_thread(worker.stdout.readline) == "ready\n"
        await one.until(lambda each: len(each.events) == 2, PATIENCE)
        made += [await stored(idle.client, goal(who)) for _ in range(3)]
        await one.until(lambda each: any(got.number == 3 for got in each.received))
        worker.kill()
        worker.wait()
        made += [await stored(idle.client, goal(who)) for _ in range(2)]
    one.answers = lambda kind, number: 204
    async with idle.worker():
        await one.until(lambda each: len(each.events) == 7)
        made.append(await stored(idle.client, goal(who)))
        await one.until(lambda each: len(each.events) == 8)
    in_order(one, made)
    numbers = sent(one)
    assert numbers == sorted(numbers)
    assert 3 in {number for number in numbers if numbers.count(number) > 1}
    await ended(idle.client, asked)
