"""Exports that are asked for one since the other miss nothing, whatever is being written while they are made.

Writers change, delete and bring back the same few records, by themselves and in transactions, through two processes'
worth of service. Whoever replays the exports has in the end what an export of everything has, byte for byte.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from service.settings import Settings
from service.store import faults, state, transactions
from tests.support.app import client_of
from tests.support.exports import Clock, Exported, export, replayed
from tests.support.resources import care_plan, entry, goal, new_urn, send, transaction

LINKS = 2
"""Exports in a chain that bring something while writers write; there are more where that takes no time."""
SECONDS = 3.0
"""That writers write at least."""
WRITERS = 6
NAMES = [f"shared-{number}" for number in range(24)]
PATHS = ("/$export", "/Patient/$export")


@pytest.fixture
def soon_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give writes a second instead of fifteen, and two to become seen, so that what is settled is not long ago."""
    monkeypatch.setattr(faults, "LONGEST_WRITE", 1)
    monkeypatch.setattr(transactions, "LONGEST_ATTEMPT", 0.7)
    monkeypatch.setattr(state, "_ON_THE_WAY", timedelta(seconds=2))


@pytest.fixture
async def two(settings: Settings, soon_settled: None) -> AsyncIterator[tuple[Clock, list[httpx.AsyncClient]]]:
    """Two services on one database, by one clock."""
    clock = Clock()
    few = settings.model_copy(update={"export_file_resources": 60, "audit": "off"})
    async with client_of(few, clock=clock) as one, client_of(few, clock=clock) as other:
        yield clock, [one, other]


async def test_what_is_replayed_is_what_there_is(two: tuple[Clock, list[httpx.AsyncClient]]) -> None:
    clock, clients = two
    chains: dict[str, list[Exported]] = {path: [] for path in PATHS}
    enough = asyncio.Event()
    writing = [asyncio.create_task(write(clients[number % 2], number, enough)) for number in range(WRITERS)]
    begun = asyncio.get_running_loop().time()
    while not enough.is_set():
        following = (follow(clients[len(path) % 2], path, chain) for path, chain in chains.items())
        whole, *_ = await asyncio.gather(export(clients[0], PATHS[0]), *following)
        assert whole.resources is not None, "each file has as many lines as the manifest says"
        if asyncio.get_running_loop().time() > begun + SECONDS and min(map(telling, chains.values())) >= LINKS:
            enough.set()
    written = sum(await asyncio.gather(*writing))
    clock.settle()
    for path, chain in chains.items():
        await follow(clients[0], path, chain)
        whole = await export(clients[1], path)
        assert replayed(chain) == whole.resources
        told = sum(len(each.resources) + len(each.deleted) for each in chain)
        assert written > told > len(whole.resources) > 0, "the chain was no test"
        assert telling(chain) > LINKS, "the chain was no test"
    assert {name for name in whole.names if name.startswith("Goal/")} == await goals_found(clients[0])


async def goals_found(client: httpx.AsyncClient) -> set[str]:
    """Return ``Goal/id`` of every goal, as a search finds them page by page."""
    found: set[str] = set()
    address: str | None = "/Goal?_count=1000&_elements=id"
    while address:
        bundle = (await client.get(address)).json()
        found |= {f"Goal/{each['resource']['id']}" for each in bundle["entry"]}
        address = next((each["url"] for each in bundle["link"] if each["relation"] == "next"), None)
    return found


def telling(chain: list[Exported]) -> int:
    """Return how many of the exports brought something."""
    return sum(bool(each.names) for each in chain)


async def follow(client: httpx.AsyncClient, path: str, chain: list[Exported]) -> None:
    """Add to a chain of exports the next one."""
    since = {"_since": chain[-1].moment} if chain else {}
    chain.append(await export(client, path, **since))


async def write(client: httpx.AsyncClient, number: int, enough: asyncio.Event) -> int:
    """Write at random until it is enough, and return how many writes were acknowledged."""
    chance = random.Random(number)
    done = 0
    while not enough.is_set():
        name = chance.choice(NAMES)
        text = {"text": f"{number}-{done}"}
        match chance.randrange(6):
            case 0:
                answer = await client.post("/Goal", json=goal(description=text))
            case 1 | 2:
                answer = await client.put(f"/Goal/{name}", json=goal(id=name, description=text))
            case 3:
                answer = await client.delete(f"/Goal/{name}")
            case 4:
                answer = await client.put(f"/CarePlan/{name}", json=care_plan(id=name, title=text["text"]))
            case _:
                urn, other = new_urn(), chance.choice(NAMES)
                bundle = transaction(
                    entry("POST", "Goal", goal(description=text), urn),
                    entry("PUT", f"CarePlan/{name}", care_plan(id=name, goal=[{"reference": urn}])),
                    entry("DELETE", f"Goal/{other}"),
                )
                answer = await send(client, bundle)
        assert answer.status_code in (200, 201, 204, 409, 412, 503), answer.text
        done += answer.is_success
    return done
