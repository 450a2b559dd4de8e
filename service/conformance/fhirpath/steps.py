"""Steps from a JSON object to one of its elements (https://hl7.org/fhir/R4/json.html).

A value of another JSON type than its element has is passed over, so that no malformed resource stops an expression.
"""

from itertools import zip_longest
from typing import Any

from service.conformance.fhirpath.collection import Collection, Scope
from service.conformance.fhirpath.kinds import Kind
from service.conformance.fhirpath.values import Node, forms_of
from service.conformance.structures import Element


def listed(value: Any) -> list[Any]:
    """Return ``value`` where it is a list."""
    return value if type(value) is list else []


def element_of_object(element: Element, kind: Kind) -> Collection:
    """Return an element of a JSON object."""
    if not kind.is_primitive:
        return _many_objects(element.key, kind) if element.many else _one_object(element.key, kind)
    if element.many:
        return _many_primitives(element.key, kind)
    return _one_primitive(element.key, kind, element.is_bare)


def _one_object(key: str, kind: Kind) -> Collection:
    return Collection(
        (kind,),
        item=lambda focus, scope: value if type(value := focus.get(key)) is dict else None,
        exists=lambda focus, scope: type(focus.get(key)) is dict,
    )


def _many_objects(key: str, kind: Kind) -> Collection:
    def items(focus: Any, scope: Scope) -> Any:
        found = focus.get(key)
        return [item for item in found if type(item) is dict] if type(found) is list else ()

    return Collection((kind,), items=items)


def _one_primitive(key: str, kind: Kind, is_bare: bool) -> Collection:
    extra, forms = f"_{key}", forms_of(kind)

    def item(focus: Any, scope: Scope) -> Any:
        value = focus.get(key)
        if extra in focus and type(focus[extra]) is dict:
            return Node(value if type(value) in forms else None, kind, focus[extra])
        return value if type(value) in forms else None

    def bare(focus: Any, scope: Scope) -> Any:
        return value if type(value := focus.get(key)) in forms else None

    def exists(focus: Any, scope: Scope) -> bool:
        return type(focus.get(key)) in forms or type(focus.get(extra)) is dict

    is_read_as_it_is = kind.system in ("String", "Boolean")
    found = Collection(
        (kind,),
        item=bare if is_bare else item,
        exists=None if is_bare else exists,
        value=bare if is_read_as_it_is else None,
    )
    found.key = key if kind.system == "String" else None
    return found


def _many_primitives(key: str, kind: Kind) -> Collection:
    extra, forms = f"_{key}", forms_of(kind)

    def items(focus: Any, scope: Scope) -> Any:
        found = listed(focus.get(key))
        if extra not in focus:
            return [item for item in found if type(item) in forms]
        pairs = [
            (value if type(value) in forms else None, beside if type(beside) is dict else None)
            for value, beside in zip_longest(found, listed(focus[extra]))
        ]
        return [Node(value, kind, beside) for value, beside in pairs if value is not None or beside is not None]

    return Collection((kind,), items=items)
