"""Commands that write a backup, and restore one."""

from datetime import UTC, datetime
from pathlib import Path

import click

from service.cli.command import Command, WrongValue, data_option, told_in_one_line

_data = data_option("Data directory of the service, with the embedded MongoDB and the key of the audit.")


@click.command(cls=Command)
@click.option(
    "--to",
    "directory",
    required=True,
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory to write to, which is made or empty.",
)
@click.option("--types", metavar="LIST", help="Only these types, such as CarePlan,Goal; by default all.")
@click.option("--since", metavar="MOMENT", help="Only what changed after this instant, such as 2026-11-01T09:30:00Z.")
@click.option("--history/--no-history", default=True, show_default=True, help="Whether earlier versions come, too.")
@click.option("--gzip", is_flag=True, help="Pack the files with gzip.")
@_data
def export(directory: Path, types: str | None, since: str | None, history: bool, gzip: bool, data: Path) -> None:
    """Write all resources to a directory: a backup, which `recovery-plan import` restores.

    Of each type there is an ndjson file of the current resources, as $export gives it, and one with a line for every
    version. All is as it was at one moment, whatever is written meanwhile; manifest.json tells that moment, which
    --since of the next export takes. Without history, deletions are kept as bare facts. The audit is not in it, nor is
    what only this service needs to run: see `recovery-plan audit export`.

    Safe while a service runs.
    """
    from service.commands.backup.export import Wanted, export_store
    from service.commands.backup.manifest import WrongBackup

    wanted = Wanted(tuple(types.split(",")) if types else (), _instant(since), history, gzip)
    with told_in_one_line(WrongBackup):
        export_store(directory, wanted, data)


@click.command("import", cls=Command)
@click.argument("directory", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_data
def import_(directory: Path, data: Path) -> None:
    """Restore a backup that `recovery-plan export` wrote: the same bytes under the same ids, versions and times.

    Counts and digests are checked, and that the store holds nothing else under any of the ids, before anything is
    written. What it holds already stays, so that a run that was stopped is gone on with by the next, and a backup made
    with --since is restored after the one before it. References are not followed and nothing is validated: what is
    restored was.

    To be run before services are started on the store: what they told of it before does not change.
    """
    from service.commands.backup.manifest import WrongBackup
    from service.commands.backup.restore import restore_store
    from service.store.restoring import CannotRestore

    with told_in_one_line(WrongBackup, CannotRestore):
        restore_store(directory, data)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise WrongValue(f"--since {text}: this is an instant such as 2026-11-01T09:30:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
