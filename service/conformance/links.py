"""Links inside resources: references and addresses that a transaction has to rewrite (https://hl7.org/fhir/R4/http.html#trules)."""

import re
from collections.abc import Callable
from typing import Any

from service.conformance.place import Place
from service.conformance.structures import ANY, Structure, Structures
from service.conformance.validate import DEEPEST

Target = Callable[[str, Place], str | None]
"""Gives what a link becomes, or None where it stays as it is."""

_ADDRESSES = frozenset({"uri", "url", "oid", "uuid", "canonical"})
_NARRATIVE_LINK = re.compile(r"""(?P<before>\b(?:href|src)\s*=\s*(?P<quote>["']))(?P<url>[^"']*)(?P=quote)""")


def rewrite_links(resource: dict[str, Any], target: Target, structures: Structures, root: str) -> dict[str, Any]:
    """Return ``resource`` with every reference, address and narrative link as ``target`` says."""
    return _Rewriter(target, structures).resource(resource, Place(None, root))


class _Rewriter:
    def __init__(self, target: Target, structures: Structures) -> None:
        self._target = target
        self._structures = structures

    def resource(self, value: dict[str, Any], place: Place) -> dict[str, Any]:
        name = value.get("resourceType")
        if not isinstance(name, str) or not self._structures.is_resource(name):
            return value  # of a contained type whose definition is not held
        return self._object(value, self._structures.of_type(name), place)

    def _object(self, value: dict[str, Any], structure: Structure, place: Place) -> dict[str, Any]:
        return {key: self._member(key, item, structure, place) for key, item in value.items()}

    def _member(self, key: str, value: Any, structure: Structure, place: Place) -> Any:
        element = structure.elements.get(key)
        if element is None or place.depth > DEEPEST:
            return value  # the validator says what is wrong with it
        if isinstance(value, list):
            return [
                self._value(item, element.type, element.structure, Place(place, key, index, place.depth + 1))
                for index, item in enumerate(value)
            ]
        is_reference = structure.path == "Reference" and key == "reference"
        of_type = "uri" if is_reference else element.type
        return self._value(value, of_type, element.structure, Place(place, key, None, place.depth + 1))

    def _value(self, value: Any, of_type: str, inline: Structure | None, place: Place) -> Any:
        if isinstance(value, str):
            if of_type in _ADDRESSES:
                return self._target(value, place) or value
            return self._narrative(value, place) if of_type == "xhtml" else value
        if not isinstance(value, dict) or self._structures.is_primitive(of_type):
            return value
        if of_type == ANY:
            return self.resource(value, place)
        return self._object(value, inline or self._structures.of_type(of_type), place)

    def _narrative(self, text: str, place: Place) -> str:
        def linked(match: re.Match[str]) -> str:
            url = match["url"]
            return match["before"] + (self._target(url, place) or url) + match["quote"]

        return _NARRATIVE_LINK.sub(linked, text)
