"""The types that FHIRPath walks through, and what stands below each (https://hl7.org/fhir/R4/fhirpath.html#types).

There is one way to walk: from a type by the name that FHIRPath gives an element to the elements that it can be, of
which a choice such as ``value[x]`` has many.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, NamedTuple

from service.conformance.structures import ANY, Element, Structure, Structures

_SYSTEM_OF_PRIMITIVE = {
    "boolean": "Boolean",
    "integer": "Integer",
    "decimal": "Decimal",
    "date": "Date",
    "dateTime": "DateTime",
    "instant": "DateTime",
    "time": "Time",
}
"""What values of a primitive type, or of one derived from it, are to FHIRPath; all others are String."""
_SYSTEM_TYPES = ("String", "Boolean", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity")
_ABSTRACT = {ANY, "DomainResource"}


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A type; of those whose definition is held there is one object each."""

    name: str
    structure: Structure | None = field(default=None, repr=False)
    """What stands below; None where that is not known, or nothing."""
    system: str | None = None
    """The System type of its values."""
    ancestors: frozenset[str] = frozenset()
    """The name and those of the types that it is derived from."""
    is_primitive: bool = False
    is_dynamic: bool = False
    """Whether values say themselves of which type they are: a resource that may be of any."""


UNTYPED = Kind("any type", is_dynamic=True)
"""Stands for values whose type is known only when they are met."""
UNKNOWN = Kind("unknown type")
"""The type of what is found in resources whose definition is not held."""
SYSTEM = {name: Kind(name, None, name, frozenset({name, f"System.{name}"})) for name in _SYSTEM_TYPES}


class Found(NamedTuple):
    """An element that a name leads to, and the type of its values."""

    element: Element
    kind: Kind


class Kinds:
    """The types among ``structures``."""

    def __init__(self, structures: Structures) -> None:
        self._structures = structures
        self._by_place: dict[tuple[str, str], Kind] = {}
        self.named = cache(self._named)
        self._members = cache(self._elements_called)
        self._keys = cache(self._elements_by_key)
        self.holds = structures.holds

    def of_structure(self, structure: Structure) -> Kind:
        """Return the type that a structure describes: its own, or one that is defined inline."""
        if "." in structure.path:
            return self._of("BackboneElement", structure)
        return self._of(structure.path, structure)

    def of_element(self, element: Element) -> Kind:
        """Return the type of an element's values."""
        if self._structures.is_primitive(element.type):
            return self.named(element.type)
        return self._of(element.type, self._structures.below(element))

    def of_resource(self, value: dict[str, Any]) -> Kind:
        """Return the type that a resource says it is of; one without elements where its definition is not held."""
        name = value.get("resourceType")
        if isinstance(name, str) and self._structures.is_resource(name):
            return self.named(name)
        return Kind(str(name), None, None, frozenset({str(name), *_ABSTRACT}))

    def _named(self, name: str) -> Kind:
        """Return the type of a name; raises LookupError where its definition is not held."""
        structure = self._structures.of_type(name)
        if not self._structures.is_primitive(name):
            return self._of(name, structure)
        ancestors = tuple(self._structures.ancestors(name))
        system = next((_SYSTEM_OF_PRIMITIVE[item] for item in ancestors if item in _SYSTEM_OF_PRIMITIVE), "String")
        return Kind(name, self._structures.of_type("Element"), system, frozenset(ancestors), True)

    def _of(self, name: str, structure: Structure) -> Kind:
        place = name, structure.path
        if place not in self._by_place:
            ancestors = frozenset(self._structures.ancestors(name))
            system = "Quantity" if "Quantity" in ancestors else None
            self._by_place[place] = Kind(name, structure, system, ancestors, is_dynamic=name in _ABSTRACT)
        return self._by_place[place]

    def members(self, kind: Kind, name: str) -> tuple[Found, ...]:
        """Return the elements that ``name`` leads to below a type; none where it has no such element."""
        return self._members(kind, name) if kind.structure else ()

    def keys(self, kind: Kind) -> dict[str, Found]:
        """Return all elements below a type by their JSON key."""
        return self._keys(kind) if kind.structure else {}

    def _elements_called(self, kind: Kind, name: str) -> tuple[Found, ...]:
        elements = kind.structure.choices.get(name, ()) if kind.structure else ()
        return tuple(Found(element, self.of_element(element)) for element in elements)

    def _elements_by_key(self, kind: Kind) -> dict[str, Found]:
        elements = kind.structure.elements if kind.structure else {}
        return {key: Found(element, self.of_element(element)) for key, element in elements.items()}

    def is_type(self, suffix: str) -> bool:
        """Return whether ``suffix`` ends the key of a choice, as ``CodeableConcept`` and ``Boolean`` do."""
        return bool(suffix) and (self.holds(suffix) or self.holds(_uncapitalised(suffix)))

    def guessed(self, value: Any, suffix: str) -> Kind:
        """Return the type of a value in a resource whose definition is not held; its key may end with the type."""
        if suffix:
            return self.named(suffix if self.holds(suffix) else _uncapitalised(suffix))
        return self.of_resource(value) if type(value) is dict and "resourceType" in value else UNKNOWN

    def below(self, kinds: Iterable[Kind]) -> tuple[Kind, ...]:
        """Return every type that can stand directly below one of ``kinds``."""
        found = [found.kind for kind in kinds for found in self.keys(kind).values()]
        return tuple(dict.fromkeys(found))


def _uncapitalised(name: str) -> str:
    return name[0].lower() + name[1:]


@lru_cache(maxsize=4)
def kinds_of(structures: Structures) -> Kinds:
    """Return the types among ``structures``, the same object each time for the few that were asked for last."""
    return Kinds(structures)
