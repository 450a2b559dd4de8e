"""Links inside resources, which a transaction has to rewrite (https://hl7.org/fhir/R4/http.html#trules).

Compiled once: for each structure the JSON keys under which a link can stand.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from service.conformance.structures import ANY, Element, Structure, Structures


@dataclass(frozen=True, slots=True)
class Targets:
    """What links become."""

    by_address: dict[str, str]
    """For addresses, in any element and in narratives."""
    of_reference: Callable[[str], str]
    """For references; gives the same text where one stays."""


Rewrite = Callable[[Any, Targets], Any]
"""Returns what a value becomes; objects and lists are changed in place."""


class _Local(dict[str, str]):
    """Stands in for addresses to rewrite, changes none, and remembers the local ones."""

    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()

    def seen(self, link: str) -> str:
        if link.startswith("#"):
            self.links.add(link)
        return link

    def get(self, link: str, default: Any = None) -> Any:
        return self.seen(link)


_ADDRESSES = frozenset({"uri", "url", "oid", "uuid", "canonical"})
_NARRATIVE_LINK = re.compile(r"""(?P<before>\b(?:href|src)\s*=\s*(?P<quote>["']))(?P<url>[^"']*)(?P=quote)""")


class LinkRewriter:
    """Rewrites references, addresses and links in narratives, in resources of types whose definition is held."""

    def __init__(self, structures: Structures) -> None:
        self._structures = structures
        self._tables: dict[str, dict[str, Rewrite]] = {}

    def rewrite(self, resource: dict[str, Any], targets: Targets) -> None:
        """Change every link in ``resource`` to what ``targets`` say; raises RecursionError where it is too deep."""
        self._resource(resource, targets)

    def local_links(self, resource: dict[str, Any]) -> set[str]:
        """Return the references and addresses in ``resource`` that start with #: those within one resource."""
        found = _Local()
        self._resource(resource, Targets(found, found.seen))
        return found.links

    def _resource(self, value: Any, targets: Targets) -> Any:
        name = value.get("resourceType") if isinstance(value, dict) else None
        if isinstance(name, str) and self._structures.is_resource(name):
            _rewrite_members(value, self._table(self._structures.of_type(name)), targets)
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
            return _reference
        if element.type in _ADDRESSES:
            return _address
        if element.type == "xhtml":
            return _narrative
        if self._structures.is_primitive(element.type):
            return None
        if element.type == ANY:
            return self._resource
        table = self._table(self._structures.below(element))
        return lambda value, targets: _rewrite_members(value, table, targets)


def _rewrite_members(value: Any, table: dict[str, Rewrite], targets: Targets) -> Any:
    if type(value) is dict:
        for key, item in value.items():
            rewrite = table.get(key)
            if rewrite is not None:
                value[key] = rewrite(item, targets)
    return value


def _each(rewrite: Rewrite) -> Rewrite:
    def rewrite_each(values: Any, targets: Targets) -> Any:
        return [rewrite(value, targets) for value in values] if type(values) is list else values

    return rewrite_each


def _reference(value: Any, targets: Targets) -> Any:
    return targets.of_reference(value) if type(value) is str else value


def _address(value: Any, targets: Targets) -> Any:
    return targets.by_address.get(value, value) if type(value) is str else value


def _narrative(value: Any, targets: Targets) -> Any:
    def linked(match: re.Match[str]) -> str:
        url = match["url"]
        return match["before"] + targets.by_address.get(url, url) + match["quote"]

    return _NARRATIVE_LINK.sub(linked, value) if type(value) is str else value
