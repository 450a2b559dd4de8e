"""``recovery-plan report``: the dashboard in a file, for a monthly meeting."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import click

from service.commands.commanded import commanded
from service.commands.database import uri_of
from service.commands.person.session import Session, opened, with_audit_of
from service.interactions.dashboard import figures_of, read_asked
from service.reporting.dashboard.composition import composed
from service.reporting.dashboard.contents import Contents
from service.reporting.dashboard.document import document
from service.reporting.dashboard.drawn import Drawings
from service.reporting.dashboard.page import page
from service.reporting.dashboard.spreadsheet import spreadsheet
from service.settings import WrongSetting, read_settings

Writer = Callable[[Contents, Mapping[str, str]], bytes]
_WRITERS: dict[str, Writer] = {".html": page, ".pdf": document}
_CSV = ".csv"


def write_report(out: Path, given: Mapping[str, str], data: Path) -> None:
    """Write what is ``given``, as the parameters of ``$report`` have it, to ``out``, in the format that its name says.

    Raises WrongSetting, UnsuitableServer, EmbeddedMongoError, NewerFormatError, NotDrawnError or OutcomeError.
    """
    if out.suffix not in (*_WRITERS, _CSV):
        raise WrongSetting(f"--out {out}: the name ends in {', '.join(_WRITERS)} or {_CSV}")
    if not out.parent.is_dir():
        raise WrongSetting(f"--out {out}: there is no directory {out.parent}")
    settings = with_audit_of(read_settings(), data)
    with ExitStack() as stack:
        uri = uri_of(settings, data, stack)

        async def run() -> bytes:
            async with opened(settings, uri) as session:
                return await _report(session, out.suffix, given)

        _replace(out, asyncio.run(run()))
    click.echo(f"Wrote {out}", err=True)


def _replace(out: Path, content: bytes) -> None:
    """Write ``out`` at one stroke, so that what was there stays where this fails; raises WrongSetting."""
    part = out.with_name(f".{out.name}.part")
    try:
        part.write_bytes(content)
        part.replace(out)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise WrongSetting(f"--out {out} cannot be written to: {error.strerror}") from error


async def _report(session: Session, suffix: str, given: Mapping[str, str]) -> bytes:
    asked = await read_asked(given, session.context)
    if session.audit is not None:
        await session.audit.record(commanded("report", list(given.items())))
    with _progress(len(asked.months), "Counting") as bar:
        found = await figures_of(asked, session.context, bar.update)
    if suffix == _CSV:
        return spreadsheet(found, asked.codes, asked.by).encode()
    contents = composed(found, asked.by or "")
    with _progress(len(contents.pictures), "Drawing") as bar:
        svgs = await Drawings().svgs(contents.pictures, bar.update)
    return _WRITERS[suffix](contents, svgs)


def _progress(length: int, label: str) -> AbstractContextManager[Any]:
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=not sys.stderr.isatty())
