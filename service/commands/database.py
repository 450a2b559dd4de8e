"""The database that a command works on: that of the settings, or else the embedded one in the data directory."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from service.embedded import EmbeddedMongo, served_uri
from service.settings import Settings
from service.store.driver import Driver
from service.store.server import check_address


def uri_of(settings: Settings, data: Path, stack: ExitStack) -> str:
    """Return the address of the database; the embedded one is started for ``stack`` unless a service runs it.

    Raises EmbeddedMongoError.
    """
    return settings.mongodb_uri or served_uri(data) or stack.enter_context(EmbeddedMongo(data)).uri


@asynccontextmanager
async def connected(settings: Settings, uri: str) -> AsyncIterator[Driver]:
    """Give the database at ``uri``; raises UnsuitableServer where the store cannot be served from there."""
    await check_address(uri)
    driver = Driver(settings.mongodb_driver, uri, settings.mongodb_database)
    try:
        yield driver
    finally:
        await driver.close()
