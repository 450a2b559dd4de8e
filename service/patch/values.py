"""Values of a FHIRPath Patch: from the parts of a Parameters resource to what JSON has, and back.

A part has a value of a named type (``valueQuantity``), a whole ``resource``, or parts of its own for what Parameters
has no type for: the elements of a backbone element, of a Narrative or of an Extension, each by its name
(https://hl7.org/fhir/R4/fhirpatch.html).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from service.conformance.fhirpath.kinds import Found, Kind, Kinds, kinds_of
from service.conformance.structures import ANY, Element, Structures
from service.fhir.outcome import quoted
from service.patch.copies import copied
from service.patch.places import ListPlace, Place, elements_called, name_of

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Given:
    """What a part gives."""

    type: str | None
    """The name of the type; None where the part has parts."""
    value: Any = None
    beside: Any = None
    parts: tuple[Json, ...] = ()


class Member(NamedTuple):
    """A value as a member of an object."""

    element: Element
    value: Any
    beside: Any


class Values:
    """Reads and writes values."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        parameter = kinds.members(kinds.named("Parameters"), "parameter")[0].kind
        choices = kinds.members(parameter, "value")
        self._types = {found.element.key: found.element.type for found in choices}
        self._keys = {type_name: key for key, type_name in self._types.items()}

    def given(self, part: Json) -> Given:
        """Return what ``part`` gives."""
        for key, value in part.items():
            of_type = self._types.get(key.removeprefix("_"))
            if of_type is not None:
                key = key.removeprefix("_")
                return Given(of_type, part.get(key), part.get(f"_{key}"))
            if key == "resource":
                return Given(ANY, value)
        return Given(None, parts=tuple(part.get("part", ())))

    def member(self, given: Given, candidates: tuple[Found, ...]) -> Member:
        """Return ``given`` as one of the elements ``candidates``, several where they are a choice.

        Raises ValueError where it is of a type that none of them has.
        """
        found = self._fitting(given, candidates)
        if given.type is not None:
            return Member(found.element, copied(given.value), copied(given.beside))
        if found.kind.is_primitive or found.kind.is_dynamic or not given.parts:
            raise ValueError(f"{found.element.key} has no parts; give its value as {self._expected(candidates)}")
        return Member(found.element, self._built(found.kind, given.parts), None)

    def add(self, given: Given, candidates: tuple[Found, ...], holder: Json) -> Element | None:
        """Put ``given`` into ``holder`` as one of the elements ``candidates``, the last where there may be several.

        Return the element, with nothing done, where there may be one only and ``holder`` has that already. Raises
        ValueError as `member` does.
        """
        element, value, beside = self.member(given, candidates)
        if element.many:
            items = ListPlace(holder, element.key)
            items.insert(len(items), value, beside)
        elif any(key in holder for found in candidates for key in (found.element.key, f"_{found.element.key}")):
            return element
        else:
            Place(candidates[0].kind, holder, element.key).put(value, beside)
        return None

    def _fitting(self, given: Given, candidates: tuple[Found, ...]) -> Found:
        for found in candidates:
            if (given.type is None and len(candidates) == 1) or self._fits(given, found, len(candidates) > 1):
                return found
        raise ValueError(f"The value is given as {self._expected(candidates)}")

    def _fits(self, given: Given, found: Found, is_choice: bool) -> bool:
        """Return whether a value is of the type of an element; texts are told apart only in a choice."""
        if given.type is None or given.type == found.element.type:
            return given.type is not None
        if ANY in (given.type, found.element.type) or is_choice:
            return given.type == ANY and found.kind.is_dynamic
        kind = self._kinds.named(given.type)
        if found.kind.is_primitive or kind.is_primitive:
            return found.kind.is_primitive and kind.is_primitive
        return found.element.type in kind.ancestors

    def _expected(self, candidates: tuple[Found, ...]) -> str:
        names = [self._keys.get(_type_in_parameters(found)) for found in candidates]
        known = [name for name in names if name is not None]
        return " or ".join(known) if known else "resource" if candidates[0].kind.is_dynamic else "part"

    def _built(self, kind: Kind, parts: tuple[Json, ...]) -> Json:
        """Return the object whose members ``parts`` give; raises ValueError where it has no such element."""
        built: Json = {}
        for part in parts:
            name = part.get("name", "")
            candidates = elements_called(kind, name, self._kinds)
            if not candidates:
                raise ValueError(f"{kind.name} has no element {quoted(name)}")
            if self.add(self.given(part), candidates, built) is not None:
                raise ValueError(f"{kind.name} has one {quoted(name)}, which is given twice")
        return built

    def part(self, name: str, found: Found, value: Any, beside: Any) -> Json:
        """Return the part called ``name`` that gives the value of an element."""
        if found.kind.is_dynamic:
            return {"name": name, "resource": value}
        key = self._keys.get(_type_in_parameters(found))
        if key is None:
            return {"name": name, "part": list(self._parts(found.kind, value))}
        members = ((key, value), (f"_{key}", beside))
        return {"name": name} | {key: item for key, item in members if item is not None}

    def _parts(self, kind: Kind, value: Json) -> Iterator[Json]:
        """Yield the parts that give the members of an object."""
        elements = self._kinds.keys(kind)
        for key in dict.fromkeys(key.removeprefix("_") for key in value):
            found = elements[key]
            name, item, beside = name_of(kind, found), value.get(key), value.get(f"_{key}")
            if not found.element.many:
                yield self.part(name, found, item, beside)
                continue
            for index in range(len(ListPlace(value, key))):
                yield self.part(name, found, _at(item, index), _at(beside, index))


@cache
def values_of(structures: Structures) -> Values:
    """Return what reads and writes values of the types among ``structures``, the same object each time."""
    return Values(kinds_of(structures))


def _type_in_parameters(found: Found) -> str:
    return "string" if found.element.type == "xhtml" else found.element.type


def _at(items: Any, index: int) -> Any:
    return items[index] if items is not None and index < len(items) else None
