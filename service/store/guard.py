"""What a client may see and change, as the store applies it: to all that is read, and to all that is to be written.

What the client may not see counts as if it were not there, also for chains, and for what is looked up in passing.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from service.fhir.outcome import Issue, OutcomeError
from service.fhir.reference import parse_reference
from service.search.predicate import NOTHING, All, LinkedTo, OneOf, Predicate, all_of
from service.search.source import Source
from service.security.access import UNLIMITED, Access, Permission
from service.store.document import SERVED, IndexedType, Stored, index_of
from service.store.driver import Document
from service.store.filter import both, to_filter
from service.store.links import Link, answered, links_in
from service.store.pages import find_page
from service.store.reading import Reading
from service.store.tombstones import WITHDRAWN, buried

_IN_ANY_ORDER = ()
MOST_OF_ONE = 1_000
"""Resources of one type and person up to which a history is that of their ids; beyond it is looked through."""
Known = Awaitable[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Guard:
    """The access of one client, who reads single resources for the ``purpose`` of what is to be done with them."""

    types: Mapping[str, IndexedType]
    access: Access = UNLIMITED
    purpose: Permission = "r"

    def limits(self, permission: Permission, resource_type: str) -> bool:
        """Return whether ``permission`` is kept from the client for any resource of the type."""
        return self.access.is_limited and self.access.seen(permission, resource_type) is not None

    def searched(self, sources: Iterable[Source]) -> list[Source]:
        """Return ``sources`` of what the client may search for."""
        if not self.access.is_limited:
            return list(sources)
        return [
            replace(source, predicate=self._seen("s", source.type, self._narrowed(source.predicate)))
            for source in sources
        ]

    async def seen(
        self, reading: Reading, permission: Permission, resource_type: str, ids: Sequence[str]
    ) -> dict[str, Document]:
        """Return by id those resources of ``ids`` that ``permission`` is for, be they deleted.

        The same is asked of the database whether or not a resource is there.
        """
        return await self._found(reading, permission, resource_type, OneOf("_id", tuple(ids)), len(ids))

    async def _found(
        self, reading: Reading, permission: Permission, resource_type: str, wanted: Predicate, most: int
    ) -> dict[str, Document]:
        visible = self._seen(permission, resource_type, wanted)
        living, _, _ = await find_page(reading, [Source(resource_type, visible, _IN_ANY_ORDER)], most, None)
        found = {each.document["_id"]: each.document for each in living}
        if len(found) < most and not links_in(visible):
            deleted = both({"deleted": True, WITHDRAWN: {"$ne": None}}, to_filter(buried(visible)))
            gone = await reading.find(resource_type, deleted, sort={"_id": 1}, limit=most, projection=SERVED)
            found |= {document["_id"]: document for document in gone}
        return found

    async def one(self, reading: Reading, resource_type: str, resource_id: str) -> Document | None:
        """Return a resource that the client may see for its purpose, be it deleted, or None."""
        return (await self.seen(reading, self.purpose, resource_type, [resource_id])).get(resource_id)

    async def few_seen(self, reading: Reading, types: Iterable[str]) -> dict[str, list[str]]:
        """Return by type the ids of all resources that a client who sees one person may search for.

        A type of which these are more than MOST_OF_ONE is left out, and all are for a client who sees several persons.
        """
        found: dict[str, list[str]] = {}
        for name in types if self.access.patient else ():
            every = await self._found(reading, "s", name, All(), MOST_OF_ONE + 1)
            if len(every) <= MOST_OF_ONE:
                found[name] = list(every)
        return found

    async def known(self, reading: Reading, ids: Mapping[str, list[str]]) -> dict[str, list[str]]:
        """Return by type those of ``ids`` that the client may read, as far as that is limited."""
        found = {
            name: list(await self.seen(reading, "r", name, each)) if self.limits("r", name) else each
            for name, each in ids.items()
        }
        return {name: each for name, each in found.items() if each}

    async def of_the_seen(self, reading: Reading, permission: Permission, versions: Iterable[Stored]) -> list[Stored]:
        """Return those ``versions`` that ``permission`` is for, both as they stand and as their resources are now."""
        return [item for item in await self.still_seen(reading, permission, versions) if self.admits(permission, item)]

    async def still_seen(self, reading: Reading, permission: Permission, versions: Iterable[Stored]) -> list[Stored]:
        """Return those ``versions`` whose resources ``permission`` is for as they are now."""
        every = list(versions)
        ids: dict[str, dict[str, None]] = {}
        for version in every:
            ids.setdefault(version.type, {})[version.id] = None
        now = {name: set(await self.seen(reading, permission, name, list(each))) for name, each in ids.items()}
        return [item for item in every if item.id in now[item.type]]

    def admits(self, permission: Permission, version: Stored) -> bool:
        """Return whether ``permission`` is for a version as it stands; a deletion, which says nothing, is admitted."""
        if version.body is None or not self.limits(permission, version.type):
            return True
        return self.access.admits(permission, version.type, self.document(version))

    def document(self, version: Stored) -> Document:
        """Return a version in the form that access is decided by."""
        return {"_id": version.id, **index_of(version, self.types[version.type])}

    async def permit(
        self, permission: Permission, resource_type: str, document: Document, known: Callable[[set[str]], Known]
    ) -> None:
        """Raise OutcomeError 403 where the client may not write the document, or not of what it is about.

        ``known`` returns those of some resources (``Type/id``) that the client may read.
        """
        if not self.access.is_limited:
            return
        if not self.access.admits(permission, resource_type, document):
            sentence = f"What this would leave is a {resource_type} that this client may not write"
            raise OutcomeError(Issue("forbidden", sentence, resource_type))
        links = self._followed(permission, resource_type)
        about = self._about(links, document)
        if links and not (about and about <= (await known(about)).keys()):
            sentence = f"What this {resource_type} is about is not there for this client"
            raise OutcomeError(Issue("forbidden", sentence, resource_type))

    def check_unlimited(self, types: Iterable[str]) -> None:
        """Raise OutcomeError 403 where the client may not search for all resources of ``types``."""
        if any(self.limits("s", name) for name in types):
            raise OutcomeError(Issue("forbidden", "What is asked cannot be limited to what this client may see"))

    def _followed(self, permission: Permission, resource_type: str) -> list[LinkedTo]:
        """Return the links to the resources that decide who may see one of the type."""
        visible = self.access.seen(permission, resource_type)
        return [] if visible is None else [link for link in links_in(visible) if isinstance(link, LinkedTo)]

    def _about(self, links: Iterable[LinkedTo], document: Document) -> set[str]:
        """Return the resources (``Type/id``) to which a document has one of ``links``."""
        texts = [
            text.removeprefix(link.start)
            for link in links
            for text in document.get(link.field, ())
            if text.startswith(f"{link.start}{link.type}/")
        ]
        return {found.relative for found in map(parse_reference, texts) if found is not None}

    def visible(self, permission: Permission, resource_type: str, wanted: Predicate) -> Predicate:
        """Return what holds of those resources that are ``wanted`` and that ``permission`` is for; it has no links.

        Where others decide that too, some are left that it is not for.
        """
        visible = self._seen(permission, resource_type, wanted)
        return wanted if links_in(visible) else visible

    def _seen(self, permission: Permission, resource_type: str, wanted: Predicate) -> Predicate:
        visible = self.access.seen(permission, resource_type)
        return wanted if visible is None else NOTHING if visible == NOTHING else all_of([wanted, visible])

    def _narrowed(self, predicate: Predicate) -> Predicate:
        """Return ``predicate`` with nothing at the far end of its links but what the client may search for."""
        links = links_in(predicate)
        return answered(predicate, {link: replace(link, part=self._far(link)) for link in links})

    def _far(self, link: Link) -> Predicate:
        return self._seen("s", link.type, self._narrowed(link.part))
