"""An export that is under way when its worker is killed and the primary dies: it is gone on with, and is whole."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson

from service.settings import Settings
from service.store.jobs import LEASE
from tests.durability.conftest import DATABASE
from tests.security.holding import service
from tests.support.exports import ASYNC, PATIENCE, kick_off
from tests.support.processes import Processes
from tests.support.resources import Json, entry, goal, send, transaction
from tests.support.three_nodes import ThreeNodes

NAMES = [f"exported-{number:03}" for number in range(60)]
SLOW = {"namespace": f"{DATABASE}.Goal", "blockConnection": True, "blockTimeMS": 1_500}
_LONG_AGO = timedelta(minutes=10)


async def test_it_is_done_by_another_and_its_files_stay_what_they_are(nodes: ThreeNodes, processes: Processes) -> None:
    settings = Settings(mongodb_uri=nodes.uri, mongodb_database=DATABASE)
    async with service(settings, clock=lambda: datetime.now(UTC) - _LONG_AGO) as before:
        await write(before, "at first")
    async with processes.clients() as (one, other):
        async with nodes.failing("aggregate", times=3, **SLOW) as point:
            begun = await kick_off(one, _typeFilter="Goal?_tag=urn:tags|exported", _type="Goal")
            assert begun.status_code == 202, begun.text
            await point.entered()  # the process that was asked is at it
            processes.kill(0)
            assert [each["state"] async for each in jobs_in(nodes).find({})] == ["running"]
        address = httpx.URL(begun.headers["content-location"]).path.removeprefix("/fhir/R4")
        await let_leases_lapse(nodes)
        await asyncio.gather(processes.start_again(0), nodes.lose_primary())
        (item,) = orjson.loads(await told(other, address))["output"]
        path = httpx.URL(item["url"]).path.removeprefix("/fhir/R4")
        content = await told(other, path)
        found = [orjson.loads(line) for line in content.splitlines()]
        assert [each["id"] for each in found] == NAMES
        assert {each["description"]["text"] for each in found} == {"at first"}
        await write(other, "later")
        assert await told(one, path) == await told(other, path) == content


async def write(client: httpx.AsyncClient, text: str) -> None:
    """Let each goal be a version that says ``text``."""
    resources = [tagged(goal(id=name, description={"text": text})) for name in NAMES]
    answer = await send(client, transaction(*(entry("PUT", f"Goal/{each['id']}", each) for each in resources)))
    assert answer.status_code == 200, answer.text


def tagged(resource: Json) -> Json:
    return {**resource, "meta": {"tag": [{"system": "urn:tags", "code": "exported"}]}}


async def let_leases_lapse(nodes: ThreeNodes) -> None:
    """Make it be longer ago than a lease that any claim was renewed."""
    await jobs_in(nodes).update_many({}, {"$set": {"renewed": datetime.now(UTC) - timedelta(seconds=LEASE + 1)}})


def jobs_in(nodes: ThreeNodes) -> Any:
    return nodes.client[DATABASE]["jobs"]


async def told(client: httpx.AsyncClient, path: str) -> bytes:
    """Return what is answered in the end with 200, however often it is not there yet or breaks off."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while True:
        assert asyncio.get_running_loop().time() < deadline
        try:
            answer = await client.get(path, headers=ASYNC)
        except httpx.HTTPError:
            continue
        if answer.status_code == 200:
            return answer.content
        assert answer.status_code in (202, 503), answer.text
        await asyncio.sleep(0.1)
