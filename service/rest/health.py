"""Health: ``/health/live`` says that the process runs, ``/health/ready`` that it can serve."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.fhir import json
from service.fhir.media_types import FHIR_JSON
from service.fhir.outcome import OutcomeError, operation_outcome


def health_routes(check_store: Callable[[], Awaitable[None]]) -> list[Route]:
    """Return the two routes; ``check_store`` raises OutcomeError where the store does not answer."""

    async def live(request: Request) -> Response:
        return JSONResponse({"status": "live"}, headers={"Cache-Control": "no-store"})

    async def ready(request: Request) -> Response:
        try:
            await check_store()
        except OutcomeError as error:
            body = json.dump(operation_outcome(error.issues))
            return Response(body, error.status, error.headers, FHIR_JSON)
        return JSONResponse({"status": "ready"}, headers={"Cache-Control": "no-store"})

    return [Route("/health/live", live), Route("/health/ready", ready)]
