"""What the definitions say, compiled for one set of settings."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property, partial

from service.conformance.combinations import combinations
from service.conformance.compartments import compartments
from service.conformance.definitions import Definitions
from service.conformance.links import LinkRewriter
from service.conformance.published_parameters import published_parameters
from service.conformance.related import RelatedRules
from service.conformance.search_parameters import SearchParameter, search_parameters
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.conformance.validation.validator import Validator
from service.conformance.xml import Xml
from service.fhir.datetimes import microseconds
from service.fhir.reference import Addresses, LiteralReference
from service.interactions.audited import Audited
from service.interactions.context import Context, Limits
from service.interactions.narratives import Narratives
from service.interactions.published import Published
from service.interactions.subscription.offer import Offer
from service.narrative.narrator import Narrator
from service.narrative.pages import Pages
from service.reporting.dashboard.drawn import Drawings
from service.reporting.measures.definition import Audit
from service.reporting.measures.disclosure import Disclosure
from service.reporting.measures.kept import KeptResults
from service.reporting.measures.measures import Measures
from service.reporting.measures.strata import Strata
from service.reporting.views.paths import Surroundings
from service.reporting.views.ready import Tables
from service.search.contained import Containing
from service.search.content import compile_terms
from service.search.document_index import document_indexer
from service.search.index import Indexer, compile_indexer, index_hash, parameter_hashes
from service.search.references import References
from service.search.request import SearchParser
from service.search.request import Settings as SearchSettings
from service.security.access import Accesses
from service.security.audit_event import PURPOSES, AuditEvents
from service.security.audit_event import TYPE as AUDIT_EVENT
from service.security.smart import SmartConfiguration
from service.settings import Settings
from service.store.audit_reading import AuditReading
from service.store.destination import Destination
from service.store.document import IndexedType
from service.store.driver import Driver
from service.store.indexes import indexes
from service.store.jobs import Jobs
from service.store.measures import KeptCounts
from service.store.open import page_secret, rounding_secret
from service.store.readiness import Readiness
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
        terminology = self._terminology = Terminology(definitions)
        local = {settings.base_url.rstrip("/") + FHIR_PATH} if settings.base_url else set()
        self._references = References(Addresses(frozenset(local)))
        persons = self._persons = Addresses(frozenset(local.union(settings.patient_bases)))
        self._validator = Validator(
            definitions, self._structures, terminology, persons.same_reference, settings.profiles
        )
        self._related = RelatedRules(
            self._structures,
            self._validator.profiles_of,
            settings.references,
            definitions.stored_types,
            self._references.addresses,
            persons,
        )
        for name in (*definitions.written_types, "Bundle"):
            self._validator.prepare(name)
        narrator = Narrator(terminology, persons)
        self._pages = Pages(narrator, self._references.addresses)
        self._narratives = Narratives(narrator, settings.narrative, self._validator.knows)
        self._parameters = {
            name: search_parameters(definitions, self._structures, terminology, name)
            for name in definitions.stored_types
        }
        self._of_standing = {
            name: search_parameters(definitions, self._structures, terminology, name)
            for name in definitions.standing_types
        }
        self._of_definitions = {name: published_parameters(definitions, name) for name in definitions.published_types}
        self._published = Published(definitions, self._of_definitions)
        self._of_records = {
            name: search_parameters(definitions, self._structures, terminology, name)
            for name in definitions.recorded_types
        }

    async def context(self, driver: Driver, new_id: Ids, smart: SmartConfiguration) -> Context:
        """Return what interactions work with, once ``driver`` is prepared."""
        secret = self._settings.page_secret
        key = secret.encode() if secret else await page_secret(driver)
        return Context(
            definitions=self._definitions,
            structures=self._structures,
            xml=Xml(self._structures),
            validator=self._validator,
            related=self._related,
            links=LinkRewriter(self._structures),
            narratives=self._narratives,
            pages=self._pages,
            search_parser=self._search_parser(),
            indexers={name: item.indexer for name, item in self.indexed_types.items()},
            containing=self._containing,
            compartments=compartments(self._definitions),
            readiness=Readiness(driver, self.indexed_types),
            published=self._published,
            audited=self._audited(driver),
            store=ResourceStore(driver, self.indexed_types, self._clock, self._settings.search_seconds),
            page_secret=key,
            new_id=new_id,
            limits=Limits(
                self._settings.max_bundle_entries,
                self._settings.require_if_match,
                timedelta(hours=self._settings.idempotency_hours),
                self._settings.max_conditional_delete,
                self._settings.require_label,
                self._settings.export_file_resources,
                self._settings.max_body_bytes,
                self._settings.max_import_bytes,
            ),
            smart=smart,
            tables=self._tables,
            offer=Offer(frozenset(self._settings.subscription_hosts), key),
            export_to=Destination(self._settings.export_to) if self._settings.export_to else None,
            jobs=Jobs(driver, self._clock, timedelta(hours=self._settings.job_hours)),
            measures=await self._measures(driver),
            drawings=Drawings(),
        )

    async def _measures(self, driver: Driver) -> Measures:
        strata = Strata.of(self._definitions)
        store = ResourceStore(driver, self.indexed_types, self._clock, self._settings.search_seconds)
        return Measures(
            self._audits,
            KeptResults(store, KeptCounts(driver), self._clock),
            Disclosure(await rounding_secret(driver), strata.always_told),
            strata,
            store.settled,
            self._clock,
        )

    @cached_property
    def _tables(self) -> Tables:
        around = Surroundings(self._structures, self._leads_here, self._persons.same_reference)
        return Tables(self._definitions.folder / "views", around)

    def _leads_here(self, text: str) -> LiteralReference | None:
        """Return the reference in ``text`` where it leads to this server, or to one of ours at another address."""
        found = self._references.addresses.local(text)
        person = self._persons.local(text) if found is None else None
        return person if person is not None and person.type == "Patient" else found

    @cached_property
    def _audits(self) -> dict[str, Audit]:
        """The measures that are evaluated, by their logical ids; raises ValueError where one cannot be."""
        addresses = self._references.addresses, self._persons
        return {
            measure["id"]: Audit(measure, self._definitions, self._structures, *addresses)
            for measure in self._definitions.of_type("Measure")
        }

    def _audited(self, driver: Driver) -> Audited:
        return Audited(
            AuditReading(driver),
            self.audit_events,
            compile_indexer(self._of_records[AUDIT_EVENT].values(), self._references),
            self._references.addresses,
            self._settings.search_seconds,
        )

    @property
    def audit_events(self) -> AuditEvents:
        """What writes the events of the audit as resources."""
        base = self._settings.base_url
        codings = self._terminology.expansion(PURPOSES)
        purposes = {code: self._terminology.display(system, code) or code for system, code in codings}
        return AuditEvents(base.rstrip("/") + FHIR_PATH if base else None, purposes)

    @cached_property
    def accesses(self) -> Accesses:
        """What makes the access of each client."""
        return Accesses(self._search_parser(), self._of_definitions, self._references.addresses, self._persons)

    def _search_parser(self) -> SearchParser:
        settings = self._settings
        allowed = SearchSettings(settings.default_page_size, settings.max_page_size, settings.explain)
        types = self._stored | self._of_records | self._of_definitions
        now = partial(_microseconds, self._clock)
        return SearchParser(types, self._parameters, self._terminology, self._references, now, allowed)

    @property
    def _stored(self) -> dict[str, dict[str, SearchParameter]]:
        """The search parameters of each type that clients write."""
        return self._parameters | self._of_standing

    @cached_property
    def _indexers(self) -> dict[str, Indexer]:
        return {name: compile_indexer(item.values(), self._references) for name, item in self._stored.items()}

    @cached_property
    def _containing(self) -> dict[str, Containing]:
        return {
            name: Containing(self._indexers, [item for item in parameters.values() if item.type == "reference"])
            for name, parameters in self._stored.items()
        }

    @cached_property
    def indexed_types(self) -> dict[str, IndexedType]:
        """How the documents of each type are indexed."""
        return {name: self._indexed_type(name, list(item.values())) for name, item in self._stored.items()}

    def _indexed_type(self, name: str, parameters: list[SearchParameter]) -> IndexedType:
        return IndexedType(
            document_indexer(self._indexers[name], compile_terms(self._structures, name), self._containing[name]),
            index_hash(parameters, self._references),
            parameter_hashes(parameters, self._references),
            indexes(parameters, combinations(self._definitions, name)),
        )


def _microseconds(clock: Clock) -> int:
    return microseconds(clock())
