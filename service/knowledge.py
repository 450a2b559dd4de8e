"""What the definitions say, compiled once for all services of a process that mean the same by it."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Self

from service.conformance.combinations import combinations
from service.conformance.definitions import Definitions
from service.conformance.published_parameters import published_parameters
from service.conformance.related import Existence, RelatedRules
from service.conformance.search_parameters import SearchParameter, search_parameters
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.conformance.validation.validator import Claims, Validator
from service.fhir.reference import Addresses, LiteralReference
from service.interactions.published import Published
from service.narrative.narrator import Narrator
from service.narrative.pages import Pages
from service.reporting.measures.definition import Audit
from service.reporting.views.paths import Surroundings
from service.reporting.views.ready import Tables
from service.search.contained import Containing
from service.search.content import compile_terms
from service.search.document_index import document_indexer
from service.search.index import Indexer, compile_indexer, index_hash, parameter_hashes
from service.search.references import References
from service.security.audit_event import PURPOSES, AuditEvents
from service.security.audit_event import TYPE as AUDIT_EVENT
from service.settings import Settings
from service.store.document import IndexedType
from service.store.indexes import indexes

FHIR_PATH = "/fhir/R4"
_MOST_KEPT = 4
"""Compiled forms that are kept: a service has one, tests a few."""

Parameters = dict[str, SearchParameter]


@dataclass(frozen=True, slots=True)
class Meaning:
    """The settings that decide what the definitions mean."""

    base_url: str | None
    patient_bases: tuple[str, ...]
    profiles: Claims
    references: Existence

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return those of ``settings``."""
        return cls(settings.base_url, settings.patient_bases, settings.profiles, settings.references)


class Knowledge:
    """What the definitions say, compiled; nothing of it depends on a database, a clock or a client."""

    def __init__(self, definitions: Definitions, meaning: Meaning) -> None:
        self._definitions = definitions
        self._base = meaning.base_url.rstrip("/") + FHIR_PATH if meaning.base_url else None
        self.structures = Structures(definitions)
        terminology = self.terminology = Terminology(definitions)
        local = {self._base} if self._base else set()
        self.references = References(Addresses(frozenset(local)))
        persons = self.persons = Addresses(frozenset(local.union(meaning.patient_bases)))
        self.validator = Validator(definitions, self.structures, terminology, persons.same_reference, meaning.profiles)
        self.related = RelatedRules(
            self.structures,
            self.validator.profiles_of,
            meaning.references,
            definitions.stored_types,
            self.references.addresses,
            persons,
        )
        for name in (*definitions.written_types, "Bundle"):
            self.validator.prepare(name)
        self.narrator = Narrator(terminology, persons)
        self.pages = Pages(self.narrator, self.references.addresses)
        self.parameters = {name: self._parameters(name) for name in definitions.stored_types}
        self.of_standing = {name: self._parameters(name) for name in definitions.standing_types}
        self.of_records = {name: self._parameters(name) for name in definitions.recorded_types}
        self.of_definitions = {name: published_parameters(definitions, name) for name in definitions.published_types}
        self.published = Published(definitions, self.of_definitions)

    def _parameters(self, name: str) -> Parameters:
        return search_parameters(self._definitions, self.structures, self.terminology, name)

    @property
    def written(self) -> dict[str, Parameters]:
        """The search parameters of each type that clients write."""
        return self.parameters | self.of_standing

    @cached_property
    def indexers(self) -> dict[str, Indexer]:
        """What makes of a resource of each type that clients write what it is found by."""
        return {name: compile_indexer(item.values(), self.references) for name, item in self.written.items()}

    @cached_property
    def audit_indexer(self) -> Indexer:
        """What makes of an AuditEvent what it is found by."""
        return compile_indexer(self.of_records[AUDIT_EVENT].values(), self.references)

    @cached_property
    def containing(self) -> dict[str, Containing]:
        """What finds by each type that clients write what is contained in it."""
        return {
            name: Containing(self.indexers, [item for item in parameters.values() if item.type == "reference"])
            for name, parameters in self.written.items()
        }

    @cached_property
    def indexed_types(self) -> dict[str, IndexedType]:
        """How the documents of each type are indexed."""
        return {name: self._indexed_type(name, list(item.values())) for name, item in self.written.items()}

    def _indexed_type(self, name: str, parameters: list[SearchParameter]) -> IndexedType:
        return IndexedType(
            document_indexer(self.indexers[name], compile_terms(self.structures, name), self.containing[name]),
            index_hash(parameters, self.references),
            parameter_hashes(parameters, self.references),
            indexes(parameters, combinations(self._definitions, name)),
        )

    @cached_property
    def audit_events(self) -> AuditEvents:
        """What writes the events of the audit as resources."""
        codings = self.terminology.expansion(PURPOSES)
        purposes = {code: self.terminology.display(system, code) or code for system, code in codings}
        return AuditEvents(self._base, purposes)

    @cached_property
    def tables(self) -> Tables:
        """The ready-made tables, and what makes others."""
        around = Surroundings(self.structures, self._leads_here, self.persons.same_reference)
        return Tables(self._definitions.folder / "views", around)

    def _leads_here(self, text: str) -> LiteralReference | None:
        """Return the reference in ``text`` where it leads to this server, or to one of ours at another address."""
        found = self.references.addresses.local(text)
        person = self.persons.local(text) if found is None else None
        return person if person is not None and person.type == "Patient" else found

    @cached_property
    def audits(self) -> dict[str, Audit]:
        """The measures that are evaluated, by their logical ids; raises ValueError where one cannot be."""
        addresses = self.references.addresses, self.persons
        return {
            measure["id"]: Audit(measure, self._definitions, self.structures, *addresses)
            for measure in self._definitions.of_type("Measure")
        }


@lru_cache(_MOST_KEPT)
def knowledge(definitions: Definitions, meaning: Meaning) -> Knowledge:
    """Return what ``definitions`` say, the same object each time; raises ValueError where they cannot be served."""
    return Knowledge(definitions, meaning)
