"""Component schemas: JSON Schemas of the served resources and their data types, from the structures.

They say what fits into a JSON Schema of readable size: elements, types, cardinality, required codes. The
service checks more, and says so in its OperationOutcome.
"""

from service.conformance.definitions import Definitions
from service.conformance.openapi.primitive_schemas import primitive_schema
from service.conformance.openapi.tables import Table, refer, table
from service.conformance.structures import ANY, Element, Structure, Structures
from service.conformance.terminology import Terminology

_SOME_EXTENSIONS: Table = {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["url"]}}
_EVERYWHERE = {
    "id": {"type": "string", "minLength": 1},
    "extension": _SOME_EXTENSIONS,
    "modifierExtension": _SOME_EXTENSIONS,
}
"""What every part of a resource may have: its resource says at length what these are."""
_SHOWN_DEEP = {"Coding", "Period", "Element"}
"""Types that are spelt out inside of data types too. The others are not: Swagger UI takes seconds over deep schemas."""


def component_schemas(definitions: Definitions) -> Table:
    """Return the schemas by name: served types, Bundle, OperationOutcome, and all that they refer to."""
    schemas = _Schemas(definitions)
    for name in (*definitions.written_types, "Bundle", "OperationOutcome"):
        schemas.add_type(name)
    schemas.done["Submission"] = _submission(schemas.done, definitions.stored_types)
    return dict(sorted(schemas.done.items(), key=lambda item: item[0].lower()))


class _Schemas:
    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._structures = Structures(definitions)
        self._terminology = Terminology(definitions)
        self._extensions = table("extensions")
        self.done: dict[str, Table] = table("shapes")
        for name in ("string", "uri", "id", "dateTime", "instant"):
            self.add_type(name)

    def add_type(self, name: str) -> Table:
        """Make sure that the schema of a type is there, and return a reference to it."""
        if name == ANY:
            return refer("schemas", "AnyResource")
        if name not in self.done:
            if self._structures.is_primitive(name):
                self.done[name] = primitive_schema(self._definitions, name)
            else:
                self._add_structure(name, self._structures.of_type(name))
        return refer("schemas", name)

    def _add_structure(self, name: str, structure: Structure) -> Table:
        if name not in self.done:
            schema = self.done[name] = {"type": "object"}
            if self._structures.is_resource(name):
                schema["required"] = ["resourceType"]
                schema["properties"] = {"resourceType": {"const": name}}
            else:
                schema["minProperties"] = 1
            self._fill(schema, structure)
        return refer("schemas", name)

    def _fill(self, schema: Table, structure: Structure) -> None:
        # An element that is a choice, or may be given by an extension alone, cannot simply be required.
        certain = [n for n in structure.mandatory if n in structure.elements]
        if required := [*schema.get("required", ()), *certain]:
            schema["required"] = required
        properties = schema.setdefault("properties", {})
        for name, elements in structure.choices.items():
            for element in elements:
                properties[element.key] = self._property(element, structure)
                if len(elements) > 1:
                    properties[element.key]["description"] += f" (only one of the forms of {name})"
        here = structure.elements.values()
        primitives = [e.key for e in here if self._structures.is_primitive(e.type) and not e.is_bare]
        if primitives:
            schema["patternProperties"] = {f"^_({'|'.join(primitives)})$": {"type": ["object", "array"]}}
        schema["additionalProperties"] = False

    def _property(self, element: Element, parent: Structure) -> Table:
        if element.key in _EVERYWHERE and not self._structures.is_resource(parent.path):
            return _EVERYWHERE[element.key]
        schema = self._value(element, parent)
        if element.many:
            schema = {"type": "array", "minItems": 1, "items": schema}
        return schema | {"description": self._description(element, parent)}

    def _value(self, element: Element, parent: Structure) -> Table:
        is_deep = not self._structures.is_resource(parent.path.partition(".")[0])
        if is_deep and element.type not in _SHOWN_DEEP and not self._structures.is_primitive(element.type):
            return {"type": "object", "minProperties": 1}
        if element.structure:
            return self._add_structure(element.structure.path, element.structure)
        if element.type == "code" and (codes := self._codes(element)):
            return {"type": "string", "enum": codes}
        return dict(self.add_type(element.type))

    def _codes(self, element: Element) -> list[str]:
        if element.value_set is None or not self._terminology.is_enumerable(element.value_set):
            return []
        return sorted({code for _, code in self._terminology.codings(element.value_set)})

    def _description(self, element: Element, parent: Structure) -> str:
        owner = parent.path
        if element.key == "extension" and (words := self._recovery_extensions(owner)):
            return f"What FHIR has no element for. Recovery plans use: {words}"
        targets = sorted(element.targets - {ANY})
        return element.short + (f" (reference to {_either(targets)})" if targets else "")

    def _recovery_extensions(self, owner: str) -> str:
        rows = self._extensions.items()
        return "; ".join(f"{name}: {row['text']}" for name, row in rows if owner in row["on"])


def _submission(schemas: dict[str, Table], served: list[str]) -> Table:
    """Return the schema of a Bundle that is sent: a batch or transaction."""
    request = schemas["Bundle.entry.request"]
    entry = schemas["Bundle.entry"]
    method = request["properties"]["method"] | {"enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]}
    resource = {
        "anyOf": [
            *(refer("schemas", name) for name in served),
            refer("schemas", "PatchParameters"),
            refer("schemas", "Binary"),
        ]
    }
    narrowed = request | {"properties": request["properties"] | {"method": method}}
    inside = {"resource": resource, "request": narrowed}
    entries = entry | {"required": ["request"], "properties": entry["properties"] | inside}
    own = {
        "type": {"type": "string", "enum": ["batch", "transaction"]},
        "entry": {"type": "array", "minItems": 1, "items": entries},
    }
    bundle = schemas["Bundle"]
    return bundle | {
        "description": "A Bundle to be carried out",
        "properties": {key: own.get(key, value) for key, value in bundle["properties"].items()},
    }


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
