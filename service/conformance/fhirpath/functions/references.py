"""``resolve()``, as far as a reference itself tells: nothing is fetched (https://hl7.org/fhir/R4/fhirpath.html#functions)."""

from typing import Any

from service.conformance.fhirpath.collection import Collection, Scope, Truth
from service.conformance.fhirpath.functions.invocation import Function, Invocation
from service.conformance.fhirpath.values import Node
from service.conformance.structures import ANY
from service.fhir.reference import parse_reference


def _resolve(call: Invocation) -> Collection:
    of = call.of
    if not any(kind.is_dynamic or kind.name == "Reference" or kind.system == "String" for kind in of.kinds):
        raise ValueError("Only a reference can be resolved")
    items = of.items

    def resources(focus: Any, scope: Scope) -> list[Any]:
        found = [_contained(_text(item), scope.root) for item in items(focus, scope)]
        return [resource for resource in found if resource is not None]

    resolved = Collection((call.compiler.navigation.kinds.named(ANY),), items=resources)
    resolved.told = lambda name: _is_told(of, name)
    return resolved


def _is_told(of: Collection, name: str) -> Truth:
    item = of.item

    def is_of_type(focus: Any, scope: Scope) -> bool | None:
        found = item(focus, scope)
        told = None if found is None else _type_told(found, scope)
        return None if told is None else told == name

    return is_of_type


def _type_told(item: Any, scope: Scope) -> Any:
    """Return the type that a reference leads to, by its address, by what is contained, or by its own word."""
    literal = parse_reference(_text(item))
    if literal is not None:
        return literal.type
    contained = _contained(_text(item), scope.root)
    if contained is not None:
        return contained.get("resourceType")
    return _plain(item).get("type") if type(_plain(item)) is dict else None


def _contained(text: str, root: dict[str, Any]) -> dict[str, Any] | None:
    if not text.startswith("#"):
        return None
    if text == "#":
        return root
    contained = root.get("contained")
    members = contained if type(contained) is list else []
    return next((item for item in members if type(item) is dict and item.get("id") == text[1:]), None)


def _text(item: Any) -> str:
    value = _plain(item)
    text = value.get("reference") if type(value) is dict else value
    return text if type(text) is str else ""


def _plain(item: Any) -> Any:
    return item.value if type(item) is Node else item


REFERENCES: dict[str, tuple[Function, range]] = {"resolve": (_resolve, range(1))}
"""Each function by its name, and how many arguments it can have."""
