"""``recovery-plan export``: the store of these settings, written to a directory."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from service.commands.backup.manifest import File, Manifest, WrongBackup
from service.commands.backup.writing import WritingFile, made_directory, version_line
from service.commands.commanded import commanded
from service.commands.database import uri_of
from service.commands.person.session import Session, opened, with_audit_of
from service.fhir.datetimes import instant
from service.settings import WrongSetting, read_settings
from service.store.backup_reading import BackupReading, newest_after
from service.store.document import Stored


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be exported."""

    types: tuple[str, ...]
    """Empty for all."""
    since: datetime | None
    history: bool
    gzip: bool

    @property
    def said(self) -> list[tuple[str, str]]:
        """What the audit says of it."""
        since = [("since", instant(self.since))] if self.since else []
        return [*(("types", name) for name in self.types), *since, ("history", str(self.history).lower())]


def export_store(directory: Path, wanted: Wanted, data: Path) -> None:
    """Write what is ``wanted`` to a new ``directory``.

    Raises WrongSetting, UnsuitableServer, EmbeddedMongoError, NewerFormatError, OutcomeError or WrongBackup.
    """
    settings = with_audit_of(read_settings(), data)
    directory = made_directory(directory)
    with ExitStack() as stack:
        uri = uri_of(settings, data, stack)

        async def run() -> None:
            async with opened(settings, uri) as session:
                await _Export(session, directory, wanted).run()

        asyncio.run(run())


class _Export:
    def __init__(self, session: Session, directory: Path, wanted: Wanted) -> None:
        known = session.context.definitions.stored_types  # a Subscription holds rights of a client, and no record
        if unknown := set(wanted.types).difference(known):
            raise WrongSetting(f"--types {', '.join(sorted(unknown))}: there are {', '.join(known)}")
        self._session = session
        self._directory = directory
        self._wanted = wanted
        self._types = dict.fromkeys(wanted.types or known)

    async def run(self) -> None:
        at = await self._moment()
        reading = BackupReading(self._session.driver, at, self._wanted.since, history=self._wanted.history)
        current: list[File] = []
        versions: list[File] = []
        try:
            for name in self._types:
                one, other = await self._export(name, reading)
                current.append(one)
                versions.append(other)
            since = instant(self._wanted.since) if self._wanted.since else None
            manifest = Manifest(instant(at), since, self._wanted.history, tuple(current), tuple(versions))
            manifest.write(self._directory)
        except OSError as error:
            raise WrongBackup(f"{self._directory} cannot be written to: {error.strerror}") from error
        told = sum(file.count for file in current), sum(file.count for file in versions)
        click.echo(f"{told[0]} resources, {told[1]} versions, as at {instant(at)}: {self._directory}", err=True)

    async def _moment(self) -> datetime:
        """Return the moment to export, which is now where nothing that was written lately can still be on its way."""
        store = self._session.context.store
        settled = await store.settled()
        found = [await newest_after(self._session.driver, name, settled) for name in self._types]
        newest = max((moment for moment in found if moment), default=settled)
        if newest > settled:
            click.echo("Waiting until what was written just now is settled…", err=True)
        while settled < newest:
            await asyncio.sleep((newest - settled).total_seconds())
            settled = await store.settled()
        return settled

    async def _export(self, name: str, reading: BackupReading) -> tuple[File, File]:
        packed = self._wanted.gzip
        current = WritingFile(self._directory, name, f"{name}.ndjson", packed=packed)
        versions = WritingFile(self._directory, name, f"{name}.versions.ndjson", packed=packed)
        many = await self._session.driver.collection(name).estimated_document_count()
        with progress(many, name) as bar:
            async for resources in reading.resources(name):
                await self._record(resources)
                current.add(one[-1].body for one in resources if one[-1].body is not None)
                versions.add(
                    version_line(version, with_resource=version is not one[-1]) for one in resources for version in one
                )
                bar.update(len(resources))
        return current.closed(), versions.closed()

    async def _record(self, resources: Sequence[Sequence[Stored]]) -> None:
        """Return when it is recorded what is about to be disclosed."""
        touched = [each for one in resources for version in one for each in version.touched]
        if self._session.audit is not None and touched:
            await self._session.audit.record(commanded("export", self._wanted.said, touched))


def progress(length: int, label: str) -> Any:
    """Return a progress bar, which is shown to people alone."""
    return click.progressbar(length=length, label=label, file=sys.stderr, show_pos=True, hidden=not sys.stderr.isatty())
