"""A receiver gets every version that was acknowledged, in order, while the primary of the database dies."""

import asyncio

import httpx
import pytest

from service.background import deliveries, following
from service.settings import Settings
from tests.subscriptions.asking import goal, person, subscribed, subscription, with_status
from tests.subscriptions.receiver import Receiver
from tests.support.app import client_of
from tests.support.three_nodes import ThreeNodes

MOST = 500
PATIENCE = 40.0


async def test_no_event_is_lost_when_the_primary_dies(nodes: ThreeNodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "POLL", 0.05)
    monkeypatch.setattr(following, "POLL", 0.05)
    who, made, over = person(), [], asyncio.Event()

    async def write(client: httpx.AsyncClient) -> None:
        while not over.is_set() and len(made) < MOST:
            answer = await client.post("/Goal", json=goal(who))
            if answer.status_code == 201:
                made.append(answer.json()["id"])
            await asyncio.sleep(0.02)

    async with Receiver() as receiver:
        settings = Settings(
            mongodb_uri=nodes.uri, mongodb_database="test_durability_subscriptions", subscription_hosts=receiver.host
        )
        async with client_of(settings) as client:
            asked = await subscribed(client, subscription(receiver, f"Goal?patient={who}"))
            await with_status(client, asked, "active")
            writing = asyncio.create_task(write(client))
            await nodes.lose_primary()
            over.set()
            await writing
            await receiver.until(lambda each: {got.resource["id"] for got in each.events} >= set(made), PATIENCE)
            await client.delete(f"/Subscription/{asked['id']}")
    assert [each.number for each in receiver.events] == list(range(1, len(receiver.events) + 1))
    arrived = [each.resource["id"] for each in receiver.events]
    assert len(set(arrived)) == len(arrived)
    assert [each for each in arrived if each in made] == made
    sent = [each.number for each in receiver.received if each.kind == "event"]
    assert sent == sorted(sent)
