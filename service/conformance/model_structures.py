"""Elements of types whose StructureDefinition is not held, as the typed models of fhir.resources have them.

R4 4.0.1 is read with the R4B models (https://pypi.org/project/fhir.resources/), which are the same for definitions.
"""

import re
from functools import cache
from typing import Any, get_args, get_origin

from service.conformance.structures import Element, Structure

_NAME = re.compile(r"[A-Za-z]{1,64}")
_OTHER_NAMES = {"EncodedBytes": "base64Binary", "UuidVersion": "uuid"}
"""Primitive types that the models call otherwise than FHIR."""


@cache
def model_structure(type_name: str) -> Structure:
    """Return the elements of a type, those that are defined inline in it included; raises LookupError for no type."""
    model = _model(type_name)
    if model is None:
        raise LookupError(f"No model of the type {type_name}")
    return _Compiler(model.__module__).structure(model)


def resource_model(name: str) -> Any:
    """Return the model class of a resource type that is not abstract, or None where there is no such type."""
    from fhir.resources.R4B.domainresource import DomainResource
    from fhir.resources.R4B.resource import Resource

    model = _model(name)
    is_resource = model is not None and issubclass(model, Resource) and model not in (Resource, DomainResource)
    return model if is_resource else None


def _model(name: str) -> Any:
    from fhir.resources.R4B import get_fhir_model_class  # importing it takes a while: only where it is needed

    try:
        return get_fhir_model_class(name) if _NAME.fullmatch(name) else None
    except (KeyError, ValueError):
        return None


class _Compiler:
    """Compiles the model of a type and the models of its parts, which are the others in its module."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._structures: dict[str, Structure] = {}

    def structure(self, model: Any) -> Structure:
        name = model.get_resource_type()
        if name not in self._structures:
            structure = self._structures[name] = Structure(name)
            fields = {field.alias or key: field for key, field in model.model_fields.items()}
            for key in model.elements_sequence():
                self._add(structure, key, fields[key])
        return self._structures[name]

    def _add(self, structure: Structure, key: str, field: Any) -> None:
        marks = field.json_schema_extra
        element = self._element(f"{structure.path}.{key}", key, field.annotation)
        element.summary = bool(marks.get("summary_element_property"))
        structure.elements[key] = element
        structure.choices.setdefault(str(marks.get("one_of_many", key)), []).append(element)
        if marks.get("element_required"):
            structure.mandatory.append(key)

    def _element(self, path: str, key: str, annotation: Any) -> Element:
        of_type, many = _unwrapped(annotation)
        if isinstance(of_type, str):
            return Element(key, path, of_type, many, False, "", is_bare=key == "id")
        if of_type.__name__ == "ResourceType":
            return Element(key, path, "Resource", many, False, "")
        model = of_type.get_model_klass()
        inline = self.structure(model) if model.__module__ == self._module else None
        return Element(key, path, model.get_resource_type(), many, False, "", structure=inline)


def _unwrapped(annotation: Any) -> tuple[Any, bool]:
    """Return the FHIR name of a primitive type or the class that stands for a type, and whether it is in a list."""
    if annotation is bool:
        return "boolean", False
    if hasattr(annotation, "__metadata__"):
        name = type(annotation.__metadata__[0]).__name__
        return _OTHER_NAMES.get(name) or name[0].lower() + name[1:], False
    parts = [part for part in get_args(annotation) if part is not type(None)]
    if not parts:
        return annotation, False
    of_type, many = _unwrapped(parts[0])
    return of_type, many or get_origin(annotation) is list
