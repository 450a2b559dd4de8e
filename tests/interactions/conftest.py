"""What tests of interactions share."""

from collections.abc import AsyncIterator

import httpx
import pytest

from service.settings import Settings
from tests.support.app import client_of


@pytest.fixture(scope="session")
async def shared_client(mongodb_uri: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of one service for the whole session: for tests that look only at what they have made themselves."""
    async with client_of(Settings(mongodb_uri=mongodb_uri, mongodb_database="test_shared")) as found:
        yield found
