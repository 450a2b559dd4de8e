"""What is kept of the resources that cases of one kind are made of: their facts, and what they lead to.

Facts repeat from resource to resource, so each combination of them is held once, however many resources have it.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zlib import crc32

import orjson

from service.conformance.fhirpath.collection import Scope
from service.fhir import json
from service.reporting.measures.facts import KINDS_OF_CASE, LINKS, NOT_TO_BE_READ, Fact, Facts, Read
from service.reporting.measures.links import Links
from service.store.document import Stored

Values = tuple[Any, ...]
_IN_ERROR = "entered-in-error"
_NOTHING = {"status": _IN_ERROR}
SLOTS = 251
"""People are told apart by so many slots: of different people some share one, which never makes them seem more."""
_MOST_AT_HAND = 5_000
"""Combinations of facts that are kept as objects, too; they are made again where there are more."""


class Records:
    """The resources of one kind of case, each known by its place in the order in which they came.

    ``others`` are those of the kinds that they lead to, which have to be there before.
    """

    def __init__(self, kind: str, facts: Sequence[Fact], others: "Mapping[str, Records]") -> None:
        self.type = KINDS_OF_CASE[kind]
        self.ids: list[str] = []
        self.persons = array("B")
        """Of each the slot of the person whom it is about, one of `SLOTS`."""
        self._values: list[Values] = []
        self._known: dict[Any, Any] = {}
        self._at_hand: dict[int, Facts] = {}
        self._places: dict[str, int] = {}
        links = LINKS[kind]
        self._names = [fact.name for fact in facts if fact.name not in links]
        self._reads = [fact.read for fact in facts if fact.name not in links]
        self._leading = [(fact.name, fact.read, others.get(links[fact.name])) for fact in facts if fact.name in links]
        self._links = {name: Links() for name in links}
        self._sought: dict[str, dict[int, tuple[str, ...]]] = {}

    def add(self, version: Stored) -> None:
        """Take the facts out of a resource, unless it was deleted, or entered in error."""
        resource = _parsed(version.body) if version.body else _NOTHING
        if _IN_ERROR in (resource.get("status"), resource.get("lifecycleStatus")):
            return
        scope = Scope(resource, resource, shared={})
        try:
            values = [read(resource, scope) for read in self._reads]
        except NOT_TO_BE_READ:
            values = [_or_nothing(read, resource, scope) for read in self._reads]
        place = self._places[version.id] = len(self.ids)
        self.ids.append(version.id)
        self.persons.append(crc32((version.subject or "").encode()) % SLOTS)
        same = self._known.setdefault
        combination = tuple([same(value, value) for value in values])
        self._values.append(same(combination, combination))
        for name, read, among in self._leading:
            references = _or_nothing(read, resource, scope) or ()
            if among:
                self._links[name].add(among.places(references))
            elif references:
                self._sought.setdefault(name, {})[place] = references

    def places(self, references: Iterable[str]) -> Iterable[int]:
        """Return the places of what references in their normal form lead to, each once, without what is not here."""
        found: dict[int, None] = {}
        for reference in references:
            of_type, _, resource_id = reference.partition("/")
            if of_type == self.type and resource_id in self._places:
                found[self._places[resource_id]] = None
        return found

    def settle(self) -> None:
        """Find out where those lead to that lead to others of their kind, once all are there."""
        for name, _, among in self._leading:
            if among is None:
                sought = self._sought.pop(name, {})
                for place in range(len(self.ids)):
                    self._links[name].add(self.places(sought.pop(place, ())))
        self._known.clear()

    def reference(self, place: int) -> str:
        """Return the reference to the resource at ``place``."""
        return f"{self.type}/{self.ids[place]}"

    def linked(self, name: str, place: int) -> Iterable[int]:
        """Return the places of what the resource at ``place`` leads to by a link."""
        return self._links[name].of(place)

    def leading(self, name: str) -> dict[int, list[int]]:
        """Return by place which resources lead there by a link to their own kind."""
        return self._links[name].turned()

    def combination(self, place: int) -> int:
        """Return a number that is the same for resources with equal facts."""
        return id(self._values[place])

    def facts(self, place: int) -> Facts:
        """Return the facts of the resource at ``place``, which nobody changes."""
        values = self._values[place]
        found = self._at_hand.get(id(values))
        if found is None:
            pairs = zip(self._names, values, strict=True)
            found = {name: list(value) if type(value) is tuple else value for name, value in pairs if value is not None}
            if len(self._at_hand) >= _MOST_AT_HAND:
                self._at_hand.clear()
            self._at_hand[id(values)] = found
        return found


def _or_nothing(read: Read, resource: Any, scope: Scope) -> Any:
    """Return what is read; what cannot be evaluated is not said."""
    try:
        return read(resource, scope)
    except NOT_TO_BE_READ:
        return None


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:  # a number beyond those of machines, such as 1e400
        return json.parse(body)
