"""The occurrences of an element in an object: single, repeating, in one form of several, or without a value."""

from collections.abc import Callable
from typing import Any

from service.conformance.structures import Element
from service.conformance.validation.place import Place, path_name

Occurrence = tuple[Any, Element, Place]
"""A value (None where there are only extensions), the form of the element that it is, and its place."""
Finder = Callable[[dict[str, Any], Place], list[Occurrence]]
"""Returns the occurrences in an object that stands at a place."""


def finder(name: str, elements: list[Element]) -> Finder:
    """Return what finds the occurrences of the element ``name``, which has the forms ``elements``."""
    if elements[0].many:
        return _of_list(elements[0])
    forms = {key: element for element in elements for key in (element.key, f"_{element.key}")}
    steps = {element.key: path_name(element.key, name, element.type) for element in elements}

    def find(parent: dict[str, Any], place: Place) -> list[Occurrence]:
        given = {forms[key].key: forms[key] for key in parent if key in forms}
        depth = place.depth + 1
        return [(parent.get(key), form, Place(place, steps[key], None, depth)) for key, form in given.items()]

    return find


def _of_list(element: Element) -> Finder:
    key = element.key

    def find(parent: dict[str, Any], place: Place) -> list[Occurrence]:
        values, extras = parent.get(key, ()), parent.get(f"_{key}", ())
        if type(values) is not list:
            values = []
        missing = (len(extras) if type(extras) is list else 0) - len(values)
        every = [*values, *[None] * missing] if missing > 0 else values
        depth = place.depth + 1
        return [(value, element, Place(place, key, number, depth)) for number, value in enumerate(every)]

    return find
