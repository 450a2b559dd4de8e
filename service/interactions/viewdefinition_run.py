"""$viewdefinition-run: a flat table of resources (https://sql-on-fhir.org/ig/OperationDefinition-ViewDefinitionRun.html).

The rows are made while they are sent, of the state of one moment, and of what the client may see of it. Whatever goes
wrong after the first of them ends the connection, so that half a table is never taken for a whole one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from service.fhir.datetimes import instant
from service.fhir.entry import Piece, Request, Response
from service.fhir.outcome import Issue, OutcomeError, shown
from service.fhir.touched import Touched
from service.interactions.bulk.export import Export
from service.interactions.bulk.people import types_about_people
from service.interactions.bulk.selection import Selection, codes_used, may_export
from service.interactions.context import Context
from service.interactions.operation_input import refuse_the_future
from service.interactions.viewdefinition_parameters import Run, read_run
from service.reporting.views.changes import CHANGES, row_of
from service.reporting.views.compilation import Row, View
from service.reporting.views.faults import ViewError
from service.reporting.views.formats import Writer
from service.reporting.views.formats.comma_separated import CsvWriter
from service.reporting.views.reading import read
from service.store.document import Stored

MOMENT = "Recovery-Transaction-Time"
"""The header that says of which moment the rows are: the ``_since`` of the next run."""
REDACTED = "Recovery-Redacted"
"""The header that says that the client is not cleared for every label, so that rows may be missing."""
_AT_ONCE = 50
"""Resources of which rows are made before others have their turn."""

RowsOf = Callable[[Stored], Sequence[Row]]


async def viewdefinition_run(request: Request, context: Context) -> Response:
    """Return a table; raises OutcomeError where it cannot be made, before its first row."""
    if request.place is not None:
        raise OutcomeError(Issue("entry-request", "A view is run by itself, not in a Bundle", request.place))
    run = read_run(request, context)
    for view in run.table:
        _check_type(view, run, context)
    latest = await context.store.settled()
    refuse_the_future("_since", run.since, latest)
    at = run.until or latest
    if at > latest:
        sentence = f"_until: What is later than {instant(latest)} can still change; ask again in some seconds"
        raise OutcomeError(Issue("parameter-value", sentence, "http._until"))
    export = Export("", request.base, tuple(view.resource for view in run.table), run.since, people=run.people)
    sources = []
    for view in run.table:
        await context.readiness.require(view.resource, codes_used(export, view.resource, context))
        sources.append(_Source(view, Selection(export, view.resource, at, context)))
    headers = {MOMENT: instant(at), "Content-Disposition": f'attachment; filename="{run.name}"'}
    if context.answers_are_redacted:
        headers[REDACTED] = "true"
    return Response(200, pieces=_pieces(sources, run), media_type=_media_type(run), headers=headers, touched=())


@dataclass(frozen=True, slots=True)
class _Source:
    """Resources, and the view of them."""

    view: View
    selection: Selection


def _check_type(view: View, run: Run, context: Context) -> None:
    """Raise OutcomeError where a view is of what is not kept here, of nobody, or not for the client."""
    name, place = view.resource, "ViewDefinition.resource"
    if name not in context.definitions.stored_types:
        sentence = f"Resources of the type {shown(name)} are not kept here"
        raise OutcomeError(Issue("view-unsupported", sentence, place))
    if not may_export(name, context):
        sentence = f"A table of {name} takes that resources of it may be read and searched for"
        raise OutcomeError(Issue("forbidden", sentence, place))
    if run.people is not None and name not in types_about_people(context):
        sentence = f"patient: Resources of the type {name} are about nobody"
        raise OutcomeError(Issue("view-unsupported", sentence, place))


def _media_type(run: Run) -> str:
    return run.format.media_type if run.header else run.format.media_type.replace("header=present", "header=absent")


def _writer(run: Run) -> Writer:
    columns = CHANGES if run.changes else run.table[0].columns
    return CsvWriter(columns, header=run.header) if run.code == "csv" else run.format.writer(columns)


async def _pieces(sources: Sequence[_Source], run: Run) -> AsyncIterator[Piece]:
    """Yield the table, part after part, each with the versions that its rows are of; a fault is an OutcomeError."""
    writer = _writer(run)
    body, touched, is_begun = writer.first(), list[Touched](), False
    try:
        async for rows, contributing in _batches(sources, run):
            body += await asyncio.to_thread(writer.rows, rows)
            touched += contributing
            if body:
                yield Piece(body, tuple(touched))
                body, touched, is_begun = b"", [], True
    except ViewError as error:
        raise OutcomeError(*error.issues) from error
    body += await asyncio.to_thread(writer.last)
    if body or not is_begun:
        yield Piece(body, tuple(touched))


async def _batches(sources: Sequence[_Source], run: Run) -> AsyncIterator[tuple[list[Row], list[Touched]]]:
    left = run.limit
    for source in sources:
        rows_of = _changed if run.changes else _reader(source.view)
        async for versions in source.selection.versions():
            rows, touched = await _rows(versions, rows_of, left)
            yield rows, touched
            left = None if left is None else left - len(rows)
            if left == 0:
                return


def _reader(view: View) -> RowsOf:
    return lambda version: () if version.body is None else view.rows(read(version.body))


def _changed(version: Stored) -> Sequence[Row]:
    return (row_of(version),)


async def _rows(versions: Sequence[Stored], rows_of: RowsOf, most: int | None) -> tuple[list[Row], list[Touched]]:
    """Return the rows of ``versions``, no more than are wanted, and the versions that have any."""
    rows: list[Row] = []
    touched: list[Touched] = []
    for number, version in enumerate(versions):
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
        found = rows_of(version)
        if found:
            rows.extend(found)
            touched.extend(version.touched)
        if most is not None and len(rows) >= most:
            return rows[:most], touched
    return rows, touched
