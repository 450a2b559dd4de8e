"""Writes that depend on the current version, and the version after it (https://hl7.org/fhir/R4/http.html#update)."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from service.fhir import json
from service.fhir.entry import Request, Response
from service.fhir.outcome import Issue
from service.interactions.answers import UNCHANGED, written
from service.interactions.context import Context
from service.interactions.labels import with_kept_labels
from service.interactions.narratives import Narratives
from service.interactions.provenance import attribute
from service.store.document import Stored, with_identity
from service.store.faults import conflict
from service.store.resources import ExistsError, MovedOnError

_ATTEMPTS = 50
"""How often a write without If-Match is tried again after others were faster."""


async def write_until_first(
    request: Request, context: Context, write: Callable[[Stored | None], Awaitable[Response]]
) -> Response:
    """Return what ``write`` answers, given the current version of the resource, or None where its id was never used.

    It is called again with the then current one where another write was faster; with If-Match it says 412 by then.
    Raises OutcomeError 409 where others were faster every time.
    """
    for _ in range(_ATTEMPTS):
        current = await context.store.read(*request.path[:2])
        try:
            return await write(current)
        except (ExistsError, MovedOnError):
            continue
    raise conflict()


async def write_next(
    current: Stored, resource: dict[str, Any], request: Request, context: Context, warnings: Iterable[Issue]
) -> Response:
    """Store ``resource`` as the version after ``current`` and return 200, or 201 where that was a deletion.

    Returns 200 with ``current`` where nothing would change. Raises MovedOnError where another write was faster.
    """
    successor, kept = with_kept_labels(resource, current)
    warnings = [*warnings, *kept]
    if _is_unchanged(successor, current, context.narratives):
        return written(200, current, request, warnings, UNCHANGED)
    completed = context.narratives.completed(successor)
    stored = await context.store.replace(current, completed, request.method)
    await attribute(stored, request, context)
    return written(201 if current.deleted else 200, stored, request, warnings)


def _is_unchanged(resource: dict[str, Any], current: Stored, narratives: Narratives) -> bool:
    """Return whether ``resource`` says what ``current`` says; a text of ours, even an older one, changes nothing."""
    if current.body is None:
        return False
    told = narratives.as_before(resource, current.body)
    same_version = with_identity(told, current.id, current.version, current.last_updated)
    text = json.dump(same_version)
    if text == current.body or len(text) != len(current.body):
        return text == current.body
    return json.dump_sorted(same_version) == json.dump_sorted(json.parse(current.body))
