"""What every interaction works with: the compiled definitions, the store, and the service's limits."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from service.conformance.compartments import Compartment
from service.conformance.definitions import Definitions
from service.conformance.links import LinkRewriter
from service.conformance.related import RelatedRules
from service.conformance.structures import Structures
from service.conformance.validation.validator import Validator
from service.conformance.xml import Xml
from service.interactions.audited import Audited
from service.interactions.narratives import Narratives
from service.interactions.published import Published
from service.interactions.subscription.offer import Offer
from service.narrative.pages import Pages
from service.reporting.dashboard.drawn import Drawings
from service.reporting.measures.measures import Measures
from service.reporting.views.ready import Tables
from service.search.contained import Containing
from service.search.index import Indexer
from service.search.request import SearchParser
from service.security.access import UNLIMITED, Access
from service.security.smart import SmartConfiguration
from service.store.audit_log import AuditLog
from service.store.destination import Destination
from service.store.document import Stored
from service.store.jobs import Jobs
from service.store.readiness import Readiness
from service.store.resources import ResourceStore

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits that a client can meet."""

    bundle_entries: int
    require_if_match: bool
    idempotency_kept: timedelta
    """How long the answer to a write with an Idempotency-Key is remembered."""
    conditional_delete: int
    """Resources that one conditional delete may delete."""
    require_label: bool
    """Whether what clients write needs a label of confidentiality."""
    export_file_resources: int
    """Resources in one file of an export."""
    body_bytes: int
    """Bytes of a request, and of a resource that is imported."""
    import_bytes: int
    """Bytes of an import."""


@dataclass(frozen=True, slots=True)
class Context:
    """Passed to each interaction; a transaction passes one that is bound to its own store."""

    definitions: Definitions
    structures: Structures
    xml: Xml
    """Reads and writes resources in XML."""
    validator: Validator
    related: RelatedRules
    links: LinkRewriter
    narratives: Narratives
    pages: Pages
    search_parser: SearchParser
    """Reads searches over the types that are served."""
    indexers: Mapping[str, Indexer]
    """Make the search index of a resource of each type that is stored."""
    containing: Mapping[str, Containing]
    """Make the search indexes of what a resource of each type that is stored contains."""
    compartments: Mapping[str, Compartment]
    readiness: Readiness
    published: Published
    audited: Audited
    """The AuditEvents, to be searched."""
    store: ResourceStore
    page_secret: bytes
    new_id: Callable[[], str]
    limits: Limits
    smart: SmartConfiguration
    """What clients are told of authorisation."""
    offer: Offer
    """What is offered to who subscribes."""
    tables: Tables
    """The flat tables of resources."""
    jobs: Jobs
    """What is done in the background."""
    measures: Measures
    """What is reported of the service as a whole."""
    drawings: Drawings
    """Draws the pictures of it."""
    export_to: Destination | None
    """Where exports are written; None where the service gives their files out itself."""
    audit: AuditLog | None = None
    """Where each request is recorded; None where that is switched off."""
    access: Access = UNLIMITED
    """What the client who asks may see and change."""
    written: list[Stored] | None = None
    """The versions that a transaction of a client has written so far, which have one Provenance; else None."""

    @property
    def answers_are_redacted(self) -> bool:
        """Whether the client is not cleared for every label, so that something may be missing; not whether it is."""
        return not self.access.has_full_clearance

    async def in_transaction(self, work: "Callable[[Context], Awaitable[T]]") -> T:
        """Return what ``work`` returns, having committed all that it wrote or none; it may have to run again."""
        return await self.store.transaction(lambda store: work(replace(self, store=store)))
