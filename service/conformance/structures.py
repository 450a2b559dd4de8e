"""StructureDefinition snapshots as tables of elements by JSON key (https://hl7.org/fhir/R4/structuredefinition.html)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from service.conformance.definitions import Definitions

_FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
_BEST_PRACTICE = "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice"
_SYSTEM_TYPES = "http://hl7.org/fhirpath/System."
_INLINE = {"BackboneElement", "Element"}
OF_EVERY_ELEMENT = {"ele-1", "ext-1"}
"""Invariants that snapshots repeat at each element; its type brings them."""
ANY = "Resource"


@dataclass(frozen=True, slots=True)
class Constraint:
    """An invariant: a FHIRPath expression that has to be true of an element."""

    key: str
    severity: Literal["error", "warning"]
    human: str
    expression: str

    @classmethod
    def of(cls, definition: dict[str, Any]) -> "list[Constraint]":
        """Return the invariants of an ElementDefinition, without those that only recommend a practice (dom-6)."""
        return [
            cls(item["key"], item["severity"], item["human"], item["expression"])
            for item in definition.get("constraint", ())
            if not any(mark["url"] == _BEST_PRACTICE for mark in item.get("extension", ()))
        ]


@dataclass(frozen=True, slots=True)
class Binding:
    """Which codes an element may or should have."""

    value_set: str
    is_required: bool
    """Else it is extensible: another code is right where none of these fits."""

    @classmethod
    def of(cls, definition: dict[str, Any]) -> "Binding | None":
        """Return the binding of an ElementDefinition, or None where any code is as good as another."""
        binding = definition.get("binding", {})
        if binding.get("strength") not in ("required", "extensible") or "valueSet" not in binding:
            return None
        return cls(binding["valueSet"], binding["strength"] == "required")


@dataclass(slots=True)
class Element:
    """One element as one JSON key: a choice such as ``value[x]`` becomes one of these per type."""

    key: str
    path: str
    type: str
    many: bool
    summary: bool
    short: str
    binding: Binding | None = None
    targets: frozenset[str] = frozenset()
    profiles: tuple[str, ...] = ()
    """Profiles of ``type``, one of which the value has to fulfil, such as SimpleQuantity."""
    constraints: tuple[Constraint, ...] = ()
    """The invariants beside those that ``type`` brings."""
    forms: tuple[str, ...] = ()
    """All the types that the element can have, where that is a choice."""
    structure: "Structure | None" = None
    """The elements below, where they are defined inline and not by ``type``."""
    is_bare: bool = False
    """Whether the value stands alone, without id and extensions: an attribute in XML, such as ``id``."""

    @property
    def value_set(self) -> str | None:
        """The value set whose codes alone are allowed here, or None."""
        return self.binding.value_set if self.binding and self.binding.is_required else None


@dataclass(slots=True)
class Structure:
    """The elements of a type, or of a part of one."""

    path: str
    elements: dict[str, Element] = field(default_factory=dict)
    choices: dict[str, list[Element]] = field(default_factory=dict)
    """Elements by their name in FHIRPath: ``value`` has many, all others one."""
    mandatory: list[str] = field(default_factory=list)
    """Names in FHIRPath of the elements that have to be there."""
    constraints: tuple[Constraint, ...] = ()
    """The invariants of the whole."""


class Structures:
    """The structures of all types among ``definitions``."""

    def __init__(self, definitions: Definitions) -> None:
        self._snapshots: dict[str, list[dict[str, Any]]] = {}
        self._kinds: dict[str, str] = {}
        self._supertypes: dict[str, str] = {}
        for item in definitions.of_type("StructureDefinition"):
            if item.get("derivation") != "constraint":
                self._snapshots[item["type"]] = item["snapshot"]["element"]
                self._kinds[item["type"]] = "abstract" if item["abstract"] else item["kind"]
                self._supertypes[item["type"]] = item.get("baseDefinition", "").rpartition("/")[2]
        self.of_type = cache(self._of_type)

    def is_resource(self, name: str) -> bool:
        """Return whether ``name`` is a resource type whose definition is held, and not an abstract one."""
        return self._kinds.get(name) == "resource"

    def is_primitive(self, name: str) -> bool:
        """Return whether ``name`` is a primitive type."""
        return self._kinds.get(name) == "primitive-type"

    def holds(self, name: str) -> bool:
        """Return whether the definition of the type ``name`` is held."""
        return name in self._snapshots

    def ancestors(self, name: str) -> Iterator[str]:
        """Yield ``name`` and the names of the types that it is derived from, the nearest first."""
        while name:
            yield name
            name = self._supertypes.get(name, "")

    def below(self, element: Element) -> Structure:
        """Return the elements below ``element``."""
        return element.structure or self.of_type(element.type)

    def _of_type(self, name: str) -> Structure:
        """Return the elements of a complex type or resource; raises LookupError where it is not held."""
        if name not in self._snapshots:
            raise LookupError(f"No StructureDefinition for the type {name}")
        return _Compiler(self._snapshots[name]).structure_at(name)


class _Compiler:
    """Compiles one snapshot; parts that refer to each other by contentReference share one structure."""

    def __init__(self, snapshot: list[dict[str, Any]]) -> None:
        self._by_parent: dict[str, list[dict[str, Any]]] = {}
        self._by_path = {item["path"]: item for item in snapshot}
        self._structures: dict[str, Structure] = {}
        for item in snapshot[1:]:
            self._by_parent.setdefault(item["path"].rpartition(".")[0], []).append(item)

    def structure_at(self, path: str) -> Structure:
        if path not in self._structures:
            structure = self._structures[path] = Structure(path)
            structure.constraints = tuple(Constraint.of(self._by_path[path]))
            for item in self._by_parent.get(path, ()):
                self._add(structure, item)
        return self._structures[path]

    def _add(self, structure: Structure, item: dict[str, Any]) -> None:
        name = item["path"].rpartition(".")[2].removesuffix("[x]")
        elements = list(self._elements(name, item))
        structure.choices[name] = elements
        structure.elements.update((element.key, element) for element in elements)
        if item["min"] > 0:
            structure.mandatory.append(name)

    def _elements(self, name: str, item: dict[str, Any]) -> Iterator[Element]:
        path, many = item["path"], item["max"] != "1"
        is_choice = path.endswith("[x]")
        for of_type in item.get("type", [{"code": "BackboneElement"}]):
            code = self._type_name(item, of_type)
            key = name + code[0].upper() + code[1:] if is_choice else name
            element = Element(key, path, code, many, item.get("isSummary", False), item.get("short", ""))
            element.forms = tuple(each["code"] for each in item["type"]) if is_choice else ()
            element.binding = Binding.of(item)
            element.profiles = tuple(of_type.get("profile", ()))
            element.is_bare = of_type["code"].startswith(_SYSTEM_TYPES)
            element.targets = frozenset(url.rpartition("/")[2] for url in of_type.get("targetProfile", ()))
            if "contentReference" in item:
                element.structure = self.structure_at(item["contentReference"].removeprefix("#"))
            elif code in _INLINE and path in self._by_parent:
                element.structure = self.structure_at(path)
            if element.structure is None:
                element.constraints = tuple(rule for rule in Constraint.of(item) if rule.key not in OF_EVERY_ELEMENT)
            yield element

    @staticmethod
    def _type_name(item: dict[str, Any], of_type: dict[str, Any]) -> str:
        code: str = of_type["code"]
        if not code.startswith(_SYSTEM_TYPES):
            return code
        if item["base"]["path"] == "Resource.id":
            return "id"  # R4 says string here, and the narrower type in its text
        marks = {mark["url"]: mark.get("valueUrl", mark.get("valueUri")) for mark in of_type.get("extension", ())}
        return marks.get(_FHIR_TYPE) or "string"
