"""Commands that look after the audit."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click

from service.cli.command import Command, data_option, told_in_one_line


@click.group()
def audit() -> None:
    """Look after the log of who asked for what and saw what.

    It needs RECOVERY_AUDIT_KEY, or the key that `recovery-plan serve` keeps in the data directory.
    """


_DATA = data_option(
    "Data directory of the service: key, heads and embedded MongoDB, unless the settings say otherwise."
)
_SINCE = click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    metavar="MOMENT",
    help="Only what was recorded since this date, or date and time, in UTC.",
)


@audit.command(cls=Command)
@_DATA
@click.option(
    "--heads",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Directory of the heads, or of a copy kept elsewhere.",
)
@_SINCE
def verify(data: Path, heads: Path | None, since: datetime | None) -> None:
    """Tell what was altered, removed or cut off, a line for each; ends with 1 if there is any.

    Safe while a service runs.
    """
    from service.commands.audit import verify_audit

    with told_in_one_line():
        if verify_audit(data, heads, _in_utc(since)):
            sys.exit(1)


@audit.command(cls=Command)
@_DATA
@click.option(
    "--to", "target", default="-", type=click.File("wb"), metavar="FILE", help="Where to write; default stdout."
)
@_SINCE
def export(data: Path, target: BinaryIO, since: datetime | None) -> None:
    """Write the AuditEvents as ndjson, the oldest first."""
    from service.commands.audit import export_audit

    with told_in_one_line():
        export_audit(data, target, _in_utc(since))


@audit.command(cls=Command)
@_DATA
@click.option("--days", type=click.FloatRange(min=0, min_open=True), help="Days to keep; default RECOVERY_AUDIT_DAYS.")
def prune(data: Path, days: float | None) -> None:
    """Remove what is older than RECOVERY_AUDIT_DAYS, as a running service does once a day.

    What was altered is not removed but told; then this ends with 1.
    """
    from service.commands.audit import prune_audit

    with told_in_one_line():
        if prune_audit(data, days):
            sys.exit(1)


def _in_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
