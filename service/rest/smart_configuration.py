"""GET [base]/.well-known/smart-configuration, which needs no token.

https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.fhir import json
from service.fhir.media_types import FHIR_JSON
from service.fhir.outcome import OutcomeError, operation_outcome
from service.security.smart import SmartConfiguration

PATH = "/.well-known/smart-configuration"


def smart_configuration_route(base: str, smart: SmartConfiguration) -> Route:
    """Return the route below the FHIR address ``base``."""

    async def answer(_: Request) -> Response:
        try:
            return JSONResponse(await smart.document(), headers={"Cache-Control": "no-cache"})
        except OutcomeError as error:
            body = json.dump(operation_outcome(error.issues))
            return Response(body, error.status, {**error.headers, "Cache-Control": "no-store"}, FHIR_JSON)

    return Route(base + PATH, answer)
