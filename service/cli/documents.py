"""Commands that write what follows from the definitions: the OpenAPI document and the guide to the profiles."""

from pathlib import Path

import click

from service.cli.command import Command, WrongValue


@click.command(cls=Command)
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


@click.command(cls=Command)
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
        raise WrongValue("Give --write or --check with a folder")
    if write is not None:
        write_guide(Definitions(R4), write)
    if check is not None:
        try:
            check_guide(Definitions(R4), check)
        except OutdatedError as error:
            raise click.ClickException(str(error)) from error
