"""A backup restores the bytes that it was made of, or nothing at all."""

import asyncio
import hashlib
import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result
from pymongo import MongoClient

from service.cli import main
from service.settings import Settings
from tests.support.app import client_of
from tests.support.resources import care_plan, goal, risk_assessment

Json = dict[str, Any]
HISTORIES = ("_history", "CarePlan/_history", "Goal/a/_history", "Goal/gone/_history", "Goal/back/_history")
"""What tells of several versions."""
VERSIONS = [f"Goal/{name}" for name in ("a", "gone", "back", "new")] + [
    f"Goal/{name}/_history/{number}" for name in ("a", "gone", "back") for number in (1, 2, 3, 4)
]


async def run(*arguments: str | Path, settings: Settings) -> Result:
    """Run a command of the service as a user does."""
    env = {"RECOVERY_MONGODB_URI": settings.mongodb_uri, "RECOVERY_MONGODB_DATABASE": settings.mongodb_database}
    return await asyncio.to_thread(CliRunner(env=env).invoke, main, list(map(str, arguments)))


async def write(client: httpx.AsyncClient) -> None:
    """Store what has all that a history can have: numbers in their digits, a patch, deletions, and what came back."""
    number = '{"resourceType":"Goal","id":"a","lifecycleStatus":"active","subject":{"reference":"Patient/example"},'
    measure = '"description":{"text":"Zwölf"},"target":[{"measure":{"text":"m"},"detailQuantity":{"value":%s}}]}'
    await client.put("Goal/a", content=number + measure % "0.80")
    await client.put("Goal/a", content=number + measure % "1e2")
    patch = [{"op": "replace", "path": "/lifecycleStatus", "value": "completed"}]
    await client.patch("Goal/a", json=patch, headers={"Content-Type": "application/json-patch+json"})
    for name in ("gone", "back"):
        await client.put(f"Goal/{name}", json=goal(id=name, subject={"reference": "Patient/ann"}))
        await client.delete(f"Goal/{name}")
    await client.put("Goal/back", json=goal(id="back"))
    await client.post("CarePlan", json=care_plan(goal=[{"reference": "Goal/a"}]))
    await client.put("RiskAssessment/r", json=risk_assessment(id="r"))


async def told(client: httpx.AsyncClient) -> dict[str, Any]:
    """Return all that a service answers about what was written."""
    found: dict[str, Any] = {}
    for path in VERSIONS:
        answer = await client.get(path)
        found[path] = (
            answer.status_code,
            answer.content,
            answer.headers.get("etag"),
            answer.headers.get("last-modified"),
        )
    for path in (*HISTORIES, "Goal", "CarePlan?goal=Goal/a", "RiskAssessment?patient=example"):
        found[path] = [json.dumps(entry) for entry in (await client.get(path)).json()["entry"]]
    return found


@pytest.fixture(scope="module")
def nothing_on_its_way() -> Iterator[None]:
    """Nothing is being written while tests export, so that there is no need to wait."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("service.store.state._ON_THE_WAY", timedelta())
        yield


@pytest.fixture(scope="module")
def settings(mongodb_uri: str) -> Settings:
    return Settings(mongodb_uri=mongodb_uri, mongodb_database="test_backup")


@pytest.fixture(scope="module")
async def written(settings: Settings, nothing_on_its_way: None, tmp_path_factory: Any) -> tuple[Path, Json, Json]:
    """What a service told, and a backup of it; the database is dropped afterwards."""
    directory = tmp_path_factory.mktemp("backup")
    async with client_of(settings) as client:
        await write(client)
        before = await told(client)
        result = await run("export", "--to", directory / "whole", settings=settings)
        assert result.exit_code == 0, result.output
        later = json.loads((directory / "whole" / "manifest.json").read_bytes())["transactionTime"]
        await client.put("Goal/a", json=goal(id="a"))
        await client.put("Goal/new", json=goal(id="new"))
        after = await told(client)
        options = ("--since", later, "--gzip", "--types", "Goal")
        result = await run("export", "--to", directory / "more", *options, settings=settings)
        assert result.exit_code == 0, result.output
        result = await run("export", "--to", directory / "bare", "--no-history", "--gzip", settings=settings)
        assert result.exit_code == 0, result.output
    return directory, before, after


async def test_what_was_exported_and_dropped_is_told_byte_for_byte_once_it_is_restored(
    written: tuple[Path, Json, Json], settings: Settings
) -> None:
    directory, before, after = written
    for _ in range(2):  # the second time nothing is missing
        result = await run("import", directory / "whole", settings=settings)
        assert result.exit_code == 0, result.output
    assert "of which 0 were restored" in result.output
    async with client_of(settings) as client:
        restored = await told(client)
        assert {path: restored[path] for path in before if restored[path] != before[path]} == {}
        result = await run("import", directory / "more", settings=settings)
        assert result.exit_code == 0, result.output
        restored = await told(client)
        assert {path: restored[path] for path in after if restored[path] != after[path]} == {}
        assert (await client.put("Goal/a", json=goal(id="a", lifecycleStatus="active"))).status_code == 200
        events = (await client.get("AuditEvent?entity=Goal/a&_count=100")).json()["entry"]
        commands = [each["resource"]["agent"] for each in events if "recovery-plan" in json.dumps(each)]
        assert commands
        await contradicted(directory / "whole", settings)


async def contradicted(backup: Path, settings: Settings) -> None:
    """Make sure that a store which has moved on is left alone, even where it lacks what the backup has."""
    with MongoClient(settings.mongodb_uri) as database:
        plans = database[settings.mongodb_database]["CarePlan"]
        plans.delete_many({})
        result = await run("import", backup, settings=settings)
        assert result.exit_code == 1
        assert "Goal/a" in result.output
        assert result.output.count("\n") == 1
        assert plans.count_documents({}) == 0


async def test_without_history_the_last_versions_are_restored(
    written: tuple[Path, Json, Json], settings: Settings
) -> None:
    directory, _, after = written
    result = await run("import", directory / "bare", settings=settings)
    assert result.exit_code == 0, result.output
    async with client_of(settings) as client:
        restored = await told(client)
    same = [path for path in VERSIONS if restored[path] == after[path]]
    assert {"Goal/a", "Goal/gone", "Goal/back", "Goal/new", "Goal/a/_history/4", "Goal/back/_history/3"} <= set(same)
    assert restored["Goal/a/_history/1"][0] == 404


def altered(text: bytes) -> bytes:
    return text.replace(b"example", b"exemple", 1)


def cut_off(text: bytes) -> bytes:
    return text[:-20]


@pytest.mark.parametrize("name", ["Goal.ndjson", "Goal.versions.ndjson", "manifest.json"])
@pytest.mark.parametrize("change", [altered, cut_off, None])
async def test_what_was_changed_is_refused_before_anything_is_written(
    written: tuple[Path, Json, Json], settings: Settings, tmp_path: Path, name: str, change: Any
) -> None:
    copy = shutil.copytree(written[0] / "whole", tmp_path / "copy")
    if change is None:
        (copy / name).unlink()
    elif name == "manifest.json" and change is altered:
        text = (copy / name).read_text()
        (copy / name).write_text(text.replace('"history": true', '"history": false'))
    else:
        (copy / name).write_bytes(change((copy / name).read_bytes()))
    result = await run("import", copy, settings=settings.model_copy(update={"mongodb_database": "test_backup_none"}))
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    with MongoClient(settings.mongodb_uri) as database:
        assert "test_backup_none" not in database.list_database_names()


async def test_a_backup_is_nobody_elses_to_read_and_lies_in_a_directory_of_its_own(
    written: tuple[Path, Json, Json], settings: Settings
) -> None:
    whole = written[0] / "whole"
    assert {path.stat().st_mode & 0o777 for path in whole.iterdir()} == {0o600}
    manifest = json.loads((whole / "manifest.json").read_bytes())
    for file in (*manifest["output"], *manifest["versions"]):
        body = (whole / file["url"]).read_bytes()
        assert (len(body), body.count(b"\n")) == (file["size"], file["count"])
        assert hashlib.sha256(body).hexdigest() == file["sha256"]
    result = await run("export", "--to", whole, settings=settings)
    assert result.exit_code == 1
    assert "not empty" in result.output


@pytest.mark.parametrize(
    ("options", "said"), [(("--since", "yesterday"), "instant"), (("--types", "Goal,Dog"), "Dog"), ((), "--to")]
)
async def test_wrong_options_are_told_in_one_line(
    settings: Settings, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    where = ("--to", str(tmp_path / "x")) if options else ()
    result = await run("export", *where, *options, settings=settings)
    assert result.exit_code == 2
    assert said in result.output
    assert result.output.count("\n") == 1
