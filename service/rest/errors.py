"""What is refused before FHIR, as an OperationOutcome like every other failure."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service.fhir import json
from service.fhir.media_types import FHIR_JSON
from service.fhir.outcome import Issue, OutcomeError, operation_outcome
from service.rest.security_headers import HEADERS, POLICY

_RULES = {405: "method-not-allowed"}
_NOT_KEPT = {"Cache-Control": "no-store", "Vary": "Accept, Authorization"}
_MEDIA_TYPE = f"{FHIR_JSON}; charset=utf-8"


def refusal(error: OutcomeError) -> Response:
    """Return the answer for ``error``."""
    body = json.dump(operation_outcome(error.issues))
    return Response(body, error.status, {**error.headers, **_NOT_KEPT}, _MEDIA_TYPE)


async def framework_refusal(request: Request, error: Exception) -> Response:
    """Return the answer for an address that no route has, or a method that its route does not take."""
    assert isinstance(error, HTTPException)
    rule = _RULES.get(error.status_code, "unknown-address")
    sentence = "There is nothing at this address; / says where everything is"
    if rule == "method-not-allowed":
        sentence = f"{request.method} is not allowed at this address"
    return refusal(OutcomeError(Issue(rule, sentence), headers=dict(error.headers or {})))


def raw_refusal(error: OutcomeError) -> bytes:
    """Return the answer for ``error`` as it goes over the wire, after which the connection is closed."""
    answer = refusal(error)
    headers = [*answer.raw_headers, *HEADERS, POLICY, (b"connection", b"close")]
    lines = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}".encode()]
    lines += [b"%s: %s" % item for item in headers]
    return b"\r\n".join([*lines, b"", bytes(answer.body)])
