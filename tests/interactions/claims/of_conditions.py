"""Claims about versions and conditions (versioning, readHistory, updateCreate, conditional…)."""

from typing import Any

from tests.interactions.claims.world import REFUSED, Json, World, address_of, changed, current, own_tag

_JSON_PATCH = {"Content-Type": "application/json-patch+json"}


async def versioning(world: World, item: Json) -> None:
    name, claim = item["type"], item.get("versioning")
    if claim is None:
        answer = await world.ask("GET", address_of(await world.existing(name)))
        assert "etag" not in answer.headers
        return
    assert claim in ("versioned", "versioned-update")
    first = await world.stored(name)
    assert first["meta"]["versionId"] == "1"
    assert (await world.ask("GET", address_of(first))).headers["etag"] == 'W/"1"'
    if world.claims(name, "update"):
        without = await world.ask("PUT", address_of(first), (200, 400), json=changed(first))
        assert without.status_code == (400 if claim == "versioned-update" else 200)
        await world.ask("PUT", address_of(first), 412, json=changed(first), headers={"If-Match": 'W/"9"'})


async def read_history(world: World, item: Json) -> None:
    if not item.get("readHistory", False):
        assert not world.claims(item["type"], "vread")
        return
    first = await world.stored(item["type"])
    if world.claims(item["type"], "update"):
        await world.ask("PUT", address_of(first), json=changed(first), headers=current(first))
    assert await world.read(f"{address_of(first)}/_history/1") == first


async def update_create(world: World, item: Json) -> None:
    name, claimed = item["type"], item.get("updateCreate", False)
    content = await world.new(name)
    resource_id = content["meta"]["tag"][0]["code"]
    await world.ask("PUT", f"{name}/{resource_id}", 201 if claimed else REFUSED, json={**content, "id": resource_id})
    await world.ask("GET", f"{name}/{resource_id}", 200 if claimed else 404)


async def conditional_create(world: World, item: Json) -> None:
    name, claimed = item["type"], item.get("conditionalCreate", False)
    content = await world.new(name)
    for status in (201, 200):
        asked = {"json": content, "headers": {"If-None-Exist": own_tag(content)}}
        await world.ask("POST", name, status if claimed else (400, *REFUSED), **asked)
    assert not claimed or await world.count(f"{name}?{own_tag(content)}") == 1


async def conditional_read(world: World, item: Json) -> None:
    works = {"full-support": (304, 304), "modified-since": (304, 200), "not-match": (200, 304)}
    since, match = works.get(item.get("conditionalRead", "not-supported"), (200, 200))
    address = address_of(await world.existing(item["type"]))
    await world.ask("GET", address, since, headers={"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"})
    await world.ask("GET", address, match, headers={"If-None-Match": "*"})


async def conditional_update(world: World, item: Json) -> None:
    name, claimed = item["type"], item.get("conditionalUpdate", False)
    content = await world.new(name)
    address = f"{name}?{own_tag(content)}"
    made = await world.ask("PUT", address, 201 if claimed else (400, *REFUSED), json=content)
    if not claimed:
        return
    second = changed(content)
    answer = await world.ask("PUT", address, json=second, headers=current(made.json()))
    assert (answer.json()["id"], answer.json()["meta"]["versionId"]) == (made.json()["id"], "2")
    if world.claims(name, "patch"):  # R4 has no claim of its own for conditional patch
        patch = [{"op": "replace", "path": "/meta/tag/1/code", "value": "patched"}]
        patched = await world.ask("PATCH", address, json=patch, headers=_JSON_PATCH | current(answer.json()))
        assert patched.json()["meta"]["tag"][1]["code"] == "patched"


async def conditional_delete(world: World, item: Json) -> None:
    name, claim = item["type"], item.get("conditionalDelete", "not-supported")
    assert claim in ("not-supported", "single", "multiple")
    if claim == "not-supported":
        await world.ask("DELETE", f"{name}?_id=nobody", (400, *REFUSED))
        return
    content = await world.new(name)
    of_all = {"If-Match": "*"}
    for several in (1, 2):
        for _ in range(several):
            await world.stored(name, content)
        status = 204 if several == 1 or claim == "multiple" else 412
        await world.ask("DELETE", f"{name}?{own_tag(content)}", status, headers=of_all)
        assert await world.count(f"{name}?{own_tag(content)}") == (0 if status == 204 else several)


CONDITIONS: dict[str, Any] = {
    "versioning": versioning,
    "readHistory": read_history,
    "updateCreate": update_create,
    "conditionalCreate": conditional_create,
    "conditionalRead": conditional_read,
    "conditionalUpdate": conditional_update,
    "conditionalDelete": conditional_delete,
}
