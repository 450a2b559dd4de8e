"""FHIRPath Patch of a resource (https://hl7.org/fhir/R4/fhirpatch.html)."""

from collections.abc import Callable
from typing import Any

from service.conformance.fhirpath.kinds import Kinds, kinds_of
from service.conformance.fhirpath.syntax import Member as MemberOf
from service.conformance.fhirpath.syntax import Node, Variable
from service.conformance.structures import Structures
from service.fhir.outcome import Issue, OutcomeError, quoted
from service.patch.copies import copied, without_empty
from service.patch.limits import Effort
from service.patch.operations import Operation, read_operations
from service.patch.paths import Paths, parsed_path
from service.patch.places import ListPlace, Place, elements_called, place_of_resource
from service.patch.values import Values, values_of

Json = dict[str, Any]


def fhirpath_patched(resource: Json, parameters: Json, structures: Structures) -> Json:
    """Return ``resource`` as ``parameters`` change it, one operation after the other.

    An element is replaced as a whole, with its id and extensions. A list or element that has lost all that it had is
    gone at the end. To delete what is not there is no error, as the specification has it.

    ``parameters`` is a well-formed Parameters resource. Raises OutcomeError 400 where it is no patch, and 422 where an
    operation cannot be done: its path leads to nothing, to several elements, or its value is of a wrong type.
    """
    kinds, values = kinds_of(structures), values_of(structures)
    effort = Effort(len(parameters.get("parameter", ())))
    changed = copied(resource)
    for operation in read_operations(parameters, values):
        effort.demand_time_left()
        work = _Work(changed, operation, kinds, values, effort)
        try:
            _OPERATIONS[operation.type](work)
        except ValueError as error:
            sentence = f"Operation {operation.number} of the patch, {operation.type}: {error}"
            raise OutcomeError(Issue("patch-operation", sentence, operation.place)) from None
    return dict(without_empty(changed))


class _Work:
    """One operation and the resource that it is done to."""

    def __init__(self, resource: Json, operation: Operation, kinds: Kinds, values: Values, effort: Effort) -> None:
        self.operation = operation
        self._kinds = kinds
        self._values = values
        self._paths = Paths(place_of_resource(resource, kinds), kinds, effort)

    def add(self) -> None:
        place = self._one()
        name = self.operation.name
        candidates = elements_called(place.kind, name, self._kinds)
        if not candidates:
            raise ValueError(f"{place.kind.name} has no element {quoted(name)}, or its definition is not held here")
        there = self._values.add(self.operation.value, candidates, place.opened())
        if there is not None:
            raise ValueError(f"{there.key} is there already; use replace")

    def insert(self) -> None:
        items, place, name = self._list()
        index = self.operation.index
        if index > len(items):
            raise ValueError(f"The index is {index}, and the list has {len(items)} elements")
        candidates = elements_called(place.kind, name, self._kinds)
        _, value, beside = self._values.member(self.operation.value, candidates)
        items.insert(index, value, beside)

    def delete(self) -> None:
        places = self._paths.places(self._path())
        if len(places) > 1:
            raise _several(places)
        for place in places:
            _demand_part(place)
            place.remove()

    def replace(self) -> None:
        place = self._one()
        around = _demand_part(place)
        candidates = elements_called(around.kind, place.name, self._kinds)
        if not candidates:
            raise ValueError(f"The definition of {around.kind.name} is not held here; replace the whole resource")
        element, value, beside = self._values.member(self.operation.value, candidates)
        if element.key != place.key:
            place.remove()
            place = Place(place.kind, place.holder, element.key)
        place.put(value, beside)

    def move(self) -> None:
        items, _, _ = self._list()
        source, destination = self.operation.source, self.operation.destination
        if max(source, destination) >= len(items):
            raise ValueError(f"It moves {source} to {destination}, and the list has {len(items)} elements, from 0")
        items.move(source, destination)

    def _path(self) -> Node:
        return parsed_path(self.operation.path)

    def _one(self) -> Place:
        """Return the one element that the path leads to."""
        places = self._paths.places(self._path())
        if len(places) > 1:
            raise _several(places)
        if not places:
            raise ValueError("The path leads to no element")
        return places[0]

    def _list(self) -> tuple[ListPlace, Place, str]:
        """Return the list that the path leads to, the element that it belongs to, and its name."""
        path = self._path()
        if not isinstance(path, MemberOf):
            raise ValueError("The path leads to a whole list, such as CarePlan.activity")
        around = self._paths.places(path.of or Variable("resource"))
        if len(around) > 1:
            raise _several(around)
        if not around:
            raise ValueError("The path leads to no element")
        candidates = elements_called(around[0].kind, path.name, self._kinds)
        if len(candidates) != 1 or not candidates[0].element.many:
            raise ValueError("The path leads to a whole list, and there can be only one such element or none")
        return ListPlace(around[0].opened(), candidates[0].element.key), around[0], path.name


_OPERATIONS: dict[str, Callable[[_Work], None]] = {
    "add": _Work.add,
    "insert": _Work.insert,
    "delete": _Work.delete,
    "replace": _Work.replace,
    "move": _Work.move,
}


def _several(places: list[Place]) -> ValueError:
    return ValueError(f"The path leads to {len(places)} elements, and must lead to one")


def _demand_part(place: Place) -> Place:
    """Return the element that ``place`` belongs to; raises ValueError where it is the resource itself."""
    if place.around is None:
        raise ValueError("The path leads to the resource itself; to delete or replace it is no patch")
    return place.around
