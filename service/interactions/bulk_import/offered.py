"""What became of an import: a manifest of how many were stored, and a file of why lines were refused."""

from collections.abc import AsyncIterator
from typing import Any

from service.fhir.datetimes import instant
from service.fhir.entry import Piece, Request, Response
from service.fhir.media_types import NDJSON
from service.interactions.bulk_import.start import ERRORS
from service.interactions.context import Context
from service.interactions.job_answers import job_address, no_file
from service.security.client import ANYBODY
from service.store.job_pieces import JobPieces
from service.store.jobs import Job

_FILE = "errors.ndjson"


def import_manifest(job: Job, request: Request) -> dict[str, Any]:
    """Return how many resources of each type are stored as was sent, and where is told why lines were refused."""
    refused = job.result["refused"]
    url = f"{job_address(request, job.id)}/{_FILE}"
    return {
        "transactionTime": instant(job.requested),
        "request": f"{request.base}/$import",
        "requiresAccessToken": job.client != ANYBODY,
        "output": [{"type": name, "count": count} for name, count in sorted(job.result["stored"].items())],
        "error": [{"type": "OperationOutcome", "count": refused, "url": url}] if refused else [],
    }


async def import_file(job: Job, name: str, request: Request, context: Context) -> Response:
    """Return an OperationOutcome for each line that was refused; raises OutcomeError 404."""
    if name != _FILE or not job.result["refused"]:
        raise no_file()
    return Response(200, pieces=_told(context.jobs.pieces(job.id)), media_type=NDJSON, touched=())


async def _told(pieces: JobPieces) -> AsyncIterator[Piece]:
    async for body in pieces.read(ERRORS):
        yield Piece(body, ())
