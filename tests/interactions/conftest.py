"""What tests of interactions share."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from service.settings import Settings
from tests.support.app import client_of
from tests.support.five_ways import store_surroundings
from tests.support.resources import issues_of, problems, total

Refused = Callable[..., Awaitable[tuple[int, list[Any]]]]


@pytest.fixture(scope="session")
async def shared_client(mongodb_uri: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of one service for the whole session: for tests that look only at what they have made themselves."""
    async with client_of(Settings(mongodb_uri=mongodb_uri, mongodb_database="test_shared")) as found:
        yield found


@pytest.fixture(scope="session")
async def world(mongodb_uri: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of one service for the whole session that holds what resources with our profiles refer to."""
    async with client_of(Settings(mongodb_uri=mongodb_uri, mongodb_database="test_world")) as found:
        await store_surroundings(found)
        yield found


@pytest.fixture
def refused(shared_client: httpx.AsyncClient) -> Refused:
    """Return a function that sends a body in every way to store it, and gives status and issues of the answer."""

    async def send(resource_type: str, body: Any, new_id: str = "not-stored") -> tuple[int, list[Any]]:
        before = await total(shared_client)
        content = body if isinstance(body, (str, bytes)) else json.dumps(body)
        created = await shared_client.post(f"/{resource_type}", content=content)
        updated = await shared_client.put(f"/{resource_type}/{new_id}", content=content)
        assert updated.status_code >= 400, updated.text
        assert await total(shared_client) == before
        assert (await shared_client.get(f"/{resource_type}/{new_id}")).status_code == 404
        issues_of(created)
        return created.status_code, problems(created)

    return send
