"""Claims that an interaction is there, on a type or on the whole system (CapabilityStatement.rest.interaction)."""

from collections.abc import Awaitable, Callable

from tests.interactions.claims.of_patches import patched_in_each_format
from tests.interactions.claims.world import REFUSED, World, address_of, changed, current

Attempt = Callable[[World, str, bool], Awaitable[None]]


async def read(world: World, name: str, claimed: bool) -> None:
    some = await world.existing(name)
    answer = await world.ask("GET", address_of(some), 200 if claimed else REFUSED)
    assert not claimed or answer.json()["id"] == some["id"]


async def vread(world: World, name: str, claimed: bool) -> None:
    some = await world.existing(name)
    version = some.get("meta", {}).get("versionId", "1")
    answer = await world.ask("GET", f"{address_of(some)}/_history/{version}", 200 if claimed else REFUSED)
    assert not claimed or answer.json() == some


async def create(world: World, name: str, claimed: bool) -> None:
    before = await world.count(name)
    answer = await world.ask("POST", name, 201 if claimed else REFUSED, json=await world.new(name))
    assert await world.count(name) == before + claimed
    if claimed:
        assert await world.read(address_of(answer.json())) == answer.json()


async def update(world: World, name: str, claimed: bool) -> None:
    if not claimed:
        some = await world.existing(name)
        await world.ask("PUT", address_of(some), REFUSED, json=some)
        assert await world.read(address_of(some)) == some
        return
    first = await world.stored(name)
    second = changed(first)
    answer = await world.ask("PUT", address_of(first), json=second, headers=current(first))
    assert answer.json()["meta"]["tag"] == second["meta"]["tag"]
    assert answer.json()["meta"]["versionId"] == "2"


async def patch(world: World, name: str, claimed: bool) -> None:
    if claimed:
        assert world.statement["patchFormat"], "a patch has a format"
    await patched_in_each_format(world, name, claimed)


async def delete(world: World, name: str, claimed: bool) -> None:
    if not claimed:
        some = await world.existing(name)
        await world.ask("DELETE", address_of(some), REFUSED)
        await world.ask("GET", address_of(some))
        return
    first = await world.stored(name)
    await world.ask("DELETE", address_of(first), 204, headers=current(first))
    await world.ask("GET", address_of(first), 410)


async def history_instance(world: World, name: str, claimed: bool) -> None:
    some = await world.existing(name)
    answer = await world.ask("GET", f"{address_of(some)}/_history", 200 if claimed else REFUSED)
    if claimed:
        assert answer.json()["type"] == "history"
        assert {entry["resource"]["id"] for entry in answer.json()["entry"] if "resource" in entry} == {some["id"]}


async def history_type(world: World, name: str, claimed: bool) -> None:
    answer = await world.ask("GET", f"{name}/_history?_count=5", 200 if claimed else REFUSED)
    if claimed:
        assert answer.json()["type"] == "history"
        assert {entry["request"]["url"].split("/")[0] for entry in answer.json()["entry"]} == {name}


async def search_type(world: World, name: str, claimed: bool) -> None:
    some = await world.existing(name)
    status = 200 if claimed else REFUSED
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    got = await world.ask("GET", f"{name}?_id={some['id']}", status)
    posted = await world.ask("POST", f"{name}/_search", status, content=f"_id={some['id']}", headers=form)
    assert not claimed or got.json() == posted.json()
    assert not claimed or [entry["resource"] for entry in got.json()["entry"]] == [some]


ON_A_TYPE: dict[str, Attempt] = {
    "read": read,
    "vread": vread,
    "create": create,
    "update": update,
    "patch": patch,
    "delete": delete,
    "history-instance": history_instance,
    "history-type": history_type,
    "search-type": search_type,
}
"""All that R4's value set type-restful-interaction has."""


async def _bundle(kind: str, world: World, claimed: bool) -> None:
    request = {"resourceType": "Bundle", "type": kind, "entry": [{"request": {"method": "GET", "url": "metadata"}}]}
    answer = await world.ask("POST", "", 200 if claimed else (400, 405, 422), json=request)
    assert not claimed or answer.json()["type"] == f"{kind}-response"


async def transaction(world: World, _name: str, claimed: bool) -> None:
    await _bundle("transaction", world, claimed)


async def batch(world: World, _name: str, claimed: bool) -> None:
    await _bundle("batch", world, claimed)


async def search_system(world: World, _name: str, claimed: bool) -> None:
    answer = await world.ask("GET", "?_count=1&_lastUpdated=gt2020", 200 if claimed else REFUSED)
    assert not claimed or answer.json()["type"] == "searchset"


async def history_system(world: World, _name: str, claimed: bool) -> None:
    answer = await world.ask("GET", "_history?_count=1", 200 if claimed else REFUSED)
    assert not claimed or answer.json()["type"] == "history"


ON_THE_SYSTEM: dict[str, Attempt] = {
    "transaction": transaction,
    "batch": batch,
    "search-system": search_system,
    "history-system": history_system,
}
"""All that R4's value set system-restful-interaction has."""
