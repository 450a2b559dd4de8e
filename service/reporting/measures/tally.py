"""Adding up what cases count, in all and in each stratum, and who it is that was counted."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

from service.conformance.fhirpath.collection import Scope
from service.reporting.measures.cases import Found
from service.reporting.measures.definition import Indicator
from service.reporting.measures.facts import PLAN, Facts
from service.reporting.measures.questions import Questions
from service.reporting.measures.records import Records
from service.reporting.measures.results import ALL, NONE, POPULATIONS, Members, Results, Stratum

Answers = tuple[tuple[int, int], ...]
Values = tuple[str | None, ...]
_MOST_REMEMBERED = 5_000
_COUNT = 128
"""A sum has the count above this bit, and below it the sum of the marks of what was counted."""
_MARKS = (1 << 64) - 1


class Cell(NamedTuple):
    """A population of an indicator in a stratum."""

    stratum: Stratum
    indicator: str
    population: str


class Sums:
    """What was counted in each of some places, and the slots of the people whom that is about, as bits."""

    __slots__ = ("persons", "sums")

    def __init__(self, places: int) -> None:
        self.sums = [0] * places
        self.persons = [0] * places


class Tally:
    """What was counted so far of the cases of one kind."""

    def __init__(self, questions: Questions, records: Records, traced: bool) -> None:
        self._questions = questions
        self._records = records
        self._traced = traced
        self._by_values: dict[Values, Sums] = {}
        """By the values of all stratifiers together, so that a case is added once and not once in each stratum."""
        self._last: tuple[Facts | None, Values] | None = None
        """The plan that the last case stood in, and the values of stratifiers for it."""
        self._answered: dict[tuple[int, ...], Answers] = {}
        self._counted: list[list[str]] = [[] for _ in range(questions.steps)]

    def add(self, found: Found) -> None:
        """Ask everything about a case, and add the answers."""
        scope = Scope(found.case, found.case, shared={})
        answers = self._answers(found, scope)
        if not answers:
            return
        values = self._values(found, scope)
        sums = self._by_values.get(values)
        if sums is None:
            sums = self._by_values[values] = Sums(self._questions.steps)
        reference = self._records.reference(found.place)
        one = (1 << _COUNT) + int.from_bytes(blake2b(reference.encode(), digest_size=8).digest())
        person = 1 << self._records.persons[found.place]
        for step, count in answers:
            sums.sums[step] += one * count
            sums.persons[step] |= person
            if self._traced:
                self._counted[step].append(reference)

    def _values(self, found: Found, scope: Scope) -> Values:
        """Return the values of all stratifiers; goals of one plan come one after the other."""
        plan = found.case[found.kind].get(PLAN)
        if self._last is None or plan is not self._last[0] or not self._questions.stratified_by_plan:
            self._last = plan, self._questions.strata(found.case, scope)
        return self._last[1]

    def _answers(self, found: Found, scope: Scope) -> Answers:
        if found.likeness is None or self._questions.speak_of_plans:
            return self._questions.ask(found.case, scope)
        answers = self._answered.get(found.likeness)
        if answers is None:
            answers = self._questions.ask(found.case, scope)
            if len(self._answered) < _MOST_REMEMBERED:
                self._answered[found.likeness] = answers
        return answers

    def cells(self, indicators: Sequence[Indicator]) -> Iterator[tuple[Cell, int, int]]:
        """Yield parts of cells: what was counted, and the slots of the people whom that is about."""
        for group, code, population, step in self._populations(indicators):
            for values, sums in self._by_values.items():
                strata = (self._stratum(place, values[place]) for place in self._questions.stratified[group])
                for stratum in (ALL, *strata):
                    yield Cell(stratum, code, population), sums.sums[step], sums.persons[step]

    def traces(self, indicators: Sequence[Indicator]) -> Iterator[tuple[tuple[str, str], list[str]]]:
        """Yield for indicators and populations which resources were counted, if that was asked for."""
        for _, code, population, step in self._populations(indicators):
            yield (code, population), self._counted[step]

    def _populations(self, indicators: Sequence[Indicator]) -> Iterator[tuple[int, str, str, int]]:
        for group, steps in self._questions.populations.items():
            for population, step in zip(POPULATIONS, steps, strict=True):
                yield group, indicators[group].code, population, step

    def _stratum(self, place: int, value: str | None) -> Stratum:
        return Stratum(self._questions.stratifiers[place][0], NONE if value is None else value)


def results_of(tallies: Iterable[Tally], indicators: Sequence[Indicator]) -> Results:
    """Return what all ``tallies`` counted together."""
    results = Results(counted={(each.code, population): [] for each in indicators for population in POPULATIONS})
    counts: dict[Cell, int] = {}
    persons: dict[Cell, int] = {}
    for tally in tallies:
        for cell, count, slots in tally.cells(indicators):
            counts[cell] = counts.get(cell, 0) + count
            persons[cell] = persons.get(cell, 0) | slots
        for place, references in tally.traces(indicators):
            results.counted[place] += references
    for stratum in dict.fromkeys((ALL, *sorted({cell.stratum for cell in counts}))):
        of_stratum = [each.code for each in indicators if stratum == ALL or stratum.stratifier in each.stratifiers]
        cells = {code: {name: Cell(stratum, code, name) for name in POPULATIONS} for code in of_stratum}
        results.counts[stratum] = {
            code: {name: counts.get(cell, 0) >> _COUNT for name, cell in populations.items()}
            for code, populations in cells.items()
        }
        results.members[stratum] = {
            code: {name: _members(counts.get(cell, 0), persons.get(cell, 0)) for name, cell in populations.items()}
            for code, populations in cells.items()
        }
    for references in results.counted.values():
        references.sort()
    return results


def _members(count: int, slots: int) -> Members:
    return Members(count & _MARKS, slots.bit_count())
