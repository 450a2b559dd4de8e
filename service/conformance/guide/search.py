"""The search parameters of a type, with a search by each (https://hl7.org/fhir/R4/searchparameter.html)."""

from dataclasses import dataclass

from service.conformance.definitions import CANONICAL, Definition, Definitions
from service.conformance.openapi.parameters import Parameters
from service.conformance.openapi.samples import Samples


@dataclass(frozen=True, slots=True)
class SearchRow:
    """A search parameter of a type."""

    code: str
    type: str
    meaning: str
    example: str | None
    """A value to search by; None where the service does not search by it yet."""


class SearchTable:
    """The search parameters of every type that clients write."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._parameters = Parameters(definitions, Samples(definitions))

    def own(self, resource_type: str) -> list[SearchRow]:
        """Return those of our own, also where they are only published so far."""
        served = {item["definition"]: item for item in self._served(resource_type)}
        return [
            self._row(resource_type, served[item["url"]]) if item["url"] in served else _only_published(item)
            for item in self._definitions.of_type("SearchParameter")
            if item["url"].startswith(CANONICAL) and resource_type in item["base"]
        ]

    def standard(self, resource_type: str) -> list[SearchRow]:
        """Return those of FHIR that are served, the ones that all types have last."""
        found = [item for item in self._served(resource_type) if not item["definition"].startswith(CANONICAL)]
        return [self._row(resource_type, item) for item in sorted(found, key=_for_all_types)]

    def _served(self, resource_type: str) -> list[Definition]:
        listed: list[Definition] = self._definitions.resource_capabilities[resource_type]["searchParam"]
        return listed

    def _row(self, resource_type: str, item: Definition) -> SearchRow:
        meaning, example = self._parameters.meaning(item), self._parameters.example(resource_type, item)
        return SearchRow(item["name"], item["type"], meaning, example)


def _only_published(definition: Definition) -> SearchRow:
    return SearchRow(definition["code"], definition["type"], definition["description"], None)


def _for_all_types(item: Definition) -> bool:
    return str(item["name"]).startswith("_")
