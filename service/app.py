"""The composition root: settings become an application."""

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from service.conformance.definitions import Definitions
from service.conformance.primitives import primitive_checks
from service.conformance.search_parameters import SearchParameter, search_parameters
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.conformance.validate import Validator
from service.fhir.datetimes import microseconds
from service.fhir.versions import R4
from service.interactions.context import Context, Limits
from service.rest.endpoint import FhirEndpoint
from service.rest.errors import framework_refusal
from service.rest.health import health_routes
from service.rest.http import Service
from service.rest.pages import page_routes
from service.search.index import compile_indexer, index_hash
from service.search.request import PageSizes, SearchParser
from service.search.types.reference import References
from service.settings import Settings, read_settings
from service.store.document import IndexedType
from service.store.driver import Driver
from service.store.open import page_secret, prepare
from service.store.resources import ResourceStore

FHIR_PATH = "/fhir/R4"

Clock = Callable[[], datetime]
Ids = Callable[[], str]


def create_app(
    settings: Settings,
    *,
    definitions: Definitions | None = None,
    clock: Clock = lambda: datetime.now(UTC),
    new_id: Ids = lambda: str(uuid.uuid4()),
) -> FastAPI:
    """Return the application; its lifespan opens and closes the database that ``settings`` name."""
    endpoint = FhirEndpoint(Service(R4, FHIR_PATH, settings.base_url, settings.max_body_bytes))
    compiled = _Compiled(definitions or Definitions(R4), settings, clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        driver = Driver(settings.mongodb_driver, str(settings.mongodb_uri), settings.mongodb_database)
        try:
            await prepare(driver, compiled.parameters_by_type)
            endpoint.context = await compiled.context(driver, new_id)
            yield
        finally:
            await driver.close()

    return FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        exception_handlers={HTTPException: framework_refusal},
        routes=[*page_routes(), *health_routes(lambda: endpoint.context.store.check()), *endpoint.routes()],
        redirect_slashes=False,
    )


def from_environment() -> FastAPI:
    """Return the application that the environment's settings describe (what each worker runs)."""
    return create_app(read_settings())


class _Compiled:
    """What the definitions say, compiled for one set of settings."""

    def __init__(self, definitions: Definitions, settings: Settings, clock: Clock) -> None:
        self._definitions = definitions
        self._settings = settings
        self._clock = clock
        self._structures = Structures(definitions)
        terminology = Terminology(definitions)
        self._validator = Validator(self._structures, terminology, primitive_checks(definitions))
        for name in (*definitions.served_types, "Bundle"):
            self._validator.prepare(name)
        self._parameters = {
            name: search_parameters(definitions, self._structures, terminology, name)
            for name in definitions.served_types
        }
        bases = {settings.base_url.rstrip("/") + FHIR_PATH} if settings.base_url else set()
        self._references = References(frozenset(bases))

    @property
    def parameters_by_type(self) -> dict[str, list[SearchParameter]]:
        """The search parameters of each type that is served."""
        return {name: list(parameters.values()) for name, parameters in self._parameters.items()}

    async def context(self, driver: Driver, new_id: Ids) -> Context:
        """Return what interactions work with, once ``driver`` is prepared."""
        sizes = PageSizes(self._settings.default_page_size, self._settings.max_page_size)
        secret = self._settings.page_secret
        return Context(
            definitions=self._definitions,
            structures=self._structures,
            validator=self._validator,
            parsers={
                name: SearchParser(parameters, self._references, sizes, lambda: microseconds(self._clock()))
                for name, parameters in self._parameters.items()
            },
            store=ResourceStore(driver, self._indexed_types(), self._clock),
            page_secret=secret.encode() if secret else await page_secret(driver),
            new_id=new_id,
            limits=Limits(self._settings.max_bundle_entries, self._settings.if_match_required),
        )

    def _indexed_types(self) -> dict[str, IndexedType]:
        return {
            name: IndexedType(
                compile_indexer(parameters.values(), self._references),
                index_hash(parameters.values(), self._references),
            )
            for name, parameters in self._parameters.items()
        }
