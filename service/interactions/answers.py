"""Answers to writes, as the client prefers them (https://hl7.org/fhir/R4/http.html#ops)."""

from collections.abc import Iterable

from service.fhir import json
from service.fhir.entry import Request, Response
from service.fhir.outcome import Issue, success_outcome
from service.fhir.touched import Touched
from service.interactions.entries import outcome_of
from service.store.document import Stored

DONE = {200: "Stored as", 201: "Created as"}
UNCHANGED = "Nothing changed; this is still"
FOUND = "It was there already, and matches; this is"


def written(
    status: int,
    stored: Stored,
    request: Request,
    warnings: Iterable[Issue],
    done: str | None = None,
    *,
    touched: tuple[Touched, ...],
) -> Response:
    """Return the answer to a create or an update: the resource, unless the client prefers otherwise.

    An OperationOutcome says what was ``done``, as the status tells if nothing else does, and then the ``warnings``.
    """
    returns = request.preferences.returns
    body = stored.body
    if returns == "minimal":
        body = None
    elif returns == "OperationOutcome":
        outcome = success_outcome(f"{done or DONE[status]} version {stored.version}")
        outcome["issue"] += outcome_of(warnings, request)["issue"]
        body = json.dump(outcome)
    return Response(status, body, stored.location, stored.version, stored.last_updated, touched=touched)


def deleted(stored: Stored | None, request: Request, number: int, *, touched: tuple[Touched, ...]) -> Response:
    """Return the answer to a delete of ``number`` resources, of which ``stored`` is the deletion, if it is one.

    It is 204 without a body, or 200 with an OperationOutcome where that is preferred.
    """
    version, moment = (stored.version, stored.last_updated) if stored else (None, None)
    if request.preferences.returns == "OperationOutcome":
        done = {0: "There was nothing to delete", 1: "Deleted"}.get(number, f"Deleted {number} resources")
        return Response(200, json.dump(success_outcome(done)), None, version, moment, touched=touched)
    return Response(204, None, None, version, moment, touched=touched)
