"""update: PUT [base]/[type]/[id] (https://hl7.org/fhir/R4/http.html#update)."""

from typing import Any

from service.fhir import json
from service.fhir.entry import Request, Response
from service.interactions.answers import written
from service.interactions.checks import checked_resource
from service.interactions.context import Context
from service.interactions.labels import with_kept_labels
from service.interactions.narratives import Narratives
from service.interactions.preconditions import check_preconditions
from service.interactions.provenance import attribute
from service.store.document import Stored, with_identity
from service.store.faults import conflict
from service.store.resources import ExistsError, MovedOnError

ATTEMPTS = 50
"""How often a write without If-Match is tried again after others were faster."""


async def update(request: Request, context: Context) -> Response:
    """Store the next version and return 200, or the first one, or the first after a deletion, and return 201.

    Returns 200 with the current version where nothing would change. Raises OutcomeError 412 where a precondition fails.
    """
    resource_type, resource_id = request.path
    resource, warnings = await checked_resource(request, context)
    for _ in range(ATTEMPTS):
        current = await context.store.read(resource_type, resource_id)
        check_preconditions(request, current, context)
        try:
            if current is None:
                completed = context.narratives.completed(resource)
                stored = await context.store.insert(resource_type, resource_id, completed, "PUT")
                await attribute(stored, request, context)
                return written(201, stored, request, warnings)
            successor = with_kept_labels(resource, current)
            if _is_unchanged(successor, current, context.narratives):
                return written(200, current, request, warnings)
            stored = await context.store.replace(current, context.narratives.completed(successor), "PUT")
            await attribute(stored, request, context)
            return written(201 if current.deleted else 200, stored, request, warnings)
        except (ExistsError, MovedOnError):
            continue  # read again: with If-Match the check then says 412
    raise conflict()


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
