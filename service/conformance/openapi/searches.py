"""Search parameters in words: what each is for, how its values are written, its modifiers, and a search by it."""

from functools import cache

from service.conformance.definitions import Definition, Definitions
from service.conformance.openapi.samples import Samples
from service.conformance.openapi.tables import Table, refer, searches, table
from service.conformance.published_parameters import published_parameters
from service.conformance.search_modifiers import modifiers_of
from service.conformance.search_parameters import SearchParameter, search_parameters
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology

_PREFILLED = ("patient", "target")
"""Of these Swagger UI fills in the first that finds a sample, and that one alone: all at once would find nobody."""
_ANY_TYPE = "[type]"
_KINDS = table("parameters")["types"]
_OF_DEFINITIONS = table("parameters")["definitions"]


class Searches:
    """The search parameters of all types."""

    def __init__(self, definitions: Definitions, samples: Samples) -> None:
        self._definitions = definitions
        self._samples = samples
        self._finding = searches(definitions.folder)
        self._compiled = cache(self._compile)

    def listed(self, resource_type: str) -> list[Definition]:
        """Return what the CapabilityStatement lists for a type: what is filled in first, what all have last."""
        items = self._definitions.resource_capabilities[resource_type]["searchParam"]
        prefilled = self._prefilled(resource_type)
        return sorted(items, key=lambda item: (item["name"] != prefilled, item["name"].startswith("_")))

    def of_any(self) -> list[Definition]:
        """Return those that all resources have."""
        first = self.listed(self._definitions.stored_types[0])
        return [item for item in first if self._definitions.get(item["definition"])["base"] == ["Resource"]]

    def in_query(self, resource_type: str, item: Definition) -> Table:
        """Return a parameter as OpenAPI has it."""
        kind, example = item["type"], self.example(resource_type, item)
        told = [f"*{kind}*: {self._hint(item)}", f"Modifiers: {self._modifiers(resource_type, item)}"]
        if on := self.leads_on(resource_type, item["name"]):
            told.append(f"Chains: `{item['name']}.` and a parameter of {on}")
        told.append(f"Example: `{example}`")
        parameter: Table = {
            "name": item["name"],
            "in": "query",
            "description": f"{self.meaning(item)}\n\n{'. '.join(told)}",
            "schema": {"$ref": f"#/components/schemas/search-{kind}", "examples": [example]},
        }
        if item["name"] == self._prefilled(resource_type):
            parameter |= {"schema": refer("schemas", f"search-{kind}"), "example": example}
        return parameter

    def meaning(self, item: Definition) -> str:
        """Return what a parameter is for: ours say it at length, official ones for many types at once."""
        definition = self._definitions.get(item["definition"])
        own = len(definition["base"]) == 1 and not definition["url"].startswith("http://hl7.org/")
        text: str = definition["description"] if own else item["documentation"]
        return text

    def modifiers(self, resource_type: str, code: str) -> list[str]:
        """Return the names of the modifiers that a parameter can have; ``[type]`` is each type that it leads to."""
        parameter = self._compiled(resource_type)[code]
        names = modifiers_of(parameter)
        named = [name for name in names if name not in parameter.targets]
        return named if named == names else [*named, _ANY_TYPE]

    def leads_on(self, resource_type: str, code: str) -> str:
        """Return the types kept here to which a reference parameter can be followed, as a sentence names them."""
        if resource_type in self._definitions.recorded_types:
            return ""
        targets = self._compiled(resource_type)[code].targets
        return " or ".join(name for name in self._definitions.stored_types if name in targets)

    def example(self, resource_type: str, item: Definition) -> str:
        """Return a value to search by, which finds one of the samples where there is one to find."""
        if resource_type in self._definitions.published_types:
            shown: str = _OF_DEFINITIONS.get(item["name"], _KINDS[item["type"]]["example"])
            return shown
        if item["name"] == "_id" and self._samples.has_known_id(resource_type):
            return self._samples.id_of(resource_type)
        targets = self._definitions.get(item["definition"]).get("target", ["Patient"])
        general = _KINDS[item["type"]]["example"].replace("{target}", targets[0])
        example: str = self._finding.get(resource_type, {}).get(item["name"], general)
        return example

    def further(self, resource_type: str) -> dict[str, str]:
        """Return searches by modifiers, chains and other names that find one of the samples: values by names."""
        listed = {item["name"] for item in self.listed(resource_type)}
        return {name: value for name, value in self._finding[resource_type].items() if name not in listed}

    def _prefilled(self, resource_type: str) -> str | None:
        return next((name for name in _PREFILLED if name in self._finding.get(resource_type, ())), None)

    def _hint(self, item: Definition) -> str:
        components = self._definitions.get(item["definition"]).get("component", ())
        parts = [self._definitions.get(part["definition"])["code"] for part in components]
        hint: str = _KINDS[item["type"]]["hint"]
        return hint.replace("{parts}", " and ".join(parts))

    def _modifiers(self, resource_type: str, item: Definition) -> str:
        return f"`{' '.join(f':{name}' for name in self.modifiers(resource_type, item['name']))}`"

    def _compile(self, resource_type: str) -> dict[str, SearchParameter]:
        if resource_type in self._definitions.published_types:
            return published_parameters(self._definitions, resource_type)
        structures, terminology = Structures(self._definitions), Terminology(self._definitions)
        return search_parameters(self._definitions, structures, terminology, resource_type)
