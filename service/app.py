"""The composition root: settings become an application."""

import logging
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from service.adapted_measure import definitions_of
from service.auditing import audit_log, check_audit
from service.authentication import authentication
from service.background.jobs import JobRunner
from service.background.running import running
from service.background.subscriptions import subscriptions
from service.compiled import Clock, Compiled, Ids
from service.conformance.definitions import Definitions
from service.fhir.versions import R4
from service.interactions.clients import Clients
from service.knowledge import FHIR_PATH
from service.rest.access_log import access_log
from service.rest.auth import Authenticator
from service.rest.cors import with_cors
from service.rest.endpoint import FhirEndpoint
from service.rest.errors import framework_refusal
from service.rest.forwarded import with_forwarded
from service.rest.health import health_routes
from service.rest.http import Service
from service.rest.local_hosts import with_local_hosts
from service.rest.metrics import Metrics, metrics_route
from service.rest.observed import Observer, with_observers
from service.rest.pages import page_routes
from service.rest.plain_paths import with_plain_paths
from service.rest.rate_limit import RateLimit
from service.rest.reports import lead_to_operation
from service.rest.request_id import with_request_id
from service.rest.security_headers import with_security_headers
from service.rest.smart_configuration import smart_configuration_route
from service.security.access import UNLIMITED, Access
from service.security.client import Client
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
    edge: ASGIApp
    """What requests pass before they are answered."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live from start to end."""
        if scope["type"] == "http":
            await self.edge(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request that has passed the edge."""
        lead_to_operation(scope, FHIR_PATH)
        if self.endpoint.is_at(scope):
            await self.endpoint(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def edge(app: ASGIApp, settings: Settings, observers: Sequence[Observer]) -> ASGIApp:
    """Return ``app`` behind what every request passes on its way in, and its answer on the way out: read it upwards."""
    if settings.auth == "none" and not settings.allow_unauthenticated:
        app = with_local_hosts(app)
    app = with_plain_paths(app)
    app = with_forwarded(app, settings.trusted_proxies)
    app = with_cors(app, settings.cors_origins)
    app = with_security_headers(app)
    app = with_observers(app, observers)
    return with_request_id(app)


def create_app(
    settings: Settings,
    *,
    definitions: Definitions | None = None,
    clock: Clock = lambda: datetime.now(UTC),
    new_id: Ids = time_ordered_id,
) -> FastAPI:
    """Return the application; its lifespan opens and closes the database that ``settings`` name.

    Raises WrongSetting where there is no key for the audit that they want, or the Measure cannot be carried out.
    """
    check_audit(settings)
    known = authentication(settings)
    endpoint = FhirEndpoint(
        Service(R4, FHIR_PATH, settings.base_url, settings.max_body_bytes),
        Authenticator(known.tokens),
        RateLimit(settings.rate_limit),
    )
    definitions = definitions or definitions_of(settings)
    compiled = Compiled(definitions, settings, clock)
    metrics = Metrics()
    access_of = _everything if known.tokens is None else compiled.accesses.of

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        driver = Driver(settings.mongodb_driver, str(settings.mongodb_uri), settings.mongodb_database)
        try:
            async with audit_log(settings, driver, clock) as audit:
                await prepare(driver, compiled.indexed_types)
                context = endpoint.context = replace(await compiled.context(driver, new_id, known.smart), audit=audit)
                endpoint.clients = Clients(context, access_of)
                for name in definitions.stored_types:
                    if pending := await context.readiness.pending(name):
                        words = "%s waits to be indexed by %s: run `recovery-plan reindex`"
                        log.warning(words, name, ", ".join(pending))
                delivered = subscriptions(settings, driver, compiled, context, endpoint.clients)
                async with running(JobRunner(context.jobs, endpoint.clients.context_of).run(), *delivered):
                    yield
        finally:
            await driver.close()

    app = Application(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        exception_handlers={HTTPException: framework_refusal},
        routes=[
            *health_routes(lambda: endpoint.context.store.check()),
            metrics_route(
                metrics,
                settings.metrics_from,
                lambda: endpoint.context.store.check(),
                lambda: endpoint.context.audit.waiting if endpoint.context.audit else 0,
            ),
            smart_configuration_route(FHIR_PATH, known.smart),
            *page_routes(definitions),
        ],
        redirect_slashes=False,
    )
    app.endpoint = endpoint
    app.edge = edge(app.answer, settings, [metrics.observe, *_access_log(settings, definitions, app.routes)])
    return app


def _access_log(settings: Settings, definitions: Definitions, routes: Iterable[BaseRoute]) -> list[Observer]:
    addresses = [route.path for route in routes if isinstance(route, Route)]
    return [access_log(definitions, [FHIR_PATH, *addresses])] if settings.access_log else []


def _everything(_: Client) -> Access:
    return UNLIMITED


def from_environment() -> FastAPI:
    """Return the application that the environment's settings describe; raises WrongSetting where they do not suffice.

    It is what each worker runs, with the connection string that `recovery-plan serve` has put there.
    """
    settings = read_settings()
    if settings.mongodb_uri is None:
        raise WrongSetting("RECOVERY_MONGODB_URI is needed without `recovery-plan serve`")
    return create_app(settings)
