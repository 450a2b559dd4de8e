"""The command line: ``recovery-plan``."""

import sys
from pathlib import Path

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
    "--to",
    "address",
    default="http://127.0.0.1:8000",
    show_default=True,
    metavar="URL",
    help="Address of the service, or of its FHIR base.",
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
def load(address: str, files: tuple[Path, ...]) -> None:
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
        client_for(base) as client,
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
