"""The kick-off of an export (https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-kick-off-request)."""

from service.conformance.definitions import CANONICAL
from service.fhir import json
from service.fhir.entry import Request, Response
from service.fhir.outcome import Issue, OutcomeError, success_outcome
from service.interactions.bulk.export import EXPORT
from service.interactions.bulk.parameters import read_export
from service.interactions.bulk.people import types_about_people
from service.interactions.bulk.selection import codes_used
from service.interactions.context import Context
from service.interactions.job_answers import job_address
from service.interactions.operation_input import refuse_the_future

_OF_SYSTEM = f"{CANONICAL}/OperationDefinition/export"
_OF_PEOPLE = f"{CANONICAL}/OperationDefinition/Patient-export"


async def export_system(request: Request, context: Context) -> Response:
    """Start an export of all that is stored, and return 202; raises OutcomeError for what cannot be exported."""
    return await _start(request, context, _OF_SYSTEM, list(context.definitions.stored_types), of_people=False)


async def export_people(request: Request, context: Context) -> Response:
    """Start an export of all that is about people, or about some; returns and raises as ``export_system``."""
    return await _start(request, context, _OF_PEOPLE, types_about_people(context), of_people=True)


async def _start(request: Request, context: Context, operation: str, known: list[str], *, of_people: bool) -> Response:
    _check_asked_apart(request)
    export = read_export(request, context.definitions.get(operation), known, context, of_people=of_people)
    refuse_the_future("_since", export.since, await context.store.settled())
    for name in export.types:
        await context.readiness.require(name, codes_used(export, name, context))
    job_id = await context.jobs.start(EXPORT, context.access.client, export.to_json())
    told = success_outcome("The export is being made; the header Content-Location says where to ask how far it is")
    address = {"Content-Location": job_address(request, job_id)}
    return Response(202, json.dump(told), headers=address, touched=())


def _check_asked_apart(request: Request) -> None:
    """Raise OutcomeError where the answer could not be one that tells where to ask later on."""
    if request.place is not None:
        raise OutcomeError(Issue("entry-request", "An export is asked for by itself, not in a Bundle", request.place))
    if not request.preferences.respond_async:
        sentence = "An export is made in the background: ask for it with the header Prefer: respond-async"
        raise OutcomeError(Issue("async-required", sentence, "http.Prefer"))
