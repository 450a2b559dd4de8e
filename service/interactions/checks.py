"""What a resource has to fulfil before it is written."""

from typing import Any

from service.fhir.entry import Request
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.context import Context


def checked_resource(request: Request, context: Context) -> dict[str, Any]:
    """Return the resource in ``request``; raises OutcomeError with everything that is wrong with it."""
    resource_type = request.path[0]
    issues = [] if request.checked else resource_issues(request.resource, resource_type, context)
    if issues:
        raise OutcomeError(*issues)
    resource: dict[str, Any] = request.resource
    return resource


def resource_issues(resource: Any, resource_type: str, context: Context, root: str | None = None) -> list[Issue]:
    """Return everything that is wrong with a resource that should be of ``resource_type``."""
    given = resource.get("resourceType") if isinstance(resource, dict) else None
    if given != resource_type:
        sentence = f"The body must be a {resource_type}, and its resourceType must say so"
        return [Issue("resource-type", sentence, f"{root or resource_type}.resourceType")]
    return context.validator.issues(resource, root)
