"""read and vread: GET [base]/[type]/[id] (https://hl7.org/fhir/R4/http.html#read)."""

from collections.abc import Sequence

from service.fhir.entry import Request, Response, etag_of, whole_number
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.context import Context
from service.interactions.preconditions import client_has
from service.interactions.representation import read_view
from service.store.document import Stored


async def read(request: Request, context: Context) -> Response:
    """Return the current version, or 304 where the client has it; raises OutcomeError 404 or 410."""
    resource_type, resource_id = request.path
    stored = await context.store.read(resource_type, resource_id)
    if stored is None:
        raise unknown(resource_type)
    return _shown(request, stored, context)


async def vread(request: Request, context: Context) -> Response:
    """Return one version; raises OutcomeError 404, or 410 where that version is a deletion."""
    return _shown(request, await stored_version(request.path, context), context)


async def read_published(request: Request, context: Context) -> Response:
    """Return a definition that the service holds; raises OutcomeError 404."""
    resource_type, resource_id = request.path
    view = read_view(resource_type, request.parameters, context) if request.parameters else None
    found = context.published.read(resource_type, resource_id)
    if found is None:
        raise unknown(resource_type)
    return Response(200, view.render(found.body) if view else found.body, touched=found.touched)


async def read_recorded(request: Request, context: Context) -> Response:
    """Return an AuditEvent; raises OutcomeError 404."""
    resource_type, resource_id = request.path
    view = read_view(resource_type, request.parameters, context) if request.parameters else None
    found = await context.audited.seen_by(context.access).read(resource_id)
    if found is None:
        raise unknown(resource_type)
    body = view.render(found.body) if view else found.body
    return Response(200, body, None, None, found.recorded, touched=found.touched)


async def stored_version(path: Sequence[str], context: Context) -> Stored:
    """Return the version that ``path`` begins with, ``Type/id/_history/version``; raises OutcomeError 404 or 410."""
    resource_type, resource_id, _, version = path[:4]
    stored = await context.store.read_version(resource_type, resource_id, whole_number(version) or 0)
    if stored is None:
        raise OutcomeError(Issue("unknown-version", f"There is no such version of this {resource_type}"))
    if stored.deleted:
        sentence = f"Version {stored.version} of this {resource_type} is its deletion; the history tells what it was"
        raise _gone(stored, sentence)
    return stored


def present(stored: Stored | None, resource_type: str) -> Stored:
    """Return ``stored``; raises OutcomeError 404 where there is nothing, and 410 where it is a deletion."""
    if stored is None:
        raise unknown(resource_type)
    if stored.deleted:
        raise _gone(stored, f"This {stored.type} has been deleted; its history tells what it was")
    return stored


def no_match(resource_type: str) -> OutcomeError:
    """Return the outcome 404 for a condition that nothing fulfils."""
    return OutcomeError(Issue("unknown-resource", f"No {resource_type} matches the condition"))


def unknown(resource_type: str) -> OutcomeError:
    """Return the outcome 404 for a resource that is not there."""
    return OutcomeError(Issue("unknown-resource", f"There is no {resource_type} with this id"))


def _gone(deletion: Stored, sentence: str) -> OutcomeError:
    headers = {"ETag": etag_of(deletion.version)}
    return OutcomeError(Issue("deleted", sentence), headers=headers, touched=deletion.touched)


def _shown(request: Request, stored: Stored, context: Context) -> Response:
    view = read_view(stored.type, request.parameters, context) if request.parameters else None
    body = present(stored, stored.type).body
    if client_has(request, stored):
        return Response(304, None, None, stored.version, stored.last_updated, touched=stored.touched)
    body = view.render(body) if view and body else body
    return Response(200, body, None, stored.version, stored.last_updated, touched=stored.touched)
