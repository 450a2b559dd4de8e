"""create: POST [base]/[type] (https://hl7.org/fhir/R4/http.html#create)."""

from service.fhir.entry import Request, Response
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.answers import written
from service.interactions.checks import checked_resource
from service.interactions.context import Context
from service.store.faults import conflict
from service.store.resources import ExistsError


async def create(request: Request, context: Context) -> Response:
    """Store the resource under a new id and return 201; an id in the body is not used."""
    if request.if_none_exist is not None:
        sentence = "Conditional create is not supported; nothing was stored"
        raise OutcomeError(Issue("header-value", sentence, "http.If-None-Exist"))
    resource, warnings = await checked_resource(request, context)
    new_id = request.new_id or context.new_id()
    try:
        completed = context.narratives.completed(resource)
        stored = await context.store.insert(request.path[0], new_id, completed, "POST")
    except ExistsError:
        raise conflict() from None
    return written(201, stored, request, warnings)
