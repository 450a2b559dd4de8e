"""The files of an export (https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-output-file-request).

Each is written while it is read, with the access of who fetches it, a thousand resources or so at a time.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from itertools import chain

from service.fhir.entry import Piece, Request, Response
from service.fhir.media_types import NDJSON
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.bulk.deleted import IN_A_BUNDLE, deletions
from service.interactions.bulk.export import Export
from service.interactions.bulk.messages import messages
from service.interactions.bulk.plan import MESSAGES, ExportFile, Plan
from service.interactions.bulk.selection import Selection, may_export
from service.interactions.context import Context
from service.interactions.job_answers import no_file
from service.interactions.representation import Views
from service.store.document import Stored
from service.store.jobs import Job

_LINE = b"%b\n"


async def export_file(job: Job, name: str, request: Request, context: Context) -> Response:
    """Return a file of an export that is done; raises OutcomeError 404, or 403 where its type is not for the client."""
    pieces = pieces_of(Export.from_json(job.asked), Plan.from_json(job.result), name, context)
    return Response(200, pieces=pieces, media_type=NDJSON, touched=())


def pieces_of(export: Export, plan: Plan, name: str, context: Context) -> AsyncIterator[Piece]:
    """Return what the file of this name holds, part after part; raises OutcomeError as `export_file` does."""
    if name == MESSAGES:
        return _said(messages(export))
    file = plan.file(name)
    if file is None:
        raise no_file()
    if not may_export(file.type, context):
        sentence = f"{file.type} may not be read and searched for with this token, as it could when the export began"
        raise OutcomeError(Issue("forbidden", sentence))
    selection = Selection(export, file.type, plan.at, context)
    return (_deleted if file in plan.deleted else _living)(file, selection)


async def _said(lines: list[bytes]) -> AsyncIterator[Piece]:
    for line in lines:
        yield Piece(_LINE % line, ())


async def _living(file: ExportFile, selection: Selection) -> AsyncIterator[Piece]:
    render = _renderer(selection)
    async with aclosing(selection.versions(file.after, file.until)) as found:
        async for versions in found:
            living = [(version, version.body) for version in versions if version.body is not None]
            if living:
                body = b"\n".join([*(render(body) for _, body in living), b""])
                yield Piece(body, tuple(chain.from_iterable(version.touched for version, _ in living)))


async def _deleted(file: ExportFile, selection: Selection) -> AsyncIterator[Piece]:
    waiting: list[Stored] = []
    async with aclosing(selection.versions(file.after, file.until)) as found:
        async for versions in found:
            waiting += [version for version in versions if version.deleted]
            while len(waiting) >= IN_A_BUNDLE:
                yield _bundle(waiting[:IN_A_BUNDLE])
                del waiting[:IN_A_BUNDLE]
    if waiting:
        yield _bundle(waiting)


def _bundle(versions: list[Stored]) -> Piece:
    return Piece(_LINE % deletions(versions), tuple(chain.from_iterable(each.touched for each in versions)))


def _renderer(selection: Selection) -> Callable[[bytes], bytes]:
    """Return what makes of the JSON text of a resource that of the part that is wanted."""
    export = selection.export
    if export.elements is None:
        return bytes
    view = Views([("_elements", export.elements)], export.types, selection.context).of(selection.type)
    return bytes if view is None else view.render
