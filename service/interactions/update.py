"""update: PUT [base]/[type]/[id] (https://hl7.org/fhir/R4/http.html#update)."""

from service.fhir.entry import Request, Response
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.answers import written
from service.interactions.checks import checked_resource
from service.interactions.context import Context
from service.interactions.preconditions import check_preconditions
from service.interactions.provenance import attribute
from service.interactions.writing import write_next, write_until_first
from service.store.document import Stored


async def update(request: Request, context: Context) -> Response:
    """Store the next version and return 200, or the first one, or the first after a deletion, and return 201.

    Returns 200 with the current version where nothing would change. Raises OutcomeError 412 where a precondition fails.
    """
    resource, warnings = await checked_resource(request, context)

    async def write(current: Stored | None) -> Response:
        await check_preconditions(request, current, context)
        if current is not None:
            return await write_next(current, resource, request, context, warnings)
        resource_type, resource_id = request.path
        if request.new_id != resource_id and not context.access.may_choose_ids(resource_type):
            sentence = f"There is no {resource_type} with this id; this client, who may not see all, creates by POST"
            raise OutcomeError(Issue("unknown-resource", sentence))
        completed = context.narratives.completed(resource)
        stored = await context.store.insert(resource_type, resource_id, completed, "PUT")
        attributed = await attribute(stored, request, context)
        return written(201, stored, request, warnings, touched=stored.changed + attributed)

    return await write_until_first(request, context, write)
