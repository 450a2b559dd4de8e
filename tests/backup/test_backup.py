"""A backup restores the bytes that it was made of, or nothing at all."""

import asyncio
import hashlib
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result
from pymongo import AsyncMongoClient

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


@dataclass(frozen=True)
class Made:
    """A service, backups of what it held, and what it told when each of them was made."""

    client: httpx.AsyncClient
    settings: Settings
    directory: Path
    before: Json
    after: Json

    async def lose_everything(self) -> None:
        """Remove every document; that a dropped database gets its indexes anew is tested elsewhere."""
        async with AsyncMongoClient(self.settings.mongodb_uri) as server:
            database = server[self.settings.mongodb_database]
            for name in await database.list_collection_names():
                await database[name].delete_many({})

    async def restored(self, backup: str) -> Json:
        """Restore a backup, and return what the service tells."""
        result = await run("import", self.directory / backup, settings=self.settings)
        assert result.exit_code == 0, result.output
        return await told(self.client)


@pytest.fixture(scope="module")
async def made(
    settings: Settings, nothing_on_its_way: None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Made]:
    directory = tmp_path_factory.mktemp("backup")
    async with client_of(settings) as client:

        async def export(name: str, *options: str) -> Json:
            result = await run("export", "--to", directory / name, *options, settings=settings)
            assert result.exit_code == 0, result.output
            manifest: Json = json.loads((directory / name / "manifest.json").read_bytes())
            return manifest

        await write(client)
        before = await told(client)
        moment = (await export("whole"))["transactionTime"]
        await client.put("Goal/a", json=goal(id="a"))
        await client.put("Goal/new", json=goal(id="new"))
        await export("more", "--since", moment, "--gzip", "--types", "Goal")
        await export("bare", "--no-history", "--gzip")
        yield Made(client, settings, directory, before, await told(client))


def differences(one: Json, other: Json) -> dict[str, Any]:
    return {path: (one[path], other[path]) for path in one if one[path] != other[path]}


async def test_what_was_exported_and_lost_is_told_byte_for_byte_once_it_is_restored(made: Made) -> None:
    await made.lose_everything()
    assert differences(made.before, await made.restored("whole")) == {}
    assert differences(made.before, await made.restored("whole")) == {}  # what is there already is left
    assert differences(made.after, await made.restored("more")) == {}
    events = (await made.client.get("AuditEvent?entity=Goal/a&_count=100")).json()["entry"]
    assert any("recovery-plan" in json.dumps(each["resource"]["agent"]) for each in events)


async def test_a_data_directory_that_is_new_is_restored_into(made: Made, tmp_path: Path) -> None:
    """It has no key of the audit yet, and no service is to be started there before."""
    env = {"RECOVERY_MONGODB_URI": None, "RECOVERY_AUDIT_KEY": None, "RECOVERY_AUDIT_HEADS": None}
    arguments = ["import", str(made.directory / "whole"), "--data", str(tmp_path / "new")]
    result = await asyncio.to_thread(CliRunner(env=env).invoke, main, arguments)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "new" / "audit.key").stat().st_mode & 0o777 == 0o600


async def test_a_backup_has_records_and_no_subscriptions(made: Made) -> None:
    manifest = json.loads((made.directory / "whole" / "manifest.json").read_bytes())
    assert [file["type"] for file in manifest["output"]] == ["CarePlan", "Goal", "RiskAssessment", "Provenance"]


async def test_without_history_the_last_versions_are_restored(made: Made) -> None:
    await made.lose_everything()
    restored = await made.restored("bare")
    same = {path for path in VERSIONS if restored[path] == made.after[path]}
    assert {"Goal/a", "Goal/gone", "Goal/back", "Goal/new", "Goal/a/_history/4", "Goal/back/_history/3"} <= same
    assert restored["Goal/a/_history/1"][0] == 404


async def test_a_store_that_has_moved_on_is_left_alone_even_where_it_lacks_what_the_backup_has(made: Made) -> None:
    await made.lose_everything()
    await made.client.put("Goal/gone", json=goal(id="gone"))
    result = await run("import", made.directory / "whole", settings=made.settings)
    assert result.exit_code == 1
    assert "Goal/gone/_history/1" in result.output
    assert result.output.count("\n") == 1
    assert (await made.client.get("CarePlan?_summary=count")).json()["total"] == 0
    assert (await made.client.get("Goal?_summary=count")).json()["total"] == 1


def altered(text: bytes) -> bytes:
    return text.replace(b"example", b"exemple", 1)


def cut_off(text: bytes) -> bytes:
    return text[:-20]


@pytest.mark.parametrize("name", ["Goal.ndjson", "Goal.versions.ndjson", "manifest.json"])
@pytest.mark.parametrize("change", [altered, cut_off, None])
async def test_what_was_changed_is_refused_before_anything_is_written(
    made: Made, tmp_path: Path, name: str, change: Any
) -> None:
    copy = shutil.copytree(made.directory / "whole", tmp_path / "copy")
    if change is None:
        (copy / name).unlink()
    elif name == "manifest.json" and change is altered:
        text = (copy / name).read_text()
        (copy / name).write_text(text.replace('"history": true', '"history": false'))
    else:
        (copy / name).write_bytes(change((copy / name).read_bytes()))
    none = made.settings.model_copy(update={"mongodb_database": "test_backup_none"})
    result = await run("import", copy, settings=none)
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    async with AsyncMongoClient(none.mongodb_uri) as server:
        assert none.mongodb_database not in await server.list_database_names()


async def test_a_backup_is_nobody_elses_to_read_and_lies_in_a_directory_of_its_own(
    made: Made,
) -> None:
    whole = made.directory / "whole"
    assert {path.stat().st_mode & 0o777 for path in whole.iterdir()} == {0o600}
    manifest = json.loads((whole / "manifest.json").read_bytes())
    for file in (*manifest["output"], *manifest["versions"]):
        body = (whole / file["url"]).read_bytes()
        assert (len(body), body.count(b"\n")) == (file["size"], file["count"])
        assert hashlib.sha256(body).hexdigest() == file["sha256"]
    result = await run("export", "--to", whole, settings=made.settings)
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
