"""What interactions work with: what the definitions say, with one set of settings, on one database."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property, partial

from service.conformance.compartments import compartments
from service.conformance.definitions import Definitions
from service.conformance.links import LinkRewriter
from service.conformance.xml import Xml
from service.fhir.datetimes import microseconds
from service.interactions.audited import Audited
from service.interactions.context import Context, Limits
from service.interactions.narratives import Narratives
from service.interactions.subscription.offer import Offer
from service.knowledge import Meaning, knowledge
from service.reporting.dashboard.drawn import Drawings
from service.reporting.measures.disclosure import Disclosure
from service.reporting.measures.kept import KeptResults
from service.reporting.measures.measures import Measures
from service.reporting.measures.strata import Strata
from service.search.request import SearchParser
from service.search.request import Settings as SearchSettings
from service.security.access import Accesses
from service.security.audit_event import AuditEvents
from service.security.smart import SmartConfiguration
from service.settings import Settings
from service.store.audit_reading import AuditReading
from service.store.destination import Destination
from service.store.document import IndexedType
from service.store.driver import Driver
from service.store.jobs import Jobs
from service.store.measures import KeptCounts
from service.store.open import page_secret, rounding_secret
from service.store.readiness import Readiness
from service.store.resources import ResourceStore

Clock = Callable[[], datetime]
Ids = Callable[[], str]


class Compiled:
    """What the definitions say, with one set of settings."""

    def __init__(self, definitions: Definitions, settings: Settings, clock: Clock) -> None:
        self._definitions = definitions
        self._settings = settings
        self._clock = clock
        self._known = knowledge(definitions, Meaning.of(settings))
        self._narratives = Narratives(self._known.narrator, settings.narrative, self._known.validator.knows)

    @property
    def indexed_types(self) -> dict[str, IndexedType]:
        """How the documents of each type are indexed."""
        return self._known.indexed_types

    @property
    def audit_events(self) -> AuditEvents:
        """What writes the events of the audit as resources."""
        return self._known.audit_events

    @cached_property
    def accesses(self) -> Accesses:
        """What makes the access of each client."""
        known = self._known
        return Accesses(self._search_parser(), known.of_definitions, known.references.addresses, known.persons)

    async def context(self, driver: Driver, new_id: Ids, smart: SmartConfiguration) -> Context:
        """Return what interactions work with, once ``driver`` is prepared."""
        secret = self._settings.page_secret
        key = secret.encode() if secret else await page_secret(driver)
        return Context(
            definitions=self._definitions,
            structures=self._known.structures,
            xml=Xml(self._known.structures),
            validator=self._known.validator,
            related=self._known.related,
            links=LinkRewriter(self._known.structures),
            narratives=self._narratives,
            pages=self._known.pages,
            search_parser=self._search_parser(),
            indexers={name: item.indexer for name, item in self.indexed_types.items()},
            containing=self._known.containing,
            compartments=compartments(self._definitions),
            readiness=Readiness(driver, self.indexed_types),
            published=self._known.published,
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
            tables=self._known.tables,
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
            self._known.audits,
            KeptResults(store, KeptCounts(driver), self._clock),
            Disclosure(await rounding_secret(driver), strata.always_told),
            strata,
            store.settled,
            self._clock,
        )

    def _audited(self, driver: Driver) -> Audited:
        return Audited(
            AuditReading(driver),
            self.audit_events,
            self._known.audit_indexer,
            self._known.references.addresses,
            self._settings.search_seconds,
        )

    def _search_parser(self) -> SearchParser:
        settings, known = self._settings, self._known
        allowed = SearchSettings(settings.default_page_size, settings.max_page_size, settings.explain)
        types = known.written | known.of_records | known.of_definitions
        now = partial(_microseconds, self._clock)
        return SearchParser(types, known.parameters, known.terminology, known.references, now, allowed)


def _microseconds(clock: Clock) -> int:
    return microseconds(clock())
