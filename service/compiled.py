"""What the definitions say, compiled for one set of settings."""

from collections.abc import Callable
from datetime import datetime
from functools import cached_property

from service.conformance.definitions import Definitions
from service.conformance.links import LinkRewriter
from service.conformance.search_parameters import SearchParameter, search_parameters
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.conformance.validation.primitives import primitive_checks
from service.conformance.validation.validator import Validator
from service.fhir.datetimes import microseconds
from service.interactions.context import Context, Limits
from service.search.index import compile_indexer, index_hash
from service.search.request import PageSizes, SearchParser
from service.search.types.reference import References
from service.settings import Settings
from service.store.document import IndexedType
from service.store.driver import Driver
from service.store.open import page_secret
from service.store.resources import ResourceStore

FHIR_PATH = "/fhir/R4"

Clock = Callable[[], datetime]
Ids = Callable[[], str]


class Compiled:
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

    @cached_property
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
            links=LinkRewriter(self._structures),
            parsers={
                name: SearchParser(parameters, self._references, sizes, lambda: microseconds(self._clock()))
                for name, parameters in self._parameters.items()
            },
            store=ResourceStore(driver, self.indexed_types, self._clock),
            page_secret=secret.encode() if secret else await page_secret(driver),
            new_id=new_id,
            limits=Limits(self._settings.max_bundle_entries, self._settings.if_match_required),
        )

    @cached_property
    def indexed_types(self) -> dict[str, IndexedType]:
        """How the documents of each type are indexed."""
        return {
            name: IndexedType(
                compile_indexer(parameters.values(), self._references),
                index_hash(parameters.values(), self._references),
            )
            for name, parameters in self._parameters.items()
        }
