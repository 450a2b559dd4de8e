"""Writes that depend on the current version, and the version after it (https://hl7.org/fhir/R4/http.html#update)."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from service.fhir import json
from service.fhir.entry import Request, Response
from service.fhir.outcome import Issue
from service.fhir.touched import Touched
from service.interactions.answers import UNCHANGED, written
from service.interactions.context import Context
from service.interactions.contributions import check_contribution, refuse_new_resource, signed
from service.interactions.labels import Meta, check_not_lowered, with_kept_labels
from service.interactions.narratives import Narratives
from service.interactions.provenance import attribute
from service.store.document import Stored, with_identity
from service.store.faults import ExistsError, MovedOnError, conflict

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
    before = await _labels_before(current, context)
    successor, kept = with_kept_labels(resource, before)
    warnings = [*warnings, *kept]
    if _is_unchanged(successor, current, context.narratives):
        return written(200, current, request, warnings, UNCHANGED, touched=current.touched)
    stored, touched = await store_next(current, before, successor, request, context)
    return written(201 if current.deleted else 200, stored, request, warnings, touched=touched)


async def store_next(
    current: Stored, before: Meta, successor: dict[str, Any], request: Request, context: Context
) -> tuple[Stored, tuple[Touched, ...]]:
    """Store ``successor`` as the version after ``current``, and who contributed it; return it and all that was stored.

    ``before`` has the labels so far. Every write of a later version passes here. Raises OutcomeError 403 where the
    client may not change what differs, and MovedOnError where another write was faster.
    """
    check_not_lowered(current.type, before, successor.get("meta", {}), context.access)
    if context.access.writes_contributions_only:
        successor = _contributed(current, successor, request, context)
    method = request.method if request.method == "PATCH" else "PUT"
    stored = await context.store.replace(current, context.narratives.completed(successor), method)
    from_whom = current.touched if current.subject != stored.subject else ()  # whose record loses it
    return stored, stored.changed + from_whom + await attribute(stored, request, context)


def _contributed(current: Stored, successor: dict[str, Any], request: Request, context: Context) -> dict[str, Any]:
    """Return ``successor``, signed where it is the person who contributes; raises OutcomeError 403 for all else."""
    if current.body is None:
        refuse_new_resource(context)
    before = json.parse(current.body or b"{}")
    check_contribution(before, successor, context, is_patch=request.method == "PATCH")
    return signed(before, successor) if context.access.is_person else successor


async def _labels_before(current: Stored, context: Context) -> Meta:
    """Return the labels of ``current``, or where that is a deletion, of the version that was deleted."""
    last: Stored | None = current
    if current.deleted:
        last = await context.store.read_version(current.type, current.id, current.version - 1)
    if last is None or last.body is None or b'"security":' not in last.body:
        return {}
    meta: Meta = json.parse(last.body).get("meta", {})
    return meta


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
