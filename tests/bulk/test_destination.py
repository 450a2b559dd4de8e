"""Where the setting says so, files are written to a directory, recorded as they are written, and removed on demand."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from service.settings import Settings
from tests.bulk.conftest import stored
from tests.support.app import client_of
from tests.support.exports import Clock, kick_off, status
from tests.support.resources import Json, goal

NAMES = {f"written-{number}" for number in range(5)}


@pytest.fixture
async def writing(settings: Settings, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A service with a few goals that writes its exports to a directory."""
    clock = Clock()
    there = settings.model_copy(update={"export_to": f"file://{tmp_path}", "export_file_resources": 3})
    async with client_of(there, clock=clock) as client:
        for name in NAMES:
            await stored(client, f"Goal/{name}", goal())
        clock.settle()
        yield client


async def test_files_are_written_where_the_manifest_says(writing: httpx.AsyncClient, tmp_path: Path) -> None:
    address = (await kick_off(writing)).headers["content-location"]
    manifest = (await status(writing, address)).json()
    assert manifest["requiresAccessToken"] is False
    assert [len(lines_of(item, tmp_path)) for item in manifest["output"]] == [3, 2]
    lines = [line for item in manifest["output"] for line in lines_of(item, tmp_path)]
    assert {json.loads(line)["id"] for line in lines} == NAMES
    for name in NAMES:
        events = (await writing.get(f"/AuditEvent?entity=Goal/{name}&action=E")).json()
        assert events["total"] == 1, "it was disclosed once"
    assert (await writing.delete(address)).status_code == 202
    assert files_below(tmp_path) == []


def lines_of(item: Json, folder: Path) -> list[str]:
    file = Path(item["url"].removeprefix("file://"))
    assert folder in file.parents
    lines = file.read_text().splitlines()
    assert len(lines) == item["count"]
    return lines


def files_below(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.is_file()]
