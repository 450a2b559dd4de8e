"""What the web framework itself refuses, as an OperationOutcome like every other failure."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service.fhir import json
from service.fhir.media_types import FHIR_JSON
from service.fhir.outcome import Issue, operation_outcome

_RULES = {405: "method-not-allowed"}


async def framework_refusal(request: Request, error: Exception) -> Response:
    """Return the answer for an address that no route has, or a method that its route does not take."""
    assert isinstance(error, HTTPException)
    rule = _RULES.get(error.status_code, "unknown-address")
    sentence = "There is nothing at this address; / says where everything is"
    if rule == "method-not-allowed":
        sentence = f"{request.method} is not allowed at this address"
    body = json.dump(operation_outcome([Issue(rule, sentence)]))
    headers = {**(error.headers or {}), "Cache-Control": "no-store", "Vary": "Accept, Authorization"}
    return Response(body, error.status_code, headers, f"{FHIR_JSON}; charset=utf-8")
