"""X-Provenance: who contributed what a request writes (https://hl7.org/fhir/R4/provenance.html#header).

It comes without a target, which is the version that is written: both are stored in one transaction. One Provenance
tells of all that a transaction of a client wrote. A write that changes nothing has none.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any

from service.fhir import json
from service.fhir.datetimes import instant
from service.fhir.entry import Request, Response
from service.fhir.outcome import Issue, OutcomeError
from service.fhir.touched import Touched
from service.interactions.checks import refuse_errors, resource_issues
from service.interactions.context import Context
from service.interactions.contributions import refuse_new_resource
from service.interactions.surroundings import Surroundings
from service.store.document import Stored

TYPE = "Provenance"
PLACE = "http.X-Provenance"
LONGEST = 32_768
"""Bytes in the header."""
_UNTIL_WRITTEN = "2000-01-01T00:00:00Z"
"""Stands for the moment of a write that has not been done yet."""


def read_provenance(header: bytes) -> dict[str, Any]:
    """Return the Provenance in a header; raises OutcomeError 400 or 431 where there is none that can be read."""
    if len(header) > LONGEST:
        sentence = f"X-Provenance has at most {LONGEST} bytes here; send a transaction with the Provenance as an entry"
        raise OutcomeError(Issue("header-too-long", sentence, PLACE))
    try:
        value = json.parse(header)
    except OutcomeError as error:
        raise OutcomeError(*map(_unreadable, error.issues)) from None
    if not isinstance(value, dict) or value.get("resourceType") != TYPE:
        sentence = "X-Provenance holds a Provenance, and its resourceType must say so"
        raise OutcomeError(Issue("resource-type", sentence, f"{PLACE}.resourceType"))
    if "target" in value:
        sentence = "Leave out target: it will be the version that this request writes"
        raise OutcomeError(Issue("header-value", sentence, f"{PLACE}.target"))
    return value


async def attributed(
    handler: Callable[[Request, Context], Awaitable[Response]], request: Request, context: Context
) -> Response:
    """Return what comes of ``request``, which is done together with its Provenance or not at all.

    Raises OutcomeError where the Provenance is not valid, before any of it is done.
    """
    resource_type, resource_id = (*request.path, "new")[:2]
    await check_provenance(request.provenance, [f"{resource_type}/{resource_id}"], context)
    return await context.in_transaction(partial(handler, request))


def not_attributed(reason: str) -> OutcomeError:
    """Return the outcome 400 for a Provenance that comes with a request which it cannot be about."""
    sentence = f"{reason}: X-Provenance goes with a create, an update, a patch or a transaction"
    return OutcomeError(Issue("header-value", sentence, PLACE))


async def check_provenance(provenance: dict[str, Any], targets: Sequence[str], context: Context) -> None:
    """Raise OutcomeError unless ``provenance`` is valid when it is about ``targets`` (``Type/id``) to be written."""
    if not targets:
        raise not_attributed("This request stores no version of a resource")
    completed = _about(provenance, targets, _UNTIL_WRITTEN)
    surroundings = Surroundings(context.store, {name: {} for name in targets})
    refuse_errors(await resource_issues(completed, TYPE, context, PLACE, surroundings=surroundings))


async def attribute(stored: Stored, request: Request, context: Context) -> tuple[Touched, ...]:
    """Store who contributed the version ``stored``, as the request says, or leave that to the Bundle it belongs to.

    Returns what was stored for that.
    """
    if context.written is not None:
        context.written.append(stored)
    elif request.provenance is not None:
        return await attribute_all([stored], request.provenance, context)
    return ()


async def attribute_all(written: Sequence[Stored], provenance: dict[str, Any], context: Context) -> tuple[Touched, ...]:
    """Store that ``provenance`` is about all versions ``written``, if there are any; returns what was stored."""
    if not written:
        return ()
    refuse_new_resource(context)
    moment = instant(max(stored.last_updated for stored in written))
    resource = _about(provenance, [stored.location for stored in written], moment)
    stored = await context.store.insert(TYPE, context.new_id(), context.narratives.completed(resource), "POST")
    return stored.changed


def _about(provenance: dict[str, Any], targets: Iterable[str], moment: str) -> dict[str, Any]:
    """Return ``provenance`` with its targets, and as recorded at ``moment`` unless it says when."""
    is_dated = "recorded" in provenance or "_recorded" in provenance
    recorded = {} if is_dated else {"recorded": moment}
    return {**provenance, "target": [{"reference": target} for target in targets], **recorded}


def _unreadable(issue: Issue) -> Issue:
    where = f" (line {issue.position.line} column {issue.position.column})" if issue.position else ""
    return Issue(issue.rule, f"X-Provenance holds one Provenance as JSON, which cannot be read{where}", PLACE)
