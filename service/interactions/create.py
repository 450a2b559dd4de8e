"""create: POST [base]/[type] (https://hl7.org/fhir/R4/http.html#create, #ccreate)."""

from functools import partial

from service.fhir.entry import Request, Response
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.answers import FOUND, written
from service.interactions.checks import checked_resource
from service.interactions.context import Context
from service.interactions.outlook import HEADER, Outlook, criteria_of
from service.interactions.provenance import attribute
from service.store.faults import ExistsError, conflict


async def create(request: Request, context: Context) -> Response:
    """Store the resource under a new id and return 201; an id in the body is not used.

    Where If-None-Exist matches a resource return 200 with that; raises OutcomeError 412 where it matches several.
    """
    if request.if_none_exist is None:
        return await _create(request, context)
    if not context.definitions.resource_capabilities[request.path[0]]["conditionalCreate"]:
        raise OutcomeError(Issue("header-value", f"A {request.path[0]} is not created on a condition", HEADER))
    return await context.in_transaction(partial(_create_unless_there, request))


async def _create(request: Request, context: Context) -> Response:
    resource, warnings = await checked_resource(request, context)
    new_id = request.new_id or context.new_id()
    try:
        completed = context.narratives.completed(resource)
        stored = await context.store.insert(request.path[0], new_id, completed, "POST")
    except ExistsError:
        raise conflict() from None
    attributed = await attribute(stored, request, context)
    return written(201, stored, request, warnings, touched=stored.changed + attributed)


async def _create_unless_there(request: Request, context: Context) -> Response:
    criteria = criteria_of(request.if_none_exist or "")
    found = await Outlook(context).matching(request.path[0], criteria, request.base, HEADER)
    stored = await context.store.read(request.path[0], found[0]) if found else None
    if stored is None:
        return await _create(request, context)
    return written(200, stored, request, (), FOUND, touched=stored.touched)
