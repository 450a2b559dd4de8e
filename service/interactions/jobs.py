"""What became of work in the background (https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-status-request).

A job is there for who asked for it and for nobody else: the same client, used by the same subject.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any

from service.fhir import json
from service.fhir.entry import Request, Response
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.bulk.export import EXPORT
from service.interactions.bulk.files import export_file
from service.interactions.bulk.manifest import export_manifest
from service.interactions.bulk.written import remove_files
from service.interactions.bulk_import.offered import import_file, import_manifest
from service.interactions.bulk_import.start import IMPORT
from service.interactions.context import Context
from service.interactions.job_answers import no_file
from service.store.jobs import Job

_RETRY_AFTER = "1"
"""Seconds after which it is worth while to ask again."""


@dataclass(frozen=True, slots=True)
class Offered:
    """What a kind of job offers once it is done."""

    manifest: Callable[[Job, Request], dict[str, Any]]
    """Returns what is told of a job that is done; ``Request.base`` makes addresses absolute."""
    file: Callable[[Job, str, Request, Context], Awaitable[Response]]
    """Returns a file of it, by its name; raises OutcomeError 404 where it has none of that name (`no_file`)."""
    forget: Callable[[Job, Context], Awaitable[None]] | None = None
    """Removes what there is of a job elsewhere."""


OFFERED: Mapping[str, Offered] = {
    EXPORT: Offered(export_manifest, export_file, remove_files),
    IMPORT: Offered(import_manifest, import_file),
}
"""By the kind of a job what it offers."""


async def job_status(request: Request, context: Context) -> Response:
    """Return 202 while the job is not done, 200 with its manifest then, or why it failed; raises OutcomeError 404."""
    job = await _job(request, context)
    if job.state == "done":
        manifest = json.dump(OFFERED[job.kind].manifest(job, request))
        expires = {"Expires": format_datetime(job.expires, usegmt=True)}
        return Response(200, manifest, media_type="application/json", headers=expires, touched=())
    if job.state == "failed":
        return Response(job.status, json.dump(job.outcome), touched=())
    return Response(202, headers={"X-Progress": job.words, "Retry-After": _RETRY_AFTER}, touched=())


async def job_cancel(request: Request, context: Context) -> Response:
    """Stop the job if it is not done, forget it, and return 202; raises OutcomeError 404."""
    job = await _job(request, context)
    await context.jobs.cancel(job)
    if forget := OFFERED[job.kind].forget:
        await forget(job, context)
    return Response(202, touched=())


async def job_file(request: Request, context: Context) -> Response:
    """Return a file of a job that is done; raises OutcomeError 404."""
    job = await _job(request, context)
    if job.state != "done":
        raise no_file()
    return await OFFERED[job.kind].file(job, request.path[2], request, context)


async def _job(request: Request, context: Context) -> Job:
    job = await context.jobs.find(request.path[1], context.access.client)
    if job is None:
        sentence = "There is no such job of this client; it may have been cancelled, or have expired"
        raise OutcomeError(Issue("unknown-resource", sentence))
    return job
