"""SearchParameters of a resource type, with their expressions compiled (https://hl7.org/fhir/R4/searchparameter.html)."""

from dataclasses import dataclass

from service.conformance.definitions import Definition, Definitions
from service.conformance.fhirpath.paths import Branch, compile_path
from service.conformance.structures import ANY, Structures
from service.conformance.terminology import Terminology


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """A parameter as one resource type has it."""

    code: str
    type: str
    documentation: str
    expression: str
    targets: tuple[str, ...]
    """The resource types that a reference parameter can lead to."""
    branches: tuple[Branch, ...]
    """The ways to its values."""
    systems: frozenset[str]
    """The code systems that a ``code`` element implies by its required binding."""

    @property
    def single(self) -> bool:
        """Whether a resource has at most one value for it."""
        return len(self.branches) == 1 and self.branches[0].single


_TEXTS = {"string", "markdown", "code", "id"}
_ADDRESSES = {"uri", "url", "canonical", "oid", "uuid"}
VALUE_TYPES: dict[str, set[str]] = {
    "token": {"CodeableConcept", "Coding", "Identifier", "boolean", *_TEXTS, *_ADDRESSES},
    "reference": {"Reference", "canonical", "uri"},
    "string": _TEXTS,
    "date": {"date", "dateTime", "instant", "Period", "Timing"},
    "number": {"decimal", "integer", "positiveInt", "unsignedInt", "Range"},
    "uri": _ADDRESSES,
}
"""The types of search parameter that are served, and the FHIR types whose values each of them reads."""


def search_parameters(
    definitions: Definitions, structures: Structures, terminology: Terminology, resource_type: str
) -> dict[str, SearchParameter]:
    """Return the parameters that the CapabilityStatement lists for a type, by code.

    Raises LookupError or ValueError where one of them cannot be served: nothing is listed that does not work.
    """
    listed = definitions.resource_capabilities[resource_type]["searchParam"]
    parameters = {}
    for item in listed:
        definition = definitions.get(item["definition"])
        readable = VALUE_TYPES.get(definition["type"], set())
        every = compile_path(definition.get("expression", ""), resource_type, structures)
        branches = tuple(branch for branch in every if branch.type in readable)
        if not branches:
            raise LookupError(f"{resource_type}?{item['name']} is listed but cannot be searched")
        parameters[item["name"]] = SearchParameter(
            item["name"],
            definition["type"],
            item["documentation"],
            definition["expression"],
            _targets(definition, branches),
            branches,
            _implied_systems(branches, terminology),
        )
    return parameters


def _targets(definition: Definition, branches: tuple[Branch, ...]) -> tuple[str, ...]:
    reached = {target for branch in branches if branch.element for target in branch.element.targets}
    listed = definition.get("target") or sorted(reached - {ANY})
    return tuple(target for target in listed if not reached or ANY in reached or target in reached)


def _implied_systems(branches: tuple[Branch, ...], terminology: Terminology) -> frozenset[str]:
    sets = {branch.element.value_set for branch in branches if branch.element and branch.type == "code"}
    known = [item for item in sets if item and terminology.is_enumerable(item)]
    return frozenset(system for item in known for system, _ in terminology.codings(item))
