"""Types in expressions: ``is``, ``as`` and ``ofType`` (http://hl7.org/fhirpath/N1/#types)."""

import re
from typing import Any

from service.conformance.fhirpath.collection import Collection, Scope, boolean
from service.conformance.fhirpath.functions.invocation import Function, Invocation
from service.conformance.fhirpath.kinds import SYSTEM, UNKNOWN, UNTYPED, Kind
from service.conformance.fhirpath.navigation import Navigation
from service.conformance.fhirpath.syntax import Member
from service.conformance.fhirpath.syntax import Node as Tree
from service.conformance.fhirpath.values import Node


def type_name(node: Tree) -> str:
    """Return the name of a type, those of FHIR without their namespace; raises ValueError where it is none."""
    match node:
        case Member(None, name) | Member(Member(None, "FHIR"), name):
            return name
        case Member(Member(None, "System"), name) if name in SYSTEM:
            return f"System.{name}"
    raise ValueError(f"{node} is no name of a type")


def of_type(navigation: Navigation, of: Collection, name: str) -> Collection:
    """Return those values of ``of`` that are of a type; raises ValueError where none can be."""
    if of.narrowed is not None:
        return of.narrowed(name)
    possible = [kind for kind in of.kinds if name in kind.ancestors]
    if any(kind.is_dynamic for kind in of.kinds):
        possible.append(_kind_of_name(navigation, name))
    if not possible:
        raise ValueError(f"There is no {name} among {', '.join(kind.name for kind in of.kinds)}")
    if tuple(possible) == of.kinds:
        return of
    if of.is_single:
        item, as_node = of.item, navigation.as_node(of)

        def one(focus: Any, scope: Scope) -> Any:
            found = item(focus, scope)
            return node if found is not None and _is_of(node := as_node(found), name) else None

        return navigation.untyped(Collection(possible, item=one))
    nodes = navigation.typed(of)
    return navigation.untyped(
        Collection(possible, items=lambda focus, scope: [node for node in nodes(focus, scope) if _is_of(node, name)])
    )


def is_type(navigation: Navigation, of: Collection, name: str) -> Collection:
    """Return whether the value of ``of`` is of a type."""
    if of.told is not None:
        return boolean(of.told(name))
    if any(kind.is_dynamic for kind in of.kinds):
        _kind_of_name(navigation, name)
    elif not navigation.kinds.is_type(name) and name not in SYSTEM and not name.startswith("System."):
        raise ValueError(f"There is no type {name}")
    item, as_node = of.item, navigation.as_node(of)
    return boolean(lambda focus, scope: None if (found := item(focus, scope)) is None else _is_of(as_node(found), name))


def _kind_of_name(navigation: Navigation, name: str) -> Kind:
    """Return the type of values whose type is known only when they are met, once they are found to be of it."""
    if navigation.kinds.holds(name):
        return navigation.kinds.named(name)
    if name in SYSTEM or name.startswith("System."):
        return SYSTEM[name.removeprefix("System.")]
    if not re.fullmatch(r"[A-Z][A-Za-z]+", name):
        raise ValueError(f"There is no type {name}")
    return UNTYPED


def _is_of(node: Node, name: str) -> bool:
    return name in node.kind.ancestors or (node.kind is UNKNOWN and _could_be(node.value, name))


def _could_be(value: Any, name: str) -> bool:
    """Whether a value in a resource whose definition is not held may be a text of that type: nothing denies it."""
    return type(value) is str and name[0].islower()


def _those_of_type(call: Invocation) -> Collection:
    return of_type(call.compiler.navigation, call.of, type_name(call.arguments[0]))


def _whether_of_type(call: Invocation) -> Collection:
    return is_type(call.compiler.navigation, call.of, type_name(call.arguments[0]))


TYPES: dict[str, tuple[Function, range]] = {
    "as": (_those_of_type, range(1, 2)),
    "is": (_whether_of_type, range(1, 2)),
    "ofType": (_those_of_type, range(1, 2)),
}
"""Each function by its name, and how many arguments it can have."""
