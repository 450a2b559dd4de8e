"""The definitions that the service holds, to be read and searched (https://hl7.org/fhir/R4/conformance-module.html).

They are part of the service and the same for everybody: to the types that the CapabilityStatement gives neither create
nor update, nobody writes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.conformance.definitions import Definition, Definitions
from service.conformance.search_parameters import SearchParameter
from service.fhir import json
from service.fhir.reference import Addresses
from service.fhir.touched import Touched
from service.search.index import compile_indexer
from service.search.memory import Document, holds, in_order
from service.search.references import References
from service.search.source import Source
from service.store.place import Place


@dataclass(frozen=True, slots=True)
class PublishedDefinition:
    """A definition as a resource."""

    type: str
    id: str
    content: Definition

    touched: tuple[Touched, ...] = ()

    @property
    def body(self) -> bytes:
        """Its JSON text."""
        return json.dump(self.content)


@dataclass(frozen=True, slots=True)
class PublishedPage:
    """Matches of a search, and the place of the last one where more follow."""

    matches: list[PublishedDefinition]
    before: Place | None
    after: Place | None
    moment: None = None


class Published:
    """The definitions of the types that ``parameters`` name; searched as a store is.

    Raises ValueError where one has no id, or that of another.
    """

    def __init__(self, definitions: Definitions, parameters: Mapping[str, Mapping[str, SearchParameter]]) -> None:
        self._documents: dict[str, list[Document]] = {}
        self._by_id: dict[tuple[str, str], PublishedDefinition] = {}
        for name, of_type in parameters.items():
            index = compile_indexer(of_type.values(), References(Addresses()))
            self._documents[name] = []
            for item in definitions.of_type(name):
                key = name, item.get("id", "")
                if key in self._by_id or not key[1]:
                    raise ValueError(f"{item['url']} needs an id that no other {name} has, for it is read by that")
                self._by_id[key] = PublishedDefinition(*key, item)
                self._documents[name].append({"_id": key[1], **index(item)})

    def holds_type(self, resource_type: str) -> bool:
        """Return whether ``resource_type`` is one of which definitions are published."""
        return resource_type in self._documents

    def read(self, resource_type: str, resource_id: str) -> PublishedDefinition | None:
        """Return the definition with this id, or None."""
        return self._by_id.get((resource_type, resource_id))

    async def search(
        self, sources: Sequence[Source], count: int, place: Place | None = None, *, at: None = None
    ) -> PublishedPage:
        """Return at most ``count`` matches, from ``place`` on; nothing changes, so all are as they are."""
        start = place.values[0] if place else 0
        found = [match for source in sources for match in self._matches(source)]
        end = start + count
        before = Place((max(0, start - count),)) if start else None
        return PublishedPage(found[start:end], before, Place((end,)) if end < len(found) else None)

    async def count(self, sources: Sequence[Source], *, at: None = None) -> int:
        """Return how many definitions match."""
        return sum(len(self._matches(source)) for source in sources)

    def _matches(self, source: Source) -> list[PublishedDefinition]:
        found = [document for document in self._documents[source.type] if holds(source.predicate, document)]
        return [self._by_id[source.type, document["_id"]] for document in in_order(found, source.sort)]
