"""Cases: the facts of each resource, with those of the resources that it leads to."""

from array import array
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from service.reporting.measures.criteria import Case
from service.reporting.measures.facts import ACTIVE, PARTS, PLAN, WHOLES, Facts
from service.reporting.measures.records import Records

_NOWHERE = -1


class Found(NamedTuple):
    """A resource, and its case."""

    kind: str
    place: int
    """Its place among the records of its kind."""
    case: Case
    likeness: tuple[int, ...] | None
    """Equal for cases that differ in nothing but the plan that they stand in; None where few are alike."""


class Cases:
    """The cases of plans, goals and assessments that lead to each other."""

    def __init__(self, records: Mapping[str, Records]) -> None:
        self._records = records
        self._plans, self._goals = records["plan"], records["goal"]
        self._plan_of = {
            kind: array("q", [_NOWHERE]) * len(of_kind.ids) for kind, of_kind in records.items() if kind != PLAN
        }
        self._parts = self._plans.leading(WHOLES)

    def __iter__(self) -> Iterator[Found]:
        """Yield each case: plan by plan with what stands in it, and then what stands in none."""
        for place in range(len(self._plans.ids)):
            plan = self._plan(place)
            yield Found(PLAN, place, {PLAN: plan}, None)
            if plan.get(ACTIVE) is True:
                yield from self._standing_in(place, plan)
        for kind, plan_of in self._plan_of.items():
            for place, plan_place in enumerate(plan_of):
                if plan_place == _NOWHERE:
                    yield self._found(kind, place, self._plan_by_goals(kind, place))

    def _standing_in(self, place: int, plan: Facts) -> Iterator[Found]:
        """Yield the goals and assessments that an active plan lists, and none before it."""
        for kind, name in (("goal", "goals"), ("assessment", "assessments")):
            plan_of = self._plan_of[kind]
            for other in self._plans.linked(name, place):
                if plan_of[other] == _NOWHERE:
                    plan_of[other] = place
                    yield self._found(kind, other, plan)

    def _plan_by_goals(self, kind: str, place: int) -> Facts | None:
        """Return the plan of the goals that an assessment is about, where no plan lists it itself."""
        if kind != "assessment":
            return None
        plans = [self._plan_of["goal"][goal] for goal in self._records[kind].linked("goals", place)]
        known = [plan for plan in plans if plan != _NOWHERE]
        return self._plan(min(known)) if known else None

    def _found(self, kind: str, place: int, plan: Facts | None) -> Found:
        of_kind = self._records[kind]
        name = "related" if kind == "goal" else "goals"
        linked = of_kind.linked(name, place)
        facts = {**of_kind.facts(place), name: [self._goals.facts(goal) for goal in linked]}
        if plan is not None:
            facts[PLAN] = plan
        likeness = (of_kind.combination(place), *map(self._goals.combination, linked))
        return Found(kind, place, {kind: facts}, likeness)

    def _plan(self, place: int) -> Facts:
        facts = dict(self._plans.facts(place))
        for name in ("goals", "assessments"):
            of_kind = self._records[name.removesuffix("s")]
            facts[name] = [of_kind.facts(other) for other in self._plans.linked(name, place)]
        facts[PARTS] = [self._plans.facts(part) for part in self._parts.get(place, ())]
        return facts
