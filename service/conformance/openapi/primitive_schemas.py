"""JSON Schemas of the primitive data types (https://hl7.org/fhir/R4/datatypes.html)."""

from collections.abc import Iterator

from service.conformance.definitions import Definition, Definitions
from service.conformance.openapi.tables import Table

_REGEX = "http://hl7.org/fhir/StructureDefinition/regex"
_TEXT = {"type": "string", "minLength": 1, "pattern": "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f]+$"}
_INTEGER = {"type": "integer", "maximum": 2**31 - 1}
_BUILT_IN: dict[str, Table] = {
    "boolean": {"type": "boolean"},
    "decimal": {"type": "number"},
    "integer": _INTEGER | {"minimum": -(2**31)},
    "unsignedInt": _INTEGER | {"minimum": 0},
    "positiveInt": _INTEGER | {"minimum": 1},
    "string": _TEXT,
    "markdown": _TEXT,
    "xhtml": _TEXT,
    "base64Binary": {"type": "string", "contentEncoding": "base64", "minLength": 4},
    "id": {"type": "string", "pattern": "^[A-Za-z0-9\\-.]{1,64}$"},
}


def primitive_schema(definitions: Definitions, name: str) -> Table:
    """Return the schema of a primitive type: a JSON type, or a text of the form that its definition gives."""
    if name in _BUILT_IN:
        return _BUILT_IN[name]
    definition = definitions.get(f"http://hl7.org/fhir/StructureDefinition/{name}")
    regex = next(_regexes(definition))
    return {"type": "string", "minLength": 1, "pattern": f"^({regex})$"}


def _regexes(definition: Definition) -> Iterator[str]:
    path = f"{definition['type']}.value"
    for element in definition["snapshot"]["element"]:
        if element["path"] == path:
            yield from (i["valueString"] for i in element["type"][0]["extension"] if i["url"] == _REGEX)
