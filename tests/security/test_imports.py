"""An import can do what its client can do line by line, and what became of it nobody else is told."""

import asyncio
from typing import Any

import httpx
import orjson
import pytest

from tests.security.clients import LIMITED, MASTER, WORKER_IN_RECORD, Someone
from tests.security.conftest import World
from tests.security.world import ANN, BEN, goal, plan, risk, with_labels
from tests.support.issuer import bearer

_NDJSON = {"Content-Type": "application/fhir+ndjson"}


async def imported(client: httpx.AsyncClient, someone: Someone, *resources: dict[str, Any]) -> httpx.Response:
    """Return what is told of an import once it is done."""
    body = b"\n".join(map(orjson.dumps, resources))
    started = await client.post("/$import", content=body, headers={**someone.headers, **_NDJSON})
    assert started.status_code == 202, started.text
    async with asyncio.timeout(60):
        while True:
            answer = await client.get(started.headers["content-location"], headers=someone.headers)
            if answer.status_code != 202:
                return answer
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "someone", [each for each in LIMITED if each.name in ("worker-in-record", "ann", "system-in-record")], ids=str
)
async def test_a_line_can_do_no_more_than_an_update(world: World, someone: Someone) -> None:
    before = await world.now()
    theirs = [
        goal(f"{BEN}-goal", ANN),
        plan(f"{BEN}-gone", ANN),
        plan(f"{ANN}-plan", BEN),
        goal("of-their-choice", BEN),
        risk(f"{BEN}-risk", BEN),
        with_labels(goal(f"{ANN}-goal", BEN), "V"),
    ]
    updates = [
        await world.whole.put(f"/{each['resourceType']}/{each['id']}", json=each, headers=someone.headers)
        for each in theirs
    ]
    (errors,) = (await imported(world.whole, someone, *theirs)).json()["error"]
    lines = (await world.whole.get(errors["url"], headers=someone.headers)).text.splitlines()
    told = [[issue["details"] for issue in orjson.loads(line)["issue"]] for line in lines]
    assert told == [[issue["details"] for issue in update.json()["issue"]] for update in updates]
    assert await world.now() == before


async def test_who_may_not_update_may_not_import(world: World) -> None:
    (reader,) = [each for each in LIMITED if each.name == "plans-only"]
    answer = await world.whole.post("/$import", content=b"{}", headers={**reader.headers, **_NDJSON})
    assert answer.status_code == 403


async def test_a_job_is_there_for_who_asked_for_it_alone(world: World) -> None:
    answer = await imported(world.whole, WORKER_IN_RECORD, goal(f"{ANN}-goal", ANN, id="no id"))
    address = str(answer.url)
    (errors,) = answer.json()["error"]
    others = [
        *(each.headers for each in (MASTER, *LIMITED) if each is not WORKER_IN_RECORD),
        bearer(MASTER.scopes, client_id=WORKER_IN_RECORD.name, sub="another", clearance="*"),
        bearer(MASTER.scopes, client_id="another", sub=WORKER_IN_RECORD.name, clearance="*"),
    ]
    for headers in others:
        for method, url in (("GET", address), ("GET", errors["url"]), ("DELETE", address)):
            refused = await world.whole.request(method, url, headers=headers)
            never = await world.whole.request(method, url.replace("$job/", "$job/0"), headers=headers)
            assert (refused.status_code, refused.content) == (404, never.content)
    assert (await world.whole.delete(address, headers=WORKER_IN_RECORD.headers)).status_code == 202
