"""What a resource has to fulfil before it is written."""

from collections.abc import Iterable
from typing import Any

from service.fhir.entry import Request
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.context import Context
from service.interactions.representation import SUBSETTED
from service.interactions.surroundings import Surroundings


async def checked_resource(request: Request, context: Context) -> tuple[dict[str, Any], tuple[Issue, ...]]:
    """Return the resource in ``request`` and the warnings about it; raises OutcomeError where it has an error.

    Then the warnings are told beside the errors.
    """
    if request.warnings is None:
        written = {"/".join(request.path): request.resource} if len(request.path) == 2 else {}
        surroundings = Surroundings(context.store, written)
        request.warnings = refuse_errors(await write_issues(request, context, None, surroundings))
    return request.resource, request.warnings


def refuse_errors(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """Return ``issues`` as they are if none is an error; raises OutcomeError with all of them otherwise."""
    found = tuple(issues)
    if any(issue.is_error for issue in found):
        raise OutcomeError(*found)
    return found


async def write_issues(request: Request, context: Context, root: str | None, surroundings: Surroundings) -> list[Issue]:
    """Return everything that is wrong with the resource that ``request`` would write, and what warns."""
    resource, path = request.resource, request.path
    issues = await resource_issues(resource, path[0], context, root, (), surroundings)
    return issues + (update_issues(resource, path, root) if request.method == "PUT" else [])


def update_issues(resource: Any, path: tuple[str, ...], root: str | None = None) -> list[Issue]:
    """Return why ``resource`` cannot be the next version at ``path``: it has another id, or is only a part."""
    if len(path) != 2 or not isinstance(resource, dict) or resource.get("resourceType") != path[0]:
        return []  # which is told by other issues
    issues, place = [], root or path[0]
    if resource.get("id") != path[1]:
        issues.append(Issue("id-mismatch", "The body's id must be there and be the id in the address", f"{place}.id"))
    if _is_part(resource.get("meta")):
        sentence = "This is a part of the resource, tagged SUBSETTED; read the whole and change that"
        issues.append(Issue("subsetted", sentence, f"{place}.meta.tag"))
    return issues


def _is_part(meta: Any) -> bool:
    """Return whether ``meta`` marks what a read with _summary or _elements gave, which would lose the rest."""
    tags = meta.get("tag") if isinstance(meta, dict) else None
    marks = [tag for tag in tags if isinstance(tag, dict)] if isinstance(tags, list) else []
    return any((mark.get("system"), mark.get("code")) == (SUBSETTED["system"], SUBSETTED["code"]) for mark in marks)


async def resource_issues(
    resource: Any,
    resource_type: str,
    context: Context,
    root: str | None = None,
    profiles: Iterable[str] = (),
    surroundings: Surroundings | None = None,
) -> list[Issue]:
    """Return everything that is wrong with a resource that should be of ``resource_type``, and what warns.

    ``profiles`` are those that it has to fulfil beside the ones that it claims, and ``surroundings`` where the
    resources are that it refers to, the store unless others are written with it.
    """
    given = resource.get("resourceType") if isinstance(resource, dict) else None
    if given != resource_type:
        sentence = f"The body must be a {resource_type}, and its resourceType must say so"
        return [Issue("resource-type", sentence, f"{root or resource_type}.resourceType")]
    issues = context.validator.issues(resource, root, profiles)
    related = context.related.of(resource, profiles)
    if related is not None:
        known = await (surroundings or Surroundings(context.store)).known(related.targets)
        issues += related.issues(known, root)
    return issues
