"""The search parameters of a type, with a search by each (https://hl7.org/fhir/R4/searchparameter.html)."""

from dataclasses import dataclass

from service.conformance.definitions import CANONICAL, Definition, Definitions
from service.conformance.openapi.samples import Samples
from service.conformance.openapi.searches import Searches


@dataclass(frozen=True, slots=True)
class SearchRow:
    """A search parameter of a type."""

    code: str
    type: str
    meaning: str
    modifiers: list[str]
    leads_on: str
    """The types that a chain can go on to, as a sentence names them; empty where there is none."""
    example: str
    """A value to search by."""


class SearchTable:
    """The search parameters of every type that clients write."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._searches = Searches(definitions, Samples(definitions))

    def own(self, resource_type: str) -> list[SearchRow]:
        """Return those of our own."""
        return [self._row(resource_type, item) for item in self._served(resource_type) if _is_own(item)]

    def standard(self, resource_type: str) -> list[SearchRow]:
        """Return those of FHIR, the ones that all types have last."""
        found = [item for item in self._served(resource_type) if not _is_own(item)]
        return [self._row(resource_type, item) for item in sorted(found, key=_for_all_types)]

    def further(self, resource_type: str) -> dict[str, str]:
        """Return searches by modifiers, chains and other names: values by names."""
        return self._searches.further(resource_type)

    def _served(self, resource_type: str) -> list[Definition]:
        listed: list[Definition] = self._definitions.resource_capabilities[resource_type]["searchParam"]
        return listed

    def _row(self, resource_type: str, item: Definition) -> SearchRow:
        code = item["name"]
        return SearchRow(
            code,
            item["type"],
            self._searches.meaning(item),
            self._searches.modifiers(resource_type, code),
            self._searches.leads_on(resource_type, code),
            self._searches.example(resource_type, item),
        )


def _is_own(item: Definition) -> bool:
    return str(item["definition"]).startswith(CANONICAL)


def _for_all_types(item: Definition) -> bool:
    return str(item["name"]).startswith("_")
