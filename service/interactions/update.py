"""update: PUT [base]/[type]/[id] (https://hl7.org/fhir/R4/http.html#update)."""

from typing import Any

from service.fhir import json
from service.fhir.entry import Request, Response
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.answers import written
from service.interactions.checks import checked_resource
from service.interactions.context import Context
from service.interactions.preconditions import check_preconditions
from service.interactions.representation import SUBSETTED
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
    resource = checked_resource(request, context)
    _require_same_id(resource, resource_type, resource_id)
    _refuse_part(resource, resource_type)
    for _ in range(ATTEMPTS):
        current = await context.store.read(resource_type, resource_id)
        check_preconditions(request, current, context)
        try:
            if current is None:
                stored = await context.store.insert(resource_type, resource_id, resource, "PUT")
                return written(201, stored, request)
            successor = _with_kept_labels(resource, current)
            if _is_unchanged(successor, current):
                return written(200, current, request)
            stored = await context.store.replace(current, successor, "PUT")
            return written(201 if current.deleted else 200, stored, request)
        except (ExistsError, MovedOnError):
            continue  # read again: with If-Match the check then says 412
    raise conflict()


def _require_same_id(resource: dict[str, Any], resource_type: str, resource_id: str) -> None:
    if resource.get("id") != resource_id:
        sentence = "The body's id must be there and be the id in the address"
        raise OutcomeError(Issue("id-mismatch", sentence, f"{resource_type}.id"))


def _refuse_part(resource: dict[str, Any], resource_type: str) -> None:
    """Raise OutcomeError for what a read with _summary or _elements gave: writing it back would lose the rest."""
    tags = resource.get("meta", {}).get("tag", [])
    if any((tag.get("system"), tag.get("code")) == (SUBSETTED["system"], SUBSETTED["code"]) for tag in tags):
        sentence = "This is a part of the resource, tagged SUBSETTED; read the whole and change that"
        raise OutcomeError(Issue("subsetted", sentence, f"{resource_type}.meta.tag"))


def _with_kept_labels(resource: dict[str, Any], current: Stored) -> dict[str, Any]:
    """Return ``resource`` with the security labels of ``current`` that it does not repeat: an update removes none."""
    if current.body is None or b'"security":' not in current.body:
        return resource
    kept = json.parse(current.body).get("meta", {}).get("security", [])
    meta = resource.get("meta", {})
    given = meta.get("security", [])
    named = {_label_name(label) for label in given}
    lost = [label for label in kept if _label_name(label) not in named]
    return {**resource, "meta": {**meta, "security": [*given, *lost]}} if lost else resource


def _label_name(label: dict[str, Any]) -> tuple[Any, ...]:
    """Return what two labels have in common that are the same: system and code, or all where there is no code."""
    return (label.get("system"), label["code"]) if "code" in label else (json.dump_sorted(label),)


def _is_unchanged(resource: dict[str, Any], current: Stored) -> bool:
    if current.body is None:
        return False
    same_version = with_identity(resource, current.id, current.version, current.last_updated)
    text = json.dump(same_version)
    if text == current.body or len(text) != len(current.body):
        return text == current.body
    return json.dump_sorted(same_version) == json.dump_sorted(json.parse(current.body))
