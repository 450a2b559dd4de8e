"""The command that writes the dashboard to a file."""

from pathlib import Path

import click

from service.cli.command import Command, data_option, told_in_one_line


@click.command(cls=Command)
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to write it: report.html, report.pdf or report.csv.",
)
@click.option("--months", type=click.IntRange(1, 60), default=12, show_default=True, help="Whole months to show.")
@click.option("--until", metavar="YYYY-MM", help="The last month; the last that has ended by default.")
@click.option(
    "--by",
    type=click.Choice(["custodian", "care-setting", "dual-diagnosis", "legal-status"]),
    help="Show groups beside the whole service. CSV holds all groups where nothing is said.",
)
@data_option("Data directory of the service: key of the audit and embedded MongoDB, unless the settings say otherwise.")
def report(out: Path, months: int, until: str | None, by: str | None, data: Path) -> None:
    """Write how recovery-oriented practice is, as a page, a PDF or a table, for a meeting.

    It holds what /reports shows: published figures only, rounded, with small counts left out.
    """
    from service.commands.report import write_report
    from service.reporting.dashboard.drawn import NotDrawnError

    given = {"months": str(months), "until": until, "by": by}
    with told_in_one_line(NotDrawnError, OSError):
        write_report(out, {name: value for name, value in given.items() if value is not None}, data)
