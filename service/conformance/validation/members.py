"""The members that an invariant ``path.all(criterion)`` speaks of, so that an issue names the one at fault."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from service.conformance.fhirpath.syntax import Call, Literal, Member, Node, Operation
from service.conformance.structures import Structure, Structures
from service.conformance.validation.place import Place


@dataclass(frozen=True, slots=True)
class _Step:
    """One element on the way; of extensions those with ``url``."""

    name: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Members:
    """Where the members are, what they are, and what each of them has to fulfil."""

    steps: tuple[_Step, ...]
    structure: Structure
    criterion: Node

    def found(self, value: Any, place: Place) -> Iterator[tuple[Any, Place]]:
        """Return the members below ``value``, which stands at ``place``."""
        return _found(value, place, self.steps)


def members_of_all(tree: Node, structure: Structure, structures: Structures) -> Members | None:
    """Return the members that an invariant of ``structure`` speaks of, or None where it has another form."""
    if not (isinstance(tree, Call) and tree.name == "all" and tree.of is not None):
        return None
    steps = _steps(tree.of)
    below = _below(structure, steps, structures) if steps else None
    return Members(tuple(steps), below, tree.arguments[0]) if steps and below else None


def _steps(node: Node) -> list[_Step] | None:
    if isinstance(node, Member):
        before = _steps(node.of) if node.of else []
        return None if before is None else [*before, _Step(node.name)]
    match node:
        case Call(of=Member() as of, name="where", arguments=(Operation("=", Member(None, "url"), Literal(url)),)):
            before = _steps(of)
            return None if before is None else [*before[:-1], _Step(of.name, str(url))]
    return None


def _below(structure: Structure, steps: list[_Step], structures: Structures) -> Structure | None:
    for step in steps:
        elements = structure.choices.get(step.name, [])
        if len(elements) != 1 or structures.is_primitive(elements[0].type):
            return None
        structure = structures.below(elements[0])
    return structure


def _found(value: Any, place: Place, steps: tuple[_Step, ...]) -> Iterator[tuple[Any, Place]]:
    if not steps:
        yield value, place
        return
    step, *others = steps
    given = value.get(step.name, ()) if type(value) is dict else ()
    numbered = enumerate(given) if type(given) is list else [(None, given)]
    for number, member in numbered:
        if type(member) is dict and step.url in (None, member.get("url")):
            yield from _found(member, Place(place, step.name, number, place.depth + 1), tuple(others))
