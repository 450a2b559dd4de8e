"""Writers that meet: no write is lost, none is done twice, and who loses is told."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from service.settings import Settings
from tests.support.app import client_of

PLAN = {
    "resourceType": "CarePlan",
    "id": "a",
    "status": "active",
    "intent": "plan",
    "subject": {"reference": "Patient/1"},
}


async def history(client: httpx.AsyncClient, resource_id: str = "a") -> list[tuple[str, str]]:
    """Return version and title of all that the history shows, the newest first."""
    answer = await client.get(f"/CarePlan/{resource_id}/_history?_count=1000")
    shown = [entry["resource"] for entry in answer.json()["entry"]]
    assert answer.json()["total"] == len(shown)
    return [(item["meta"]["versionId"], item.get("title", "")) for item in shown]


async def test_racing_creates_by_id_give_one_created_and_the_others_an_update(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(client.put("/CarePlan/a", json=PLAN | {"title": str(n)}) for n in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 201]
    assert [version for version, _ in await history(client)] == ["2", "1"]


async def test_racing_updates_with_if_match_have_exactly_one_winner(client: httpx.AsyncClient) -> None:
    await client.put("/CarePlan/a", json=PLAN)
    held = {"If-Match": 'W/"1"'}
    tries = (client.put("/CarePlan/a", json=PLAN | {"title": str(n)}, headers=held) for n in range(10))
    answers = await asyncio.gather(*tries)
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 9
    (won,) = [answer.json()["title"] for answer in answers if answer.status_code == 200]
    assert await history(client) == [("2", won), ("1", "")]
    assert all(answer.json()["resourceType"] == "OperationOutcome" for answer in answers if answer.status_code == 412)


async def test_racing_updates_without_if_match_all_succeed_and_all_are_in_the_history(
    client: httpx.AsyncClient,
) -> None:
    await client.put("/CarePlan/a", json=PLAN)
    answers = await asyncio.gather(*(client.put("/CarePlan/a", json=PLAN | {"title": str(n)}) for n in range(10)))
    assert [answer.status_code for answer in answers] == [200] * 10
    shown = await history(client)
    assert [version for version, _ in shown] == [str(number) for number in range(11, 0, -1)]
    assert sorted(title for _, title in shown) == ["", *(str(number) for number in range(10))]
    assert dict(shown) == {"1": ""} | {answer.json()["meta"]["versionId"]: answer.json()["title"] for answer in answers}


async def test_racing_updates_and_deletions_leave_a_history_without_gaps(client: httpx.AsyncClient) -> None:
    await client.put("/CarePlan/a", json=PLAN)
    calls = [client.put("/CarePlan/a", json=PLAN | {"title": str(n)}) for n in range(5)]
    calls += [client.delete("/CarePlan/a") for _ in range(5)]
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} <= {200, 201, 204}
    entries = (await client.get("/CarePlan/a/_history?_count=100")).json()["entry"]
    etags = [entry["response"]["etag"] for entry in entries]
    assert etags == [f'W/"{number}"' for number in range(len(entries), 0, -1)]
    assert sorted(entry["resource"]["title"] for entry in entries[:-1] if "resource" in entry) == list("01234")


async def test_racing_transactions_on_one_record_are_all_done(client: httpx.AsyncClient) -> None:
    await client.put("/CarePlan/a", json=PLAN)

    def transaction(number: int) -> dict[str, object]:
        update = {"resource": PLAN | {"title": str(number)}, "request": {"method": "PUT", "url": "CarePlan/a"}}
        fresh = {"resource": PLAN | {"id": f"n{number}"}, "request": {"method": "PUT", "url": f"CarePlan/n{number}"}}
        return {"resourceType": "Bundle", "type": "transaction", "entry": [update, fresh]}

    answers = await asyncio.gather(*(client.post("", json=transaction(number)) for number in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    assert sorted(title for _, title in await history(client)) == ["", *"01234"]
    assert (await client.get("/CarePlan?_total=accurate&_count=0")).json()["total"] == 6


@pytest.mark.parametrize("step", [timedelta(0), timedelta(seconds=-1)])
async def test_last_modified_only_increases_whatever_the_clock_does(settings: Settings, step: timedelta) -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)

    def clock() -> datetime:
        nonlocal now
        now += step
        return now

    async with client_of(settings, clock=clock) as client:
        for number in range(4):
            await client.put("/CarePlan/a", json=PLAN | {"title": str(number)})
        entries = (await client.get("/CarePlan/a/_history")).json()["entry"]
    times = [entry["response"]["lastModified"] for entry in entries]
    assert times == sorted(set(times), reverse=True)
    assert [entry["resource"]["meta"]["lastUpdated"] for entry in entries] == times
