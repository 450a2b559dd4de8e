"""The References in a resource, and where they stand (https://hl7.org/fhir/R4/references.html).

Found without the definitions, because a resource may contain others whose definition is not held; the definitions are
needed only to name a place. What waits to be looked at is in a list, so no depth of nesting matters.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from service.conformance.structures import ANY, Structure, Structures
from service.conformance.validation.place import path_name

Reference = dict[str, Any]
_Steps = tuple[Any, str | int] | None
"""What was stepped through before, and the last step: the key of an object or a position in a list, from 0."""


def references_in(resource: Any) -> list[Reference]:
    """Return the literal References in a resource, whatever its shape."""
    found: list[Reference] = []
    waiting = [resource]
    while waiting:
        value = waiting.pop()
        if value.__class__ is dict:
            for key, item in value.items():
                kind = item.__class__
                if kind is dict or kind is list:
                    waiting.append(item)
                elif kind is str and key == "reference":
                    found.append(value)
        else:
            for item in value:
                kind = item.__class__
                if kind is dict or kind is list:
                    waiting.append(item)
    return found[::-1]


def places_of(
    references: Iterable[Reference], resource: dict[str, Any], root: str, structures: Structures
) -> list[str]:
    """Return the FHIRPath expressions of ``references``, which are among those in ``resource``, itself at ``root``."""
    keys = [id(reference) for reference in references]
    wanted = set(keys)
    steps = {key: steps for key, steps in _objects(resource) if key in wanted}
    return [root + _expression(steps[key], resource, structures) for key in keys]


def _objects(resource: dict[str, Any]) -> Iterator[tuple[int, _Steps]]:
    """Yield the identity of each object in ``resource``, and the steps to it."""
    waiting: list[tuple[Any, _Steps]] = [(resource, None)]
    while waiting:
        value, steps = waiting.pop()
        if isinstance(value, dict):
            yield id(value), steps
            waiting += [(item, (steps, key)) for key, item in value.items() if isinstance(item, (dict, list))]
        else:
            waiting += [(item, (steps, at)) for at, item in enumerate(value) if isinstance(item, (dict, list))]


def _expression(steps: _Steps, resource: dict[str, Any], structures: Structures) -> str:
    place, value, structure = "", resource, _structure_of(resource, structures)
    for step in _in_order(steps):
        value = value[step]  # type: ignore[index]  # the step was taken there
        if isinstance(step, int):
            place += f"[{step}]"
        else:
            name, structure = _named(step, structure, structures)
            place += f".{name}"
        if isinstance(value, dict) and "resourceType" in value:
            structure = _structure_of(value, structures)
    return place


def _in_order(steps: _Steps) -> list[str | int]:
    found: list[str | int] = []
    while steps is not None:
        steps, step = steps
        found.append(step)
    return found[::-1]


def _structure_of(resource: dict[str, Any], structures: Structures) -> Structure | None:
    name = resource.get("resourceType")
    return structures.of_type(name) if isinstance(name, str) and structures.is_resource(name) else None


def _named(key: str, structure: Structure | None, structures: Structures) -> tuple[str, Structure | None]:
    """Return what FHIRPath calls a JSON key, and the elements below it, None where they are not known."""
    bare = key.removeprefix("_")
    element = structure.elements.get(bare) if structure else None
    if element is None:
        return bare, None
    choice = element.path.rpartition(".")[2].removesuffix("[x]")
    name = path_name(bare, choice, element.type)
    if bare != key:
        return name, structures.of_type("Element")
    is_opaque = element.type == ANY or structures.is_primitive(element.type)
    return name, None if is_opaque else structures.below(element)
