"""``recovery-plan reindex``: the store of these settings, indexed by today's definitions."""

import asyncio
import gc
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import click

from service.commands.database import connected, uri_of
from service.compiled import Compiled
from service.conformance.definitions import Definitions
from service.fhir.versions import R4
from service.settings import Settings, read_settings
from service.store.document import IndexedType
from service.store.driver import Driver
from service.store.open import prepare
from service.store.reindex import count_stale, reindex


def reindex_store(data: Path) -> None:
    """Reindex the database that the settings name, or the embedded one in ``data``, showing how far it is.

    The embedded one is started, unless a service runs it.

    Raises WrongSetting, UnsuitableServer, EmbeddedMongoError, NewerFormatError or CannotReindex, each with one line.
    """
    settings = read_settings()
    gc.set_threshold(50_000, 20, 50)  # a batch makes many objects and hardly a cycle
    with ExitStack() as stack:
        asyncio.run(reindex_database(settings, uri_of(settings, data, stack), Definitions(R4)))


async def reindex_database(settings: Settings, uri: str, definitions: Definitions) -> None:
    """Index every resource at ``uri`` by ``definitions``; raises as ``reindex_store`` does."""
    async with connected(settings, uri) as driver:
        compiled = Compiled(definitions, settings, lambda: datetime.now(UTC))
        await prepare(driver, compiled.indexed_types, click.echo)
        for name, indexed in compiled.indexed_types.items():
            await _reindex_type(driver, name, indexed)


async def _reindex_type(driver: Driver, name: str, indexed: IndexedType) -> None:
    every = await driver.collection(name).estimated_document_count()
    stale = await count_stale(driver, name, indexed)
    label = f"{name}: {stale} of {every} to index"
    begin = time.monotonic()
    with click.progressbar(length=stale, label=label, show_pos=True) as bar:
        await reindex(driver, name, indexed, bar.update)
    if stale:
        click.echo(f"{name}: {stale / (time.monotonic() - begin):.0f} a second")
