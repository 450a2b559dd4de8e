"""Links inside resources, which a transaction has to rewrite (https://hl7.org/fhir/R4/http.html#trules).

Compiled once: for each structure the JSON keys under which a link can stand.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from service.conformance.structures import ANY, Element, Structure, Structures

Target = Callable[[str, bool], str | None]
"""Gives what a link becomes, or None where it stays; told whether it is a Reference's and not just an address."""
Rewrite = Callable[[Any, Target], Any]
"""Returns what a value becomes; objects and lists are changed in place."""

_ADDRESSES = frozenset({"uri", "url", "oid", "uuid", "canonical"})
_NARRATIVE_LINK = re.compile(r"""(?P<before>\b(?:href|src)\s*=\s*(?P<quote>["']))(?P<url>[^"']*)(?P=quote)""")


class LinkRewriter:
    """Rewrites references, addresses and links in narratives, in resources of types whose definition is held."""

    def __init__(self, structures: Structures) -> None:
        self._structures = structures
        self._tables: dict[str, dict[str, Rewrite]] = {}

    def rewrite(self, resource: dict[str, Any], target: Target) -> None:
        """Change every link in ``resource`` to what ``target`` says; raises RecursionError where it is too deep."""
        self._resource(resource, target)

    def _resource(self, value: Any, target: Target) -> Any:
        name = value.get("resourceType") if isinstance(value, dict) else None
        if isinstance(name, str) and self._structures.is_resource(name):
            _rewrite_members(value, self._table(self._structures.of_type(name)), target)
        return value

    def _table(self, structure: Structure) -> dict[str, Rewrite]:
        if structure.path not in self._tables:
            table = self._tables[structure.path] = {}
            for key, element in structure.elements.items():
                rewrite = self._rewrite_of(structure, element)
                if rewrite is not None:
                    table[key] = _each(rewrite) if element.many else rewrite
        return self._tables[structure.path]

    def _rewrite_of(self, structure: Structure, element: Element) -> Rewrite | None:
        if structure.path == "Reference" and element.key == "reference":
            return _link(True)
        if element.type in _ADDRESSES:
            return _link(False)
        if element.type == "xhtml":
            return _narrative
        if self._structures.is_primitive(element.type):
            return None
        if element.type == ANY:
            return self._resource
        table = self._table(self._structures.below(element))
        return lambda value, target: _rewrite_members(value, table, target)


def places_of(link: str, value: Any, place: str) -> Iterator[str]:
    """Yield where in ``value``, which stands at ``place``, a text is ``link``."""
    if value == link:
        yield place
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from places_of(link, item, f"{place}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from places_of(link, item, f"{place}[{number}]")


def _rewrite_members(value: Any, table: dict[str, Rewrite], target: Target) -> Any:
    if type(value) is dict:
        for key, item in value.items():
            rewrite = table.get(key)
            if rewrite is not None:
                value[key] = rewrite(item, target)
    return value


def _each(rewrite: Rewrite) -> Rewrite:
    def rewrite_each(values: Any, target: Target) -> Any:
        return [rewrite(value, target) for value in values] if type(values) is list else values

    return rewrite_each


def _link(is_reference: bool) -> Rewrite:
    return lambda value, target: (target(value, is_reference) or value) if type(value) is str else value


def _narrative(value: Any, target: Target) -> Any:
    def linked(match: re.Match[str]) -> str:
        url = match["url"]
        return match["before"] + (target(url, False) or url) + match["quote"]

    return _NARRATIVE_LINK.sub(linked, value) if type(value) is str else value
