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
from service.store.document import Stored

Values = tuple[Any, ...]
SLOTS = 251
"""People are told apart by so many slots: of different people some share one, which never makes them seem more."""
_MOST_AT_HAND = 20_000
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
        self._known: dict[Values, Values] = {}
        self._at_hand: dict[int, Facts] = {}
        self._places: dict[str, int] = {}
        links = LINKS[kind]
        self._names = [fact.name for fact in facts if fact.name not in links]
        self._reads = [fact.read for fact in facts if fact.name not in links]
        self._links = [(fact.name, fact.read, others.get(links[fact.name])) for fact in facts if fact.name in links]
        self._found: dict[str, dict[int, tuple[int, ...]]] = {name: {} for name in links}
        self._sought: dict[str, dict[int, tuple[str, ...]]] = {name: {} for name in links}

    def add(self, version: Stored) -> None:
        """Take the facts out of a resource that is not deleted."""
        assert version.body is not None
        resource = _parsed(version.body)
        scope = Scope(resource, resource, shared={})
        try:
            values = tuple([read(resource, scope) for read in self._reads])
        except NOT_TO_BE_READ:
            values = tuple([_or_nothing(read, resource, scope) for read in self._reads])
        place = self._places[version.id] = len(self.ids)
        self.ids.append(version.id)
        self.persons.append(crc32((version.subject or "").encode()) % SLOTS)
        self._values.append(self._known.setdefault(values, values))
        for name, read, among in self._links:
            references = _or_nothing(read, resource, scope)
            if references and among:
                self._found[name][place] = among.places(references)
            elif references:
                self._sought[name][place] = references

    def places(self, references: Iterable[str]) -> tuple[int, ...]:
        """Return the places of what references in their normal form lead to, each once, without what is not here."""
        found: dict[int, None] = {}
        for reference in references:
            of_type, _, resource_id = reference.partition("/")
            if of_type == self.type and resource_id in self._places:
                found[self._places[resource_id]] = None
        return tuple(found)

    def settle(self) -> None:
        """Find out where those lead to that lead to others of their kind; all have to be there."""
        for name, sought in self._sought.items():
            while sought:
                place, references = sought.popitem()
                self._found[name][place] = self.places(references)

    def reference(self, place: int) -> str:
        """Return the reference to the resource at ``place``."""
        return f"{self.type}/{self.ids[place]}"

    def linked(self, name: str, place: int) -> tuple[int, ...]:
        """Return the places of what the resource at ``place`` leads to by a link."""
        return self._found[name].get(place, ())

    def all_linked(self, name: str) -> Iterable[tuple[int, tuple[int, ...]]]:
        """Return every place with a link, and what it leads to."""
        return self._found[name].items()

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
