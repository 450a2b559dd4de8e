"""The criteria of a Measure, compiled: FHIRPath about cases (https://hl7.org/fhir/R4/measure.html#criteria)."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from service.conformance.fhirpath.collection import Collection, Scope, this
from service.conformance.fhirpath.kinds import SYSTEM, Kinds
from service.conformance.fhirpath.syntax import Call, Member, Node, Operation, parse
from service.conformance.structures import ANY, Structure
from service.reporting.measures.facts import KINDS_OF_CASE, PLAN
from service.reporting.views.sharing import SharingCompiler, parts_of

Case = dict[str, Any]
"""An object with one member, which is named after the kind of the case and holds its facts."""
Count = Callable[[Case, Scope], int]
"""Returns how many a criterion counts in a case; raises `NOT_TO_BE_READ`."""
Value = Callable[[Case, Scope], str | None]
"""Returns the value of a stratifier for a case; raises `NOT_TO_BE_READ`."""


class Criteria:
    """Compiles expressions about cases of a ``structure``; ``expressions`` are all that there will be."""

    def __init__(
        self, structure: Structure, kinds: Kinds, variables: Mapping[str, Collection], expressions: Iterable[str]
    ) -> None:
        times = Counter(part for expression in set(expressions) for part in _parts_of(expression))
        case = kinds.of_structure(structure)
        self._compiler = SharingCompiler(times, kinds, this((case,)), kinds.named(ANY), None, variables)

    def count(self, expression: str) -> Count:
        """Return what counts: 1 where ``expression`` is true, else as many as it gives; raises ValueError."""
        found = self._collection(expression)
        truth, items = found.truth, found.items
        if found.systems == {"Boolean"}:
            return lambda case, scope: truth(case, scope) is True
        return lambda case, scope: len(items(case, scope))

    def value(self, expression: str) -> Value:
        """Return what tells the one text that ``expression`` gives, ``yes`` or ``no``, or None; raises ValueError."""
        found = self._collection(expression)
        read = found.truth if found.systems == {"Boolean"} else found.value

        def value(case: Case, scope: Scope) -> str | None:
            told = read(case, scope)
            if told is True or told is False:
                return "yes" if told else "no"
            return told if isinstance(told, str) else None

        return value

    def _collection(self, expression: str) -> Collection:
        try:
            return self._compiler.about_element(parse(expression))
        except (ValueError, LookupError) as error:
            raise ValueError(f"{error}, in {expression!r}") from None


def _parts_of(expression: str) -> Iterator[Node]:
    with suppress(ValueError):  # is told where it is compiled
        yield from parts_of(parse(expression))


def texts(values: Sequence[str]) -> Collection:
    """Return the collection that always is ``values``."""
    return Collection((SYSTEM["String"],), items=lambda focus, scope: values)


def kinds_named_in(expression: str) -> list[str]:
    """Return the kinds of case that ``expression`` speaks of."""
    names = {node.name for node in _members(parse(expression)) if node.of is None}
    return [kind for kind in KINDS_OF_CASE if kind in names]


def speaks_of_plans(expression: str) -> bool:
    """Return whether ``expression`` leads on to the plan of a goal or an assessment."""
    return any(node.name == PLAN and node.of is not None for node in _members(parse(expression)))


def speaks_only_of_plans(expression: str, kind: str) -> bool:
    """Return whether all that ``expression`` asks of a case of a kind is the plan that this stands in."""
    members = list(_members(parse(expression)))
    asked = sum(node.of is None and node.name == kind for node in members)
    led_on = sum(node.name == PLAN and node.of == Member(None, kind) for node in members)
    return asked == led_on


def _members(node: Node | None) -> Iterator[Member]:
    match node:
        case Member(of):
            yield node
            yield from _members(of)
        case Call(of, _, arguments):
            for part in (of, *arguments):
                yield from _members(part)
        case Operation(_, left, right):
            yield from _members(left)
            yield from _members(right)
