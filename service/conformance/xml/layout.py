"""What stands in the XML of a type, and in which order (https://hl7.org/fhir/R4/xml.html).

Compiled from the definitions; for types whose definition is not held, from the typed models.
"""

from dataclasses import dataclass, field
from typing import Literal

from service.conformance.model_structures import model_structure, resource_model
from service.conformance.structures import ANY, Element, Structure, Structures
from service.conformance.validation.place import path_name

FHIR = "http://hl7.org/fhir"
VALUE = "value"
"""The attribute with the value of a primitive type."""

Form = Literal["attribute", "text", "word", "number", "boolean", "xhtml", "resource", "object"]
_FORMS: dict[str, Form] = {
    ANY: "resource",
    "xhtml": "xhtml",
    "boolean": "boolean",
    **dict.fromkeys(("decimal", "integer", "positiveInt", "unsignedInt"), "number"),
    **dict.fromkeys(("string", "markdown", "base64Binary"), "text"),
}
"""How the values of a type are written; all other primitive types are words, around which blanks mean nothing."""


@dataclass(slots=True)
class Part:
    """An element as XML has it: as a child element, or as an attribute."""

    key: str
    path_name: str
    """What FHIRPath calls it."""
    type: str
    form: Form
    rank: int
    """Its place among the others; the forms of a choice share one."""
    many: bool
    element: Element = field(repr=False)


@dataclass(slots=True)
class Layout:
    """The parts of a type, in their order."""

    parts: dict[str, Part]
    attributes: dict[str, Part]
    elements: dict[str, Part]


class Layouts:
    """The layouts of all types, each made when it is first asked for."""

    def __init__(self, structures: Structures) -> None:
        self._structures = structures
        self._made: dict[str, Layout] = {}
        self._resources: dict[str, Layout] = {}

    def of_resource(self, name: str) -> Layout | None:
        """Return the layout of a resource type, or None where FHIR has no such type."""
        if name not in self._resources and self._is_resource(name):
            self._resources[name] = self._layout(self._structure(name), is_resource=True)
        return self._resources.get(name)

    def below(self, part: Part) -> Layout:
        """Return the layout of what stands in ``part``: of a primitive type, its id and extensions."""
        if part.form != "object":
            return self._layout(self._structures.of_type("Element"))
        return self._layout(part.element.structure or self._structure(part.type))

    def _is_resource(self, name: str) -> bool:
        if self._structures.holds(name):
            return self._structures.is_resource(name)
        return resource_model(name) is not None

    def _structure(self, name: str) -> Structure:
        return self._structures.of_type(name) if self._structures.holds(name) else model_structure(name)

    def _layout(self, structure: Structure, is_resource: bool = False) -> Layout:
        if structure.path not in self._made:
            parts = {
                element.key: self._part(choice, element, rank, is_resource)
                for rank, (choice, elements) in enumerate(structure.choices.items())
                for element in elements
            }
            attributes = {key: part for key, part in parts.items() if part.form == "attribute"}
            elements = {key: part for key, part in parts.items() if part.form != "attribute"}
            self._made[structure.path] = Layout(parts, attributes, elements)
        return self._made[structure.path]

    def _part(self, choice: str, element: Element, rank: int, is_resource: bool) -> Part:
        form = "attribute" if element.is_bare and not is_resource else self._form(element)
        name = path_name(element.key, choice, element.type)
        return Part(element.key, name, element.type, form, rank, element.many, element)

    def _form(self, element: Element) -> Form:
        is_object = element.structure is not None or element.type[:1].isupper()
        return _FORMS.get(element.type) or ("object" if is_object else "word")
