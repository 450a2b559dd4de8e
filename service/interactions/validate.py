"""$validate: what a create, an update or a delete would say (https://hl7.org/fhir/R4/resource-operation-validate.html).

Nothing is stored. The answer is 200 whatever is found; other answers say that there was nothing to look at.
"""

from service.fhir import json
from service.fhir.entry import Request, Response
from service.fhir.outcome import Issue, OutcomeError, operation_outcome, success_outcome
from service.fhir.touched import Touched
from service.interactions.checks import resource_issues, update_issues
from service.interactions.context import Context
from service.interactions.entries import outcome_of
from service.interactions.preconditions import check_preconditions
from service.interactions.read import present
from service.interactions.surroundings import Surroundings
from service.interactions.validate_request import ValidateRequest, read_validate_request

_ALL_WELL = "Nothing was found that is wrong or could be better"

Looked = tuple[list[Issue], tuple[Touched, ...]]
"""What was found, and the versions that it tells of."""


async def validate(request: Request, context: Context) -> Response:
    """Return an OperationOutcome of all that is found; raises OutcomeError where it cannot be told what is asked."""
    asked = read_validate_request(request, context)
    if asked.is_of_stored:
        issues, touched = await _stored_issues(request, asked, context)
        outcome = operation_outcome(issues)
    else:
        hindrances, touched = await _change_issues(request, asked, context)
        issues = [*await _content_issues(request, asked, context), *hindrances]
        outcome = outcome_of(issues, request)
    return Response(200, json.dump(outcome if issues else success_outcome(_ALL_WELL)), touched=touched)


async def _stored_issues(request: Request, asked: ValidateRequest, context: Context) -> Looked:
    resource_type, resource_id = request.path[:2]
    stored = present(await context.store.read(resource_type, resource_id), resource_type)
    assert stored.body is not None
    issues = await resource_issues(json.parse(stored.body), resource_type, context, profiles=asked.profiles)
    return issues, stored.touched


async def _content_issues(request: Request, asked: ValidateRequest, context: Context) -> list[Issue]:
    """Return what is wrong with the resource that was sent; a delete has none."""
    if asked.mode == "delete":
        return []
    resource_type, *instance = request.path[:-1]
    written = {f"{resource_type}/{resource_id}": asked.resource for resource_id in instance}
    surroundings = Surroundings(context.store, written)
    return await resource_issues(asked.resource, resource_type, context, asked.root, asked.profiles, surroundings)


async def _change_issues(request: Request, asked: ValidateRequest, context: Context) -> Looked:
    """Return what stands in the way of an update or a delete of the resource that is addressed."""
    if asked.mode not in ("update", "delete"):
        return [], ()
    target = request.path[:2]
    current = await context.store.read(*target)
    if asked.mode == "delete":
        present(current, target[0])
    issues = update_issues(asked.resource, target, asked.root) if asked.mode == "update" else []
    try:
        await check_preconditions(request, current, context)
    except OutcomeError as error:
        return [*issues, *error.issues], error.touched
    return issues, ()
