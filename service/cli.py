"""The command line: ``recovery-plan``."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click

# Commands import what they run: `--help` and a wrong option answer at once, without the web framework.


class _WrongValue(click.ClickException):
    exit_code = 2


class _Command(click.Command):
    """A command that tells a wrong option in one line, without the usage above it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise _WrongValue(error.format_message()) from error


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="recovery-plan-service")
def main() -> None:
    """A FHIR server for co-produced mental-health recovery plans."""


@main.command(cls=_Command)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one."
)
@click.option(
    "--data",
    default=Path("./var"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Directory of the embedded MongoDB.",
)
@click.option(
    "--samples",
    default=True,
    show_default="yes",
    type=click.BOOL,
    metavar="yes|no",
    help="Load the sample plans once into the embedded MongoDB.",
)
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Processes that answer requests.",
)
def serve(host: str, port: int, data: Path, samples: bool, workers: int) -> None:
    """Serve in the foreground until Ctrl-C.

    Without RECOVERY_MONGODB_URI an embedded MongoDB is started in the data directory and stopped with the
    service. With it, nothing embedded is started and no sample plan is loaded.
    """
    from service.embedded import EmbeddedMongoError
    from service.serve import CannotServe, Options
    from service.serve import serve as run
    from service.settings import WrongSetting
    from service.store.open import NewerFormatError
    from service.store.server import UnsuitableServer

    try:
        run(Options(host=host, port=port, data=data, samples=samples, workers=workers))
    except WrongSetting as error:
        raise _WrongValue(str(error)) from error
    except UnsuitableServer as error:
        raise click.ClickException(f"RECOVERY_MONGODB_URI: {error}") from error
    except (CannotServe, EmbeddedMongoError, NewerFormatError) as error:
        raise click.ClickException(str(error)) from error


@main.command(cls=_Command)
@click.option(
    "--data",
    default="./var",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Directory of the embedded MongoDB; not used where RECOVERY_MONGODB_URI is set.",
)
def reindex(data: Path) -> None:
    """Index anew what other definitions have indexed, after an update of the service or with a new search parameter.

    Safe while a service runs on the same database. A run that was stopped is gone on with by the next.
    """
    from service.embedded import EmbeddedMongoError
    from service.reindex import reindex_store
    from service.settings import WrongSetting
    from service.store.open import NewerFormatError
    from service.store.reindex import CannotReindex
    from service.store.server import UnsuitableServer

    try:
        reindex_store(data)
    except WrongSetting as error:
        raise _WrongValue(str(error)) from error
    except (UnsuitableServer, EmbeddedMongoError, NewerFormatError, CannotReindex) as error:
        raise click.ClickException(str(error)) from error


@main.command(cls=_Command)
@click.option(
    "--data",
    default="./var",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Data directory of the service that is to accept the token; the key is made there.",
)
@click.option("--patient", metavar="ID", help="The patient in context: Patient/ID and nobody else.")
@click.option("--user", metavar="REFERENCE", help="Who uses the client (fhirUser), such as Practitioner/1.")
@click.option(
    "--scope",
    help="SMART scopes, such as 'patient/*.rs'; by default everything of the patient, of the user, or of all.",
)
@click.option("--clearance", multiple=True, metavar="LABEL", help="A label that may be seen, or * (repeatable).")
@click.option("--purpose", multiple=True, metavar="CODE", help="A purpose of use, such as TREAT (repeatable).")
@click.option(
    "--minutes", default=60, show_default=True, type=click.IntRange(1, 1440), help="How long it is to be accepted."
)
def token(
    data: Path,
    patient: str | None,
    user: str | None,
    scope: str | None,
    clearance: tuple[str, ...],
    purpose: tuple[str, ...],
    minutes: int,
) -> None:
    """Print a bearer token for trying out a service that runs with RECOVERY_AUTH=jwt and without RECOVERY_ISSUER.

    Where an issuer is configured there is none to be had here.
    """
    from service.development_tokens import Wanted, development_token
    from service.settings import WrongSetting, read_settings

    try:
        click.echo(development_token(data, Wanted(patient, user, scope, clearance, purpose, minutes), read_settings()))
    except WrongSetting as error:
        raise _WrongValue(str(error)) from error


@main.group()
def person() -> None:
    """Erase what is stored about a person, or let it be about another reference to the same one."""


_reason = click.option("--reason", required=True, help="Why; it goes into the audit.")
_yes = click.option("--yes", is_flag=True, help="Do not ask.")
_data = click.option(
    "--data",
    default="./var",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Data directory of the service, with the embedded MongoDB and the key of the audit.",
)


@person.command(cls=_Command)
@click.option("--patient", required=True, metavar="REFERENCE", help="Who, such as Patient/1.")
@_reason
@_yes
@_data
def erase(patient: str, reason: str, yes: bool, data: Path) -> None:
    """Erase all that is stored about a person, having shown what that is. IT CANNOT BE UNDONE.

    Plans, goals and assessments of the person with all their versions, also deleted ones, the Provenance of nothing
    else, and remembered answers. The audit keeps who did what and when, and loses whom it was about. What is about
    others and refers to the person is listed and stays. Backups and the oplog of MongoDB are not touched.

    Safe while a service runs. A run that was stopped is gone on with by the next.
    """
    from service.person.erase import erase_person

    with _told_in_one_line():
        erase_person(patient, reason, data, is_confirmed=yes)


@person.command(cls=_Command)
@click.option("--from", "from_", required=True, metavar="REFERENCE", help="The reference to leave, such as Patient/1.")
@click.option("--into", required=True, metavar="REFERENCE", help="The reference to go on with, such as Patient/2.")
@_reason
@_yes
@_data
def merge(from_: str, into: str, reason: str, yes: bool, data: Path) -> None:
    """Let all that is about one reference to a person be about another reference to the same person.

    Each plan, goal and assessment gets a next version, in which every reference to the one is one to the other.
    There is no command to undo it: histories alone tell afterwards which were whose. What is about somebody else and
    refers to the person is listed and stays, and so does Provenance.

    Safe while a service runs. A run that was stopped is gone on with by the next; to merge once more does nothing.
    """
    from service.person.merge import merge_person

    with _told_in_one_line():
        merge_person(from_, into, reason, data, is_confirmed=yes)


@contextmanager
def _told_in_one_line() -> Iterator[None]:
    """Tell in one line why a command about a person was not carried out."""
    from service.embedded import EmbeddedMongoError
    from service.fhir.outcome import OutcomeError
    from service.person.erase import CannotErase
    from service.person.merge import CannotMerge
    from service.person.reference import NoPerson
    from service.settings import WrongSetting
    from service.store.open import NewerFormatError
    from service.store.server import UnsuitableServer

    try:
        yield
    except (WrongSetting, NoPerson) as error:
        raise _WrongValue(str(error)) from error
    except OutcomeError as error:
        raise click.ClickException("; ".join(issue.diagnostics for issue in error.issues)) from error
    except (UnsuitableServer, EmbeddedMongoError, NewerFormatError, CannotErase, CannotMerge) as error:
        raise click.ClickException(str(error)) from error


@main.command(cls=_Command)
@click.option(
    "--to",
    "address",
    default="http://127.0.0.1:8000",
    show_default=True,
    metavar="URL",
    help="Address of the service, or of its FHIR base.",
)
@click.option("--token", envvar="FHIR_TOKEN", show_envvar=True, help="Bearer token, for a service that needs one.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
def load(address: str, token: str | None, files: tuple[Path, ...]) -> None:
    """Load FHIR files into a running service through its public interface.

    A Bundle (transaction or batch) is posted, a single resource is put under its id. Without FILES the sample
    plans that come with the service are loaded. Ends with 1 if any file is refused.
    """
    from service.load import Refused, client_for, fhir_base, load_file, sample_files

    try:
        base = fhir_base(address)
    except ValueError as error:
        raise _WrongValue(f"--to {address}: {error}") from error
    chosen = list(files) or sample_files()
    refused = 0
    shown = sys.stderr.isatty()
    with (
        client_for(base, token=token) as client,
        click.progressbar(chosen, label="Loading", file=sys.stderr, hidden=not shown) as bar,
    ):
        for file in bar:
            if shown:
                click.echo("\r\033[2K", nl=False, err=True)  # the bar makes way for a line, then comes back
            try:
                click.echo(f"{file}: {load_file(client, file)}")
            except Refused as error:
                refused += 1
                click.echo("\n    ".join((f"{file}: refused", *error.reasons)), err=True)
    if refused:
        raise click.ClickException(f"{refused} of {len(chosen)} files refused")


@main.command(cls=_Command)
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), help="Write the document to a file.")
@click.option(
    "--check", type=click.Path(dir_okay=False, path_type=Path), help="End with 1 unless the file is up to date."
)
def openapi(write: Path | None, check: Path | None) -> None:
    """Print the OpenAPI document as the definitions say it now, or write or check a file of it."""
    from service.conformance.openapi import OutdatedError, check_openapi, openapi_bytes, write_openapi

    if write is not None:
        write_openapi(write)
    if check is not None:
        try:
            check_openapi(check)
        except OutdatedError as error:
            raise click.ClickException(str(error)) from error
    if write is None and check is None:
        click.echo(openapi_bytes(), nl=False)


@main.command(cls=_Command)
@click.option("--write", type=click.Path(file_okay=False, path_type=Path), help="Write the pages to a folder.")
@click.option(
    "--check", type=click.Path(file_okay=False, path_type=Path), help="End with 1 unless its pages are up to date."
)
def guide(write: Path | None, check: Path | None) -> None:
    """Write the guide to the profiles as Markdown, or check the pages of a folder; they follow from the definitions."""
    from service.conformance.definitions import Definitions
    from service.conformance.generated import OutdatedError
    from service.conformance.guide import check_guide, write_guide
    from service.fhir.versions import R4

    if write is None and check is None:
        raise _WrongValue("Give --write or --check with a folder")
    if write is not None:
        write_guide(Definitions(R4), write)
    if check is not None:
        try:
            check_guide(Definitions(R4), check)
        except OutdatedError as error:
            raise click.ClickException(str(error)) from error


@main.group()
def audit() -> None:
    """Look after the log of who asked for what and saw what.

    It needs RECOVERY_AUDIT_KEY, or the key that `recovery-plan serve` keeps in the data directory.
    """


_DATA = click.option(
    "--data",
    default="./var",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Data directory of the service: key, heads and embedded MongoDB, unless the settings say otherwise.",
)
_SINCE = click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    metavar="MOMENT",
    help="Only what was recorded since this date, or date and time, in UTC.",
)


@audit.command(cls=_Command)
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
    from service.audit_commands import verify_audit

    with _audit_errors():
        if verify_audit(data, heads, _in_utc(since)):
            sys.exit(1)


@audit.command(cls=_Command)
@_DATA
@click.option(
    "--to", "target", default="-", type=click.File("wb"), metavar="FILE", help="Where to write; default stdout."
)
@_SINCE
def export(data: Path, target: BinaryIO, since: datetime | None) -> None:
    """Write the AuditEvents as ndjson, the oldest first."""
    from service.audit_commands import export_audit

    with _audit_errors():
        export_audit(data, target, _in_utc(since))


@audit.command(cls=_Command)
@_DATA
@click.option("--days", type=click.FloatRange(min=0, min_open=True), help="Days to keep; default RECOVERY_AUDIT_DAYS.")
def prune(data: Path, days: float | None) -> None:
    """Remove what is older than RECOVERY_AUDIT_DAYS, as a running service does once a day.

    What was altered is not removed but told; then this ends with 1.
    """
    from service.audit_commands import prune_audit

    with _audit_errors():
        if prune_audit(data, days):
            sys.exit(1)


def _in_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


@contextmanager
def _audit_errors() -> Iterator[None]:
    """Tell in one line what keeps a command about the audit from being done."""
    from pymongo.errors import PyMongoError

    from service.embedded import EmbeddedMongoError
    from service.settings import WrongSetting
    from service.store.server import UnsuitableServer

    try:
        yield
    except WrongSetting as error:
        raise _WrongValue(str(error)) from error
    except (UnsuitableServer, EmbeddedMongoError) as error:
        raise click.ClickException(str(error)) from error
    except PyMongoError as error:
        raise click.ClickException(f"MongoDB failed: {type(error).__name__}") from error
