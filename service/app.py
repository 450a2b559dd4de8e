"""The composition root: settings become an application."""

import logging
import secrets
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from service.compiled import FHIR_PATH, Clock, Compiled, Ids
from service.conformance.definitions import Definitions
from service.fhir.versions import R4
from service.rest.endpoint import FhirEndpoint
from service.rest.errors import framework_refusal
from service.rest.health import health_routes
from service.rest.http import Service
from service.rest.pages import page_routes
from service.settings import Settings, WrongSetting, read_settings
from service.store.driver import Driver
from service.store.open import prepare

log = logging.getLogger(__name__)


def time_ordered_id() -> str:
    """Return a UUID of version 7 (RFC 9562): ids that grow with time keep the database's indexes compact."""
    bits = time.time_ns() // 1_000_000 << 80 | secrets.randbits(80)
    bits = bits & ~(0xF << 76) | 7 << 76
    bits = bits & ~(0b11 << 62) | 0b10 << 62
    return str(uuid.UUID(int=bits))


class Application(FastAPI):
    """FastAPI for pages and health; FHIR requests go straight to ``endpoint``, which answers every failure itself.

    What lies in between, for routing and for failures, would cost each of them as much as to validate a small resource.
    """

    endpoint: FhirEndpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live from start to end."""
        if self.endpoint.is_at(scope):
            await self.endpoint(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(
    settings: Settings,
    *,
    definitions: Definitions | None = None,
    clock: Clock = lambda: datetime.now(UTC),
    new_id: Ids = time_ordered_id,
) -> FastAPI:
    """Return the application; its lifespan opens and closes the database that ``settings`` name."""
    endpoint = FhirEndpoint(Service(R4, FHIR_PATH, settings.base_url, settings.max_body_bytes))
    definitions = definitions or Definitions(R4)
    compiled = Compiled(definitions, settings, clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        driver = Driver(settings.mongodb_driver, str(settings.mongodb_uri), settings.mongodb_database)
        try:
            await prepare(driver, compiled.indexed_types)
            context = endpoint.context = await compiled.context(driver, new_id)
            for name in definitions.stored_types:
                if pending := await context.readiness.pending(name):
                    log.warning("%s waits to be indexed by %s: run `recovery-plan reindex`", name, ", ".join(pending))
            yield
        finally:
            await driver.close()

    app = Application(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        exception_handlers={HTTPException: framework_refusal},
        routes=[*health_routes(lambda: endpoint.context.store.check()), *page_routes(definitions)],
        redirect_slashes=False,
    )
    app.endpoint = endpoint
    return app


def from_environment() -> FastAPI:
    """Return the application that the environment's settings describe; raises WrongSetting where they do not suffice.

    It is what each worker runs, with the connection string that `recovery-plan serve` has put there.
    """
    settings = read_settings()
    if settings.mongodb_uri is None:
        raise WrongSetting("RECOVERY_MONGODB_URI is needed without `recovery-plan serve`")
    return create_app(settings)
