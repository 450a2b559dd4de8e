"""A service that holds the resources of this package."""

import itertools
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest

from service.settings import Settings
from tests.search.cases import EARLIER, NAMES, RESOURCES, STORED, entries_of
from tests.support.app import client_of


@pytest.fixture(autouse=True)
def addresses_of_any_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the client send addresses that it would itself refuse for their length."""
    monkeypatch.setattr("httpx._urlparse.MAX_URL_LENGTH", 10_000_000)


@pytest.fixture(scope="package")
async def world(mongodb_uri: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service with the resources as they are now; earlier versions and a deletion lie behind them."""
    settings = Settings(
        mongodb_uri=mongodb_uri,
        mongodb_database=f"test_{uuid.uuid4().hex[:12]}",
        base_url=NAMES["base"].removesuffix("/fhir/R4"),
        narrative="off",
    )
    records = (f"record-{number}" for number in itertools.count(1))
    async with client_of(settings, new_id=lambda: next(records)) as client:
        for file in [EARLIER, *(file for file in RESOURCES if file != EARLIER)]:
            stored = await client.post("", content=file.read_bytes())
            assert stored.status_code == 200, stored.text
            named = [entry["response"]["location"].partition("/_history")[0] for entry in stored.json()["entry"]]
            assert named == entries_of(file)
        for name in set(entries_of(EARLIER)) - set(STORED):
            assert (await client.delete(f"/{name}")).status_code in (200, 204)
        yield client
