"""The kick-off of $import: what is sent is kept, and a job begun that stores it."""

import uuid
from collections.abc import AsyncIterator

from service.fhir.entry import Request, Response
from service.fhir.media_types import NDJSON
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.bulk_import.lines import numbered, packed
from service.interactions.context import Context
from service.interactions.job_answers import job_address
from service.store.job_pieces import LARGEST, JobPieces

IMPORT = "import"
GIVEN = "given"
"""The name of the pieces of what was sent."""
WAITING = "waiting"
"""The name of the pieces of lines that refer to what is not there yet."""
ERRORS = "errors"
"""The name of the pieces with an OperationOutcome for each line that was refused."""
_MARGIN = 100
"""Bytes of a piece that are left to the numbers of its lines."""


async def start_import(request: Request, context: Context) -> Response:
    """Keep the lines of the body, begin the job that stores them, and return 202 with its address.

    Raises OutcomeError 415 where the body is no ndjson, 413 where it is too large, and 429.
    """
    if request.chunks is None:
        raise _no_lines()
    if request.parameters:
        raise OutcomeError(Issue("unknown-parameter", "$import takes no parameters: the body is all that is imported"))
    job_id = str(uuid.uuid4())
    pieces = context.jobs.pieces(job_id)
    try:
        kept, lines = await _keep(request.chunks, pieces, context)
        asked = {"pieces": kept, "lines": lines, "base": request.base}
        await context.jobs.start(IMPORT, context.access.client, asked, job_id)
    except BaseException:
        await pieces.forget()
        raise
    return Response(202, headers={"Content-Location": job_address(request, job_id)}, touched=())


async def _keep(chunks: AsyncIterator[bytes], pieces: JobPieces, context: Context) -> tuple[int, int]:
    """Return how many pieces and how many lines were kept."""
    number = many = 0
    longest = min(context.limits.body_bytes, LARGEST - _MARGIN)
    async for lines in numbered(chunks, longest, context.limits.import_bytes):
        await pieces.put(GIVEN, number, packed(lines))
        number, many = number + 1, many + len(lines)
    return number, many


def _no_lines() -> OutcomeError:
    sentence = (
        f"$import takes the resources themselves, one on each line, as a body of type {NDJSON}; "
        "this service fetches nothing from addresses that it is given"
    )
    return OutcomeError(Issue("unsupported-media-type", sentence, "http.Content-Type"))
