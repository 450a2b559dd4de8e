"""What a client can export is what it may see, as it is now: neither more nor less, of all types and of people."""

import orjson
import pytest

from tests.security.answers import agree
from tests.security.clients import LIMITED, MASTER, WORKER_IN_RECORD, Someone
from tests.security.conftest import World
from tests.security.world import ANN, BEN
from tests.support.exports import ASYNC, Exported, export, kick_off, status
from tests.support.issuer import bearer


async def exported_by(world: World, someone: Someone, path: str = "/$export", **asked: str) -> Exported:
    return await export(world.whole, path, headers={**ASYNC, **someone.headers}, **asked)


def seen_now(world: World, someone: Someone) -> set[tuple[str, str, int]]:
    """Return the current versions that a client may see."""
    current = {(*key, len(versions)) for key, versions in world.versions.items() if versions[-1] is not None}
    return current & world.seen_by(someone)


def versions_in(exported: Exported) -> set[tuple[str, str, int]]:
    found = map(orjson.loads, exported.resources.values())
    return {(each["resourceType"], each["id"], int(each["meta"]["versionId"])) for each in found}


@pytest.mark.parametrize("someone", [MASTER, *LIMITED], ids=str)
async def test_an_export_has_what_its_client_may_see_and_nothing_else(world: World, someone: Someone) -> None:
    exported = await exported_by(world, someone, _since="2020-01-01")
    assert versions_in(exported) == seen_now(world, someone)
    assert exported.manifest["requiresAccessToken"] is True
    assert bool(exported.messages) == (someone.sight.clearances is not None), "REDACTED always, or never"
    if someone.sight.person == ANN:
        told = b"".join(exported.files.values()) + orjson.dumps(exported.manifest)
        assert BEN.encode() not in told


@pytest.mark.parametrize("someone", [MASTER, WORKER_IN_RECORD, LIMITED[-1]], ids=str)
async def test_what_is_about_people_is_within_that(world: World, someone: Someone) -> None:
    assert versions_in(await exported_by(world, someone, "/Patient/$export")) <= seen_now(world, someone)


async def test_a_type_that_is_not_for_the_client_is_refused_by_name_and_left_out_without(world: World) -> None:
    someone = next(each for each in LIMITED if each.name == "plans-only")
    answer = await kick_off(world.whole, headers={**ASYNC, **someone.headers}, _type="CarePlan,Goal")
    assert answer.status_code == 403
    assert answer.json()["issue"][0]["expression"] == ["http._type"]
    exported = await exported_by(world, someone)
    assert {item["type"] for item in exported.manifest["output"]} == {"CarePlan"}


@pytest.mark.parametrize("scopes", ["system/Goal.r", "system/Goal.s", "system/Goal.cud"])
async def test_it_takes_the_rights_to_read_and_to_search(world: World, scopes: str) -> None:
    headers = bearer(scopes, client_id="half", clearance="*")
    assert (await kick_off(world.whole, headers={**ASYNC, **headers})).status_code == 403


async def test_where_reading_and_searching_differ_it_has_what_both_are_for(world: World) -> None:
    scopes = f"system/CarePlan.r?_id={ANN}-plan,{BEN}-plan system/CarePlan.s?_id={BEN}-plan,{BEN}-part"
    half = Someone("both", scopes, MASTER.sight, {"clearance": "*"})
    assert (await exported_by(world, half)).names == {f"CarePlan/{BEN}-plan"}


async def test_a_job_is_for_its_client_alone_and_its_files_for_what_the_token_says_by_then(world: World) -> None:
    begun = await kick_off(world.whole, headers={**ASYNC, **MASTER.headers})
    address = begun.headers["content-location"]
    manifest = (await status(world.whole, address, MASTER.headers)).json()
    found: list[str] = []
    for someone in LIMITED:
        for url in (address, *(item["url"] for item in manifest["output"])):
            answer = await world.whole.get(url, headers=someone.headers)
            found += [] if answer.status_code == 404 else [f"{someone} {url}: {answer.status_code}"]
    agree(found)
    less = bearer("system/CarePlan.rs", client_id="master", sub="master", clearance="*")
    by_type = {item["type"]: item["url"] for item in manifest["output"]}
    assert (await world.whole.get(by_type["CarePlan"], headers=less)).status_code == 200
    refused = await world.whole.get(by_type["Goal"], headers=less)
    assert refused.status_code == 403
    in_record = bearer("patient/*.rs", client_id="master", sub="master", clearance="*", patient=ANN)
    assert BEN not in (await world.whole.get(by_type["CarePlan"], headers=in_record)).text
