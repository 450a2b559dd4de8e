"""The differences between two versions of a resource as a FHIRPath Patch (https://hl7.org/fhir/R4/fhirpatch.html)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from service.conformance.fhirpath.kinds import Found, Kind, Kinds, kinds_of
from service.conformance.structures import Structures
from service.fhir import json
from service.patch.alignment import has_in_common, moved, paired
from service.patch.places import ListPlace, name_of
from service.patch.values import Values, values_of

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One operation of a patch."""

    type: str
    """add, insert, delete, replace or move."""
    path: str
    name: str | None = None
    value: Json | None = None
    """The part that gives the value."""
    index: int | None = None
    source: int | None = None
    destination: int | None = None

    @property
    def place(self) -> str:
        """Where the element is that is different, as a FHIRPath expression."""
        at = "" if self.index is None else f"[{self.index}]"
        return f"{self.path}{at}" if self.name is None else f"{self.path}.{self.name}"

    def as_parameter(self) -> Json:
        """Return the parameter ``operation``."""
        parts: list[Json] = [{"name": "type", "valueCode": self.type}, {"name": "path", "valueString": self.path}]
        if self.name is not None:
            parts.append({"name": "name", "valueString": self.name})
        if self.index is not None:
            parts.append({"name": "index", "valueInteger": self.index})
        if self.value is not None:
            parts.append(self.value)
        if self.source is not None:
            parts.append({"name": "source", "valueInteger": self.source})
            parts.append({"name": "destination", "valueInteger": self.destination})
        return {"name": "operation", "part": parts}


def differences(before: Json, after: Json, structures: Structures) -> list[Difference]:
    """Return what, one after the other, makes ``after`` of ``before``, two valid resources of one type."""
    kinds = kinds_of(structures)
    kind = kinds.of_resource(before)
    return list(_Differ(kinds, values_of(structures)).of_objects(kind.name, kind, before, after))


@dataclass(frozen=True, slots=True)
class _Differ:
    """Finds differences; paths and values have the types among ``kinds``."""

    kinds: Kinds
    values: Values

    def of_objects(self, path: str, kind: Kind, before: Json, after: Json) -> Iterator[Difference]:
        """Yield the differences between two objects of one type."""
        for name, elements in _members(kind, self.kinds, before, after).items():
            earlier = [found for found in elements if _holds(before, found)]
            later = [found for found in elements if _holds(after, found)]
            if (later or earlier)[0].element.many:
                yield from self._of_lists(path, name, elements[0], before, after)
            elif not later:
                yield Difference("delete", f"{path}.{name}")
            elif not earlier:
                yield Difference("add", path, name, self._part(later[0], _pair(after, later[0])))
            else:
                pairs = _pair(before, earlier[0]), _pair(after, later[0])
                same_type = earlier[0].element.key == later[0].element.key
                yield from self._of_values(f"{path}.{name}", later[0], *pairs, same_type)

    def _of_values(
        self, path: str, found: Found, before: tuple[Any, Any], after: tuple[Any, Any], same_type: bool = True
    ) -> Iterator[Difference]:
        """Yield the differences between two values of one element, each with what stands beside it."""
        if json.dump_sorted(before) == json.dump_sorted(after):
            return
        is_object = type(before[0]) is dict and type(after[0]) is dict
        kind = self.kinds.of_resource(before[0]) if found.kind.is_dynamic else found.kind
        if same_type and is_object and kind.structure is not None and _type(before) == _type(after):
            within = list(self.of_objects(path, kind, before[0], after[0]))
            if len(within) == 1 or has_in_common(before, after):
                yield from within
            else:
                yield Difference("replace", path, value=self._part(found, after))
        elif same_type and not is_object and json.dump(before[0]) == json.dump(after[0]) and before[0] is not None:
            yield from self.of_objects(path, kind, before[1] or {}, after[1] or {})
        else:
            yield Difference("replace", path, value=self._part(found, after))

    def _of_lists(self, path: str, name: str, found: Found, before: Json, after: Json) -> Iterator[Difference]:
        """Yield first what is deleted, then what moves, then what is new, then what is different within an item."""
        earlier, later = _items(before, found), _items(after, found)
        pairs = paired(earlier, later)
        moves = moved(pairs)
        whole, kept = f"{path}.{name}", set(pairs.values())
        for index in reversed([index for index in range(len(earlier)) if index not in kept]):
            yield Difference("delete", f"{whole}[{index}]")
        for source, destination in moves:
            yield Difference("move", whole, source=source, destination=destination)
        length = len(pairs)
        for index in [index for index in range(len(later)) if index not in pairs]:
            value = self._part(found, later[index])
            if index == length:
                yield Difference("add", path, name, value)
            else:
                yield Difference("insert", whole, value=value, index=index)
            length += 1
        for index in sorted(pairs):
            yield from self._of_values(f"{whole}[{index}]", found, earlier[pairs[index]], later[index])

    def _part(self, found: Found, pair: tuple[Any, Any]) -> Json:
        return self.values.part("value", found, *pair)


def _members(kind: Kind, kinds: Kinds, before: Json, after: Json) -> dict[str, list[Found]]:
    """Return by their names the elements that are in one of two objects, those of a choice together."""
    elements = kinds.keys(kind)
    keys = dict.fromkeys(key.removeprefix("_") for key in (*before, *after) if key != "resourceType")
    found: dict[str, list[Found]] = {}
    for key in keys:
        found.setdefault(name_of(kind, elements[key]), []).append(elements[key])
    return found


def _holds(value: Json, found: Found) -> bool:
    return found.element.key in value or f"_{found.element.key}" in value


def _pair(value: Json, found: Found) -> tuple[Any, Any]:
    return value.get(found.element.key), value.get(f"_{found.element.key}")


def _items(value: Json, found: Found) -> list[tuple[Any, Any]]:
    """Return the items of a list, each with what stands beside it."""
    values, besides = _pair(value, found)
    positions = range(len(ListPlace(value, found.element.key)))
    return [(values[index] if values else None, besides[index] if besides else None) for index in positions]


def _type(pair: tuple[Any, Any]) -> Any:
    return pair[0].get("resourceType")
