"""The concepts of a CodeSystem and how they lie below each other (https://hl7.org/fhir/R4/codesystem.html#hierarchy)."""

from collections.abc import Iterable, Iterator
from functools import cache, partial
from typing import Any

Concept = dict[str, Any]

_PARENTS = {"parent", "subsumedBy"}
_CHILD = "child"
_NOT_SELECTABLE = "notSelectable"
_GROUPS = {"grouped-by", "part-of"}
"""Meanings of a hierarchy in which a code is not a kind of what is above it."""


class CodeSystem:
    """The concepts of one code system, as far as its definition lists them."""

    def __init__(self, definition: dict[str, Any]) -> None:
        self.is_complete: bool = definition["content"] == "complete"
        self.is_subsumption: bool = definition.get("hierarchyMeaning") not in _GROUPS
        """Whether a code is a kind of each above it."""
        self.concepts: dict[str, Concept] = {}
        self._children: dict[str, set[str]] = {}
        self._parents: dict[str, set[str]] = {}
        self._add(definition.get("concept", ()), None)
        self.below = cache(partial(_reached, self._children))
        """Returns the codes below a code, at any depth; none where it is not known."""
        self.above = cache(partial(_reached, self._parents))
        """Returns the codes above a code, at any height; none where it is not known."""

    def is_selectable(self, code: str) -> bool:
        """Return whether ``code`` is a concept that a record may name, not one that only groups others."""
        concept = self.concepts.get(code)
        return concept is not None and not any(
            item["code"] == _NOT_SELECTABLE and item["valueBoolean"] for item in concept.get("property", ())
        )

    def selects(self, item: dict[str, str], code: str) -> bool | None:
        """Return whether a filter of a value set selects ``code``; None where the filter is not understood."""
        if item["property"] != "concept":
            return None
        at_or_below = {item["value"], *self.below(item["value"])}
        match item["op"]:
            case "is-a":
                return code in at_or_below
            case "descendent-of":
                return code in self.below(item["value"])
            case "is-not-a":
                return code not in at_or_below
        return None

    def _add(self, concepts: Iterable[Concept], parent: str | None) -> None:
        for concept in concepts:
            code = concept["code"]
            self.concepts[code] = concept
            for above, below in _links(concept, parent):
                self._children.setdefault(above, set()).add(below)
                self._parents.setdefault(below, set()).add(above)
            self._add(concept.get("concept", ()), code)


def _links(concept: Concept, parent: str | None) -> Iterator[tuple[str, str]]:
    """Yield the pairs of a code and one below it that ``concept`` tells of: nesting has one parent, properties more."""
    if parent is not None:
        yield parent, concept["code"]
    for item in concept.get("property", ()):
        if item["code"] in _PARENTS:
            yield item["valueCode"], concept["code"]
        elif item["code"] == _CHILD:
            yield concept["code"], item["valueCode"]


def _reached(links: dict[str, set[str]], code: str) -> frozenset[str]:
    found: set[str] = set()
    waiting = [code]
    while waiting:
        new = links.get(waiting.pop(), set()) - found
        found |= new
        waiting.extend(new)
    return frozenset(found)
