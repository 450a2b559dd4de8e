"""``recovery-plan reindex``: the store of these settings, indexed by today's definitions."""

import asyncio
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import click

from service.compiled import Compiled
from service.conformance.definitions import Definitions
from service.embedded import EmbeddedMongo
from service.fhir.versions import R4
from service.settings import Settings, read_settings
from service.store.driver import Driver
from service.store.open import prepare
from service.store.reindex import count_stale, reindex
from service.store.server import check_address


def reindex_store(data: Path) -> None:
    """Reindex the database that the settings name, or the embedded one in ``data``, showing how far it is."""
    settings = read_settings()
    with ExitStack() as stack:
        uri = settings.mongodb_uri or stack.enter_context(EmbeddedMongo(data)).uri
        asyncio.run(_reindex(settings, uri))


async def _reindex(settings: Settings, uri: str) -> None:
    await check_address(uri)
    compiled = Compiled(Definitions(R4), settings, lambda: datetime.now(UTC))
    driver = Driver(settings.mongodb_driver, uri, settings.mongodb_database)
    try:
        await prepare(driver, compiled.parameters_by_type)
        for name, indexed in compiled.indexed_types.items():
            length = await count_stale(driver, name, indexed)
            with click.progressbar(length=length, label=f"{name}: {length} to index") as bar:
                await reindex(driver, name, indexed, lambda bar=bar: bar.update(1))  # type: ignore[misc]
    finally:
        await driver.close()
