"""What the tests of subscriptions send to the service."""

import asyncio
import itertools
from typing import Any

import httpx

from tests.subscriptions.receiver import Receiver

Json = dict[str, Any]
_numbers = itertools.count(1)


def subscription(receiver: Receiver, criteria: str, *, payload: bool = True, **members: Any) -> Json:
    """Return a Subscription of ``receiver``; ``header`` are lines to go with what it gets."""
    channel = {"type": "rest-hook", "endpoint": receiver.endpoint}
    channel |= {"payload": "application/fhir+json"} if payload else {}
    channel |= {"header": members.pop("header")} if "header" in members else {}
    made = {"resourceType": "Subscription", "status": "requested", "reason": "A monthly report"}
    return made | {"criteria": criteria, "channel": channel} | members


def goal(who: str = "ann", **members: Any) -> Json:
    made = {
        "resourceType": "Goal",
        "lifecycleStatus": "active",
        "description": {"text": f"goal {next(_numbers)}"},
        "subject": {"reference": f"Patient/{who}"},
    }
    return made | members


def person() -> str:
    """Return the id of a person whom nobody has asked for yet."""
    return f"sub-person-{next(_numbers)}"


async def subscribed(client: httpx.AsyncClient, asked: Json, headers: dict[str, str] | None = None) -> Json:
    """Return the Subscription that was stored."""
    answer = await client.post("/Subscription", json=asked, headers=headers)
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


async def stored(client: httpx.AsyncClient, resource: Json) -> Json:
    answer = await client.post(f"/{resource['resourceType']}", json=resource)
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


async def with_status(client: httpx.AsyncClient, asked: Json, status: str) -> Json:
    """Return a Subscription when it has ``status``."""
    async with asyncio.timeout(10):
        while True:
            found: Json = (await client.get(f"/Subscription/{asked['id']}")).json()
            if found["status"] == status:
                return found
            await asyncio.sleep(0.02)


async def ended(client: httpx.AsyncClient, *asked: Json) -> None:
    for each in asked:
        assert (await client.delete(f"/Subscription/{each['id']}")).status_code == 204


def names(receiver: Receiver) -> list[tuple[int, str, str]]:
    """Return number, id and version of what was acknowledged, in its order."""
    return [(each.number, each.resource["id"], each.resource["meta"]["versionId"]) for each in receiver.events]
