"""FHIRPath that says where a patch changes a resource (https://hl7.org/fhir/R4/fhirpatch.html).

The way to an element is followed here, so that its place is known; the conditions in ``where()`` are evaluated by the
FHIRPath engine.
"""

from collections.abc import Callable
from typing import Any

from service.conformance.fhirpath.collection import Scope, holds, this
from service.conformance.fhirpath.compiler import Compiler
from service.conformance.fhirpath.functions.types import type_name
from service.conformance.fhirpath.kinds import UNKNOWN, UNTYPED, Kind, Kinds
from service.conformance.fhirpath.syntax import Call, Literal, Member, Node, Operation, Variable, parse
from service.conformance.fhirpath.values import Node as Value
from service.fhir.outcome import did_you_mean
from service.patch.conditions import demand_allowed
from service.patch.limits import Effort
from service.patch.places import Place, below

LONGEST_PATH = 2_000
"""Characters of one path."""

Places = list[Place]
_PARTS: dict[str, Callable[[Places], Places]] = {
    "first": lambda places: places[:1],
    "last": lambda places: places[-1:],
    "tail": lambda places: places[1:],
    "single": lambda places: places,
}


def parsed_path(expression: str) -> Node:
    """Return the tree of a path; raises ValueError where it is none."""
    if len(expression) > LONGEST_PATH:
        raise ValueError(f"The path is longer than {LONGEST_PATH} characters")
    try:
        return parse(expression)
    except (ValueError, ArithmeticError, RecursionError):
        raise ValueError("The path is not written as FHIRPath") from None


class Paths:
    """Finds the places in one resource that paths lead to, as long as there is time left."""

    def __init__(self, root: Place, kinds: Kinds, effort: Effort) -> None:
        self._root = root
        self._kinds = kinds
        self._effort = effort

    def places(self, node: Node) -> Places:
        """Return what ``node`` leads to; raises ValueError where it is no path to elements of the resource."""
        try:
            return self._led_to(node)
        except RecursionError:
            raise ValueError("The path has too many steps") from None

    def _led_to(self, node: Node) -> Places:
        match node:
            case Variable("resource" | "context" | "$this" | "rootResource"):
                return [self._root]
            case Member(None, name) if name[:1].isupper() and name in self._root.kind.ancestors:
                return [self._root]
            case Member(of, name):
                places = self._start(of)
                for kind in dict.fromkeys(each.kind for each in places):
                    _demand_element(kind, name)
                return [place for each in places for place in below(each, name, self._kinds)]
            case Operation("[", of, Literal(number)) if type(number) is int:
                return self._led_to(of)[number : number + 1]
            case Operation("as", of, wanted) | Call(of, "ofType" | "as", (wanted,)):
                return [place for place in self._start(of) if _is_of(place, _type_name(wanted))]
            case Call(of, "extension", (Literal(str(url)),)):
                extensions = [place for each in self._start(of) for place in below(each, "extension", self._kinds)]
                return [place for place in extensions if place.members.get("url") == url]
            case Call(of, "where", (criterion,)):
                return self._those(self._start(of), criterion)
            case Call(of, "first" | "last" | "tail" | "single" as name, ()):
                return _PARTS[name](self._start(of))
        raise ValueError("A path is made of element names, [index], where(), extension(), ofType(), first(), last()")

    def _start(self, of: Node | None) -> Places:
        return [self._root] if of is None else self._led_to(of)

    def _those(self, places: Places, criterion: Node) -> Places:
        """Return those of ``places`` for which ``criterion`` is true."""
        demand_allowed(criterion)
        resource = self._root.value
        conditions: dict[Kind, Callable[[Any, Scope], bool]] = {}
        kept = []
        for position, place in enumerate(places):
            self._effort.demand_time_left()
            kind = place.kind if place.kind.structure is not None else UNTYPED
            if kind not in conditions:
                conditions[kind] = self._condition(criterion, kind)
            value = place.value
            if kind is UNTYPED or kind.is_primitive:
                value = Value(value, place.kind, place.beside)
            if conditions[kind](value, Scope(resource, resource, value, position)):
                kept.append(place)
        return kept

    def _condition(self, criterion: Node, kind: Kind) -> Callable[[Any, Scope], bool]:
        element = this([kind])
        try:
            return holds(Compiler(self._kinds, element, self._root.kind).collection(criterion, element).truth)
        except (ValueError, LookupError, RecursionError):  # which repeat what the client wrote
            sentence = f"where() names an element that {kind.name} has not, or a function that is not supported"
            raise ValueError(sentence) from None


def _demand_element(kind: Kind, name: str) -> None:
    """Raise ValueError where ``kind`` is known and has no element ``name``: misspelt, it would seem not to be there."""
    if kind.structure is not None and name not in kind.structure.choices and name not in kind.structure.elements:
        raise ValueError(f"{kind.name} has no element of that name{did_you_mean(name, kind.structure.choices)}")


def _is_of(place: Place, name: str) -> bool:
    return name in place.kind.ancestors or (place.kind is UNKNOWN and type(place.value) is not dict)


def _type_name(node: Node) -> str:
    try:
        return type_name(node)
    except ValueError:
        raise ValueError("ofType() takes the name of a type") from None
