"""What is asked about the cases of one kind, in an order that asks no more than is needed.

Many indicators begin with the same population, so each criterion stands once, below what has to count before it is
asked: nobody is asked whether they agree with a plan that is no plan.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from service.conformance.fhirpath.collection import Scope
from service.reporting.measures.criteria import Case, Count, Value, speaks_of_plans, speaks_only_of_plans
from service.reporting.measures.facts import NOT_TO_BE_READ


@dataclass(slots=True)
class Step:
    """A criterion, and those that are asked where it counts something."""

    number: int
    count: Count
    once: tuple[int, int]
    """What is found where one counts: the number, and 1."""
    below: "dict[str, Step]" = field(default_factory=dict)


@dataclass(slots=True)
class Questions:
    """The criteria of all groups that speak of one kind of case."""

    kind: str
    stratifiers: list[tuple[str, Value]] = field(default_factory=list)
    """Each with its code."""
    populations: dict[int, list[int]] = field(default_factory=dict)
    """The number of a group, and those of the steps that count its populations, the widest first."""
    stratified: dict[int, list[int]] = field(default_factory=dict)
    """The number of a group, and the places of its stratifiers."""
    steps: int = 0
    speak_of_plans: bool = False
    """Whether what is counted depends on the plan that a goal or an assessment stands in."""
    stratified_by_plan: bool = True
    """Whether the values of stratifiers depend on nothing but that plan."""
    _first: dict[str, Step] = field(default_factory=dict)
    _places: dict[tuple[str, str], int] = field(default_factory=dict)

    def ask(self, case: Case, scope: Scope) -> tuple[tuple[int, int], ...]:
        """Return the steps that count something in a case, and how many."""
        found: list[tuple[int, int]] = []
        todo = list(self._first.values())
        for step in todo:
            try:
                count = step.count(case, scope)
            except NOT_TO_BE_READ:
                continue
            if count:
                found.append(step.once if count == 1 else (step.number, count))
                todo += step.below.values()
        return tuple(found)

    def strata(self, case: Case, scope: Scope) -> tuple[str | None, ...]:
        """Return the value of each stratifier for a case."""
        return tuple([_value(value, case, scope) for _, value in self.stratifiers])

    def add(
        self, group: int, criteria: Sequence[tuple[str, Count]], stratifiers: Iterable[tuple[str, str, Value]]
    ) -> None:
        """Add the populations of a group, the widest first, and its stratifiers: code, text and value."""
        below, steps = self._first, self.populations.setdefault(group, [])
        before = None
        for text, count in criteria:
            if text != before:
                step = below.setdefault(text, Step(self.steps, count, (self.steps, 1)))
                self.steps = max(self.steps, step.number + 1)
                below, before = step.below, text
            steps.append(step.number)
            self.speak_of_plans |= speaks_of_plans(text)
        self.stratified[group] = [self._place(code, text, value) for code, text, value in stratifiers]

    def _place(self, code: str, text: str, value: Value) -> int:
        if (code, text) not in self._places:
            self._places[code, text] = len(self.stratifiers)
            self.stratifiers.append((code, value))
            self.stratified_by_plan &= speaks_only_of_plans(text, self.kind)
        return self._places[code, text]


def _value(read: Value, case: Case, scope: Scope) -> str | None:
    try:
        return read(case, scope)
    except NOT_TO_BE_READ:
        return None
