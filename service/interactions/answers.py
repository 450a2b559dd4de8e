"""Answers to writes, as the client prefers them (https://hl7.org/fhir/R4/http.html#ops)."""

from collections.abc import Iterable

from service.fhir import json
from service.fhir.entry import Request, Response
from service.fhir.outcome import Issue, success_outcome
from service.interactions.entries import outcome_of
from service.store.document import Stored

DONE = {200: "Stored", 201: "Created", 204: "Deleted"}


def written(status: int, stored: Stored, request: Request, warnings: Iterable[Issue]) -> Response:
    """Return the answer to a create or an update: the resource, unless the client prefers otherwise.

    An OperationOutcome says what was done, and then the ``warnings``.
    """
    returns = request.preferences.returns
    body = stored.body
    if returns == "minimal":
        body = None
    elif returns == "OperationOutcome":
        outcome = success_outcome(f"{DONE[status]} as version {stored.version}")
        outcome["issue"] += outcome_of(warnings, request)["issue"]
        body = json.dump(outcome)
    return Response(status, body, stored.location, stored.version, stored.last_updated)


def deleted(stored: Stored | None, request: Request) -> Response:
    """Return the answer to a delete: 204 without a body, or 200 with an OperationOutcome where that is preferred."""
    version, moment = (stored.version, stored.last_updated) if stored else (None, None)
    if request.preferences.returns == "OperationOutcome":
        return Response(200, json.dump(success_outcome(DONE[204])), None, version, moment)
    return Response(204, None, None, version, moment)
