"""``recovery-plan import``: a backup, put into the store of these settings."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import click

from service.audit_files import make_key
from service.commands.backup.export import progress
from service.commands.backup.manifest import File, Manifest, WrongBackup, check_file, read_manifest
from service.commands.backup.reading import resources_of
from service.commands.commanded import commanded
from service.commands.database import uri_of
from service.commands.person.session import Session, opened, with_audit_of
from service.settings import read_settings
from service.store.backup_reading import AT_ONCE
from service.store.document import Stored
from service.store.restoring import Restoring, Versions


def restore_store(directory: Path, data: Path) -> None:
    """Put the backup in ``directory`` into the store, having found that it is whole and does not contradict the store.

    Raises WrongSetting, UnsuitableServer, EmbeddedMongoError, NewerFormatError, OutcomeError, WrongBackup or
    CannotRestore; before anything is written but where the database fails, or others write there.
    """
    directory = directory.resolve()
    manifest = _checked(directory)
    settings = read_settings()
    if settings.mongodb_uri is None and settings.audit_key is None and _is_new(data):
        make_key(data)  # as a service would, which is not to be started before
    settings = with_audit_of(settings, data)
    with ExitStack() as stack:
        uri = uri_of(settings, data, stack)

        async def run() -> None:
            async with opened(settings, uri) as session:
                await _Restore(session, directory, manifest).run()

        asyncio.run(run())


def _is_new(data: Path) -> bool:
    return not data.exists() or not any(data.iterdir())


def _checked(directory: Path) -> Manifest:
    """Return the manifest of a backup that is whole and unaltered; raises WrongBackup."""
    manifest = read_manifest(directory)
    if [file.type for file in manifest.current] != [file.type for file in manifest.versions]:
        raise WrongBackup(f"{directory} does not have two files of each type")
    files = [*manifest.current, *manifest.versions]
    with progress(sum(file.size for file in files), "Checking") as bar:
        for file in files:
            check_file(directory, file)
            bar.update(file.size)
    return manifest


class _Restore:
    def __init__(self, session: Session, directory: Path, manifest: Manifest) -> None:
        if unknown := [file.type for file in manifest.current if file.type not in session.types]:
            raise WrongBackup(f"{directory} has {', '.join(unknown)}, which this service does not store")
        self._session = session
        self._directory = directory
        self._manifest = manifest

    async def run(self) -> None:
        many = sum(file.count for file in self._manifest.versions)
        missing = 0
        with progress(many, "Comparing") as bar:
            for file in self._manifest.versions:
                for resources in self._resources(file):
                    missing += sum(map(len, await self._restoring(file).missing(resources)))
                    bar.update(sum(map(len, resources)))
        with progress(missing, "Restoring") as bar:
            for file in self._manifest.versions:
                for resources in self._resources(file):
                    bar.update(await self._restore(self._restoring(file), resources))
        click.echo(f"{many} versions in the backup, of which {missing} were restored", err=True)

    def _restoring(self, file: File) -> Restoring:
        return Restoring(self._session.driver, file.type, self._session.types[file.type])

    def _resources(self, file: File) -> Iterator[list[list[Stored]]]:
        found = resources_of(self._directory, self._manifest, file.type)
        while some := [*islice(found, AT_ONCE)]:
            yield some

    async def _restore(self, restoring: Restoring, resources: list[list[Stored]]) -> int:
        missing = await restoring.missing(resources)
        if missing:
            await self._record(missing)
            await restoring.restore(missing)
        return sum(map(len, missing))

    async def _record(self, missing: list[Versions]) -> None:
        """Return when it is recorded what is about to be stored."""
        if self._session.audit is not None:
            touched = [each for versions in missing for version in versions for each in version.changed]
            said = [("backup", str(self._directory)), ("transactionTime", self._manifest.at)]
            await self._session.audit.record(commanded("import", said, touched))
