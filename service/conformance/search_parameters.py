"""SearchParameters of a resource type, with their expressions compiled (https://hl7.org/fhir/R4/searchparameter.html)."""

from dataclasses import dataclass, replace

from service.conformance.definitions import Definition, Definitions
from service.conformance.extension_bindings import is_there_once, value_set_of_extension
from service.conformance.fhirpath.paths import Branch, compile_path, compile_path_from
from service.conformance.structures import ANY, Element, Structures
from service.conformance.terminology import Terminology
from service.conformance.value_sets import Coding


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
    """The ways to its values; of a composite, to the elements that its components look into."""
    codings: frozenset[Coding]
    """What ``code`` elements can be, with the code systems that their required bindings imply."""
    single: bool
    """Whether a resource has at most one value for it."""
    silent: tuple[Branch, ...] = ()
    """The ways to elements that it is about, but whose types it cannot read."""
    components: "tuple[SearchParameter, ...]" = ()
    """What a composite is made of; the branches of each start at an element of the composite."""

    @property
    def systems(self) -> frozenset[str]:
        """The code systems of ``codings``."""
        return frozenset(system for system, _ in self.codings)

    @property
    def value_types(self) -> frozenset[str]:
        """The FHIR types of its values."""
        return frozenset(branch.type for branch in self.branches)


COMPOSITE = "composite"
_TEXTS = {"string", "markdown", "code", "id"}
_ADDRESSES = {"uri", "url", "canonical", "oid", "uuid"}
VALUE_TYPES: dict[str, set[str]] = {
    "token": {"CodeableConcept", "Coding", "ContactPoint", "Identifier", "boolean", *_TEXTS, *_ADDRESSES},
    "reference": {"Reference", "canonical", "uri"},
    "string": _TEXTS,
    "date": {"date", "dateTime", "instant", "Period", "Timing"},
    "number": {"decimal", "integer", "positiveInt", "unsignedInt", "Range"},
    "quantity": {"Quantity", "Age", "Count", "Distance", "Duration", "SimpleQuantity", "Money", "Range"},
    "uri": _ADDRESSES,
}
"""The types of search parameter that read values, and the FHIR types whose values each of them reads."""


class _Compiler:
    def __init__(
        self, definitions: Definitions, structures: Structures, terminology: Terminology, resource_type: str
    ) -> None:
        self._definitions = definitions
        self._structures = structures
        self._terminology = terminology
        self._type = resource_type

    def parameter(self, name: str, documentation: str, definition: Definition) -> SearchParameter:
        every = compile_path(definition.get("expression", ""), self._type, self._structures)
        if definition["type"] != COMPOSITE:
            return self._parameter(name, documentation, definition, definition["expression"], every)
        parts = [self._component(item, every) for item in definition["component"]]
        whole = self._parameter(name, documentation, definition, definition["expression"], every)
        return replace(whole, components=tuple(parts))

    def _component(self, item: Definition, elements: list[Branch]) -> SearchParameter:
        definition = self._definitions.get(item["definition"])
        starts = {branch.kind: branch for branch in elements}
        every = [
            branch
            for start in starts.values()
            for branch in compile_path_from(start, item["expression"], self._type, self._structures)
        ]
        return self._parameter(definition["code"], "", definition, item["expression"], every)

    def _parameter(
        self, name: str, documentation: str, definition: Definition, expression: str, every: list[Branch]
    ) -> SearchParameter:
        readable = VALUE_TYPES.get(definition["type"])
        branches = tuple(branch for branch in every if readable is None or branch.type in readable)
        if not branches or (readable is None and definition["type"] != COMPOSITE):
            raise LookupError(f"{self._type}?{name} is listed but cannot be searched")
        return SearchParameter(
            name,
            definition["type"],
            documentation,
            expression,
            _targets(definition, branches),
            branches,
            self._implied_codings(branches),
            len(branches) == 1 and self._is_single(branches[0]),
            tuple(branch for branch in every if branch not in branches),
        )

    def _is_single(self, branch: Branch) -> bool:
        return all(is_there_once(urls, self._definitions) for urls in branch.repeats)

    def _implied_codings(self, branches: tuple[Branch, ...]) -> frozenset[Coding]:
        sets = {self._value_set(branch.element, branch.urls) for branch in branches if branch.type == "code"}
        known = [item for item in sets if item and self._terminology.is_enumerable(item)]
        return frozenset(coding for item in known for coding in self._terminology.codings(item))

    def _value_set(self, element: Element | None, urls: tuple[str, ...]) -> str | None:
        if element is not None and element.path == "Extension.value[x]":
            return value_set_of_extension(urls, self._definitions)
        return element.value_set if element is not None else None


def search_parameters(
    definitions: Definitions, structures: Structures, terminology: Terminology, resource_type: str
) -> dict[str, SearchParameter]:
    """Return the parameters that the CapabilityStatement lists for a type, by code.

    Raises LookupError or ValueError where one of them cannot be served: nothing is listed that does not work.
    """
    listed = definitions.resource_capabilities[resource_type]["searchParam"]
    compiler = _Compiler(definitions, structures, terminology, resource_type)
    return {
        item["name"]: compiler.parameter(item["name"], item["documentation"], definitions.get(item["definition"]))
        for item in listed
    }


def _targets(definition: Definition, branches: tuple[Branch, ...]) -> tuple[str, ...]:
    reached = {target for branch in branches if branch.element for target in branch.element.targets}
    listed = definition.get("target") or sorted(reached - {ANY})
    return tuple(target for target in listed if not reached or ANY in reached or target in reached)
