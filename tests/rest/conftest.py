"""The services that the cases speak to: one for each kind of settings, for all cases."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest

from service.settings import Settings
from tests.support.app import client_of

SERVICES = {
    "usual": {},
    "strict": {"require_if_match": True},
    "small": {"max_bundle_entries": 3, "max_body_bytes": 4_000, "max_conditional_delete": 2},
}
"""The settings of each, apart from the database."""


@pytest.fixture(scope="package")
async def services(mongodb_uri: str) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """Clients of all services by the name of their kind."""
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(
                client_of(Settings(mongodb_uri=mongodb_uri, mongodb_database=f"test_rest_{name}", **settings))
            )
            for name, settings in SERVICES.items()
        }
