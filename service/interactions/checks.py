"""What a resource has to fulfil before it is written."""

from collections.abc import Iterable, Sequence
from typing import Any

from service.conformance.related import Related
from service.fhir.entry import Request
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.context import Context
from service.interactions.contributions import as_told_to_contributors
from service.interactions.labels import label_issues
from service.interactions.representation import SUBSETTED
from service.interactions.surroundings import Surroundings, kept_references


async def checked_resource(request: Request, context: Context) -> tuple[dict[str, Any], tuple[Issue, ...]]:
    """Return the resource in ``request`` and the warnings about it; raises OutcomeError where it has an error.

    Then the warnings are told beside the errors.
    """
    if request.warnings is None:
        written = {"/".join(request.path): request.resource} if len(request.path) == 2 else {}
        surroundings = Surroundings(context.store, written, await kept_references([request], context))
        (issues,) = await write_issues([(request, None)], context, surroundings)
        request.warnings = refuse_errors(issues)
    return request.resource, request.warnings


def refuse_errors(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """Return ``issues`` as they are if none is an error; raises OutcomeError with all of them otherwise."""
    found = tuple(issues)
    if any(issue.is_error for issue in found):
        raise OutcomeError(*found)
    return found


async def write_issues(
    writes: Sequence[tuple[Request, str | None]], context: Context, surroundings: Surroundings
) -> list[list[Issue]]:
    """Return everything that is wrong with the resource that each of ``writes`` would write, and what warns.

    Beside each request stands where its resource is, None where it is the body. The store is asked once for all.
    """
    looked = [_look_at(request.resource, request.path[0], context, root) for request, root in writes]
    known = await surroundings.known({name for _, related in looked if related for name in related.targets})
    return [
        [
            *issues,
            *(related.issues(known, root) if related else ()),
            *(update_issues(request.resource, request.path, root) if request.method == "PUT" else ()),
        ]
        for (request, root), (issues, related) in zip(writes, looked, strict=True)
    ]


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
    issues, related = _look_at(resource, resource_type, context, root, profiles)
    if related is None:
        return issues
    known = await (surroundings or Surroundings(context.store)).known(related.targets)
    return issues + related.issues(known, root)


def _look_at(
    resource: Any, resource_type: str, context: Context, root: str | None, profiles: Iterable[str] = ()
) -> tuple[list[Issue], Related | None]:
    """Return what is wrong with a resource by itself, and what it has to do with others, None where no rule asks."""
    given = resource.get("resourceType") if isinstance(resource, dict) else None
    if given != resource_type:
        sentence = f"The body must be a {resource_type}, and its resourceType must say so"
        return [Issue("resource-type", sentence, f"{root or resource_type}.resourceType")], None
    issues = as_told_to_contributors(context.validator.issues(resource, root, profiles), context)
    if context.limits.require_label and resource_type in context.indexers:
        issues = [*issues, *label_issues(resource, root or resource_type)]
    return issues, context.related.of(resource, profiles)
