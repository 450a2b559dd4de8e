"""The script of the documentation exports, and exports again what has changed, from a service at an address."""

import asyncio
import runpy
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn

from service.app import create_app
from service.settings import Settings
from tests.bulk.conftest import NOW, Records

SCRIPT = Path(__file__).parents[2] / "docs" / "export.py"


@pytest.fixture
async def address(records: Records, mongodb_uri: str) -> AsyncIterator[str]:
    """Where the records are served."""
    settings = Settings(mongodb_uri=mongodb_uri, mongodb_database="test_bulk")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()  # who comes before the start waits for it
        server = uvicorn.Server(uvicorn.Config(create_app(settings, clock=records.clock), log_config=None))
        serving = asyncio.create_task(server.serve([listening]))
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/fhir/R4"
        server.should_exit = True
        await serving


async def test_it_exports_everything_and_then_what_has_changed(address: str, tmp_path: Path) -> None:
    export = runpy.run_path(str(SCRIPT))["export"]
    folder = tmp_path / "exported"
    await asyncio.to_thread(export, address, folder)
    (first,) = [each for each in folder.iterdir() if each.is_dir()]
    lines = [line for file in first.iterdir() for line in file.read_text().splitlines()]
    assert len(lines) == len(NOW)
    await asyncio.to_thread(export, address, folder)
    assert sum(1 for file in folder.glob("*/*.ndjson") if file.parent != first) == 0
