"""The definitions that the service holds, to be read and searched (https://hl7.org/fhir/R4/conformance-module.html).

They are part of the service and the same for everybody: to the types that the CapabilityStatement gives neither create
nor update, nobody writes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.conformance.definitions import Definition, Definitions
from service.conformance.search_parameters import SearchParameter
from service.fhir import json
from service.fhir.reference import Addresses
from service.search.index import compile_indexer
from service.search.memory import Document, holds, in_order
from service.search.predicate import Predicate
from service.search.source import SortKey
from service.search.types.reference import References


@dataclass(frozen=True, slots=True)
class PublishedDefinition:
    """A definition as a resource."""

    type: str
    id: str
    content: Definition

    @property
    def body(self) -> bytes:
        """Its JSON text."""
        return json.dump(self.content)


@dataclass(frozen=True, slots=True)
class PublishedPage:
    """Matches of a search, and the place of the last one where more follow."""

    matches: list[PublishedDefinition]
    place: list[Any] | None


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
        self, resource_type: str, predicate: Predicate, sort: Sequence[SortKey], count: int, after: list[Any] | None
    ) -> PublishedPage:
        """Return at most ``count`` matches in the order of ``sort``, from the place ``after`` on."""
        start = after[0] if after else 0
        found = in_order(self._matches(resource_type, predicate), sort)
        matches = [self._by_id[resource_type, document["_id"]] for document in found[start : start + count]]
        return PublishedPage(matches, [start + count] if start + count < len(found) else None)

    async def count(self, resource_type: str, predicate: Predicate) -> int:
        """Return how many definitions match."""
        return len(self._matches(resource_type, predicate))

    def _matches(self, resource_type: str, predicate: Predicate) -> list[Document]:
        return [document for document in self._documents[resource_type] if holds(predicate, document)]
