"""The command line: ``recovery-plan``."""

import click

from service.cli.audit import audit
from service.cli.backup import export, import_
from service.cli.documents import guide, openapi
from service.cli.person import person
from service.cli.report import report
from service.cli.service import load, reindex, serve, token


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="recovery-plan-service")
def main() -> None:
    """A FHIR server for co-produced mental-health recovery plans."""


for command in (serve, load, reindex, token, person, audit, openapi, guide, report, export, import_):
    main.add_command(command)
