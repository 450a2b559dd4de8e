"""Commands that run the service, and those that prepare it or try it out."""

import sys
from pathlib import Path

import click

from service.cli.command import Command, WrongValue, data_option, told_in_one_line


@click.command(cls=Command)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one."
)
@data_option("Directory of the embedded MongoDB, and of the keys that are made here.")
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
    from service.serve import CannotServe, Options
    from service.serve import serve as run

    with told_in_one_line(CannotServe):
        run(Options(host=host, port=port, data=data, samples=samples, workers=workers))


@click.command(cls=Command)
@data_option("Directory of the embedded MongoDB; not used where RECOVERY_MONGODB_URI is set.")
def reindex(data: Path) -> None:
    """Index anew what other definitions have indexed, after an update of the service or with a new search parameter.

    Safe while a service runs on the same database. A run that was stopped is gone on with by the next.
    """
    from service.commands.reindex import reindex_store
    from service.store.reindex import CannotReindex

    with told_in_one_line(CannotReindex):
        reindex_store(data)


@click.command(cls=Command)
@data_option("Data directory of the service that is to accept the token; the key is made there.")
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
    from service.settings import read_settings

    with told_in_one_line():
        click.echo(development_token(data, Wanted(patient, user, scope, clearance, purpose, minutes), read_settings()))


@click.command(cls=Command)
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
    from service.commands.load import Refused, client_for, fhir_base, load_file, sample_files

    try:
        base = fhir_base(address)
    except ValueError as error:
        raise WrongValue(f"--to {address}: {error}") from error
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
