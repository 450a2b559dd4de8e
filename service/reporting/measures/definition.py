"""A Measure as it is carried out: what is written in it is what is asked (https://hl7.org/fhir/R4/measure.html)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from service.conformance.definitions import Definition, Definitions
from service.conformance.fhirpath.collection import Collection, constant
from service.conformance.fhirpath.kinds import Kinds, kinds_of
from service.conformance.fhirpath.moments import moment
from service.conformance.structures import Structures
from service.fhir.reference import Addresses
from service.reporting.measures.case_structure import structure_of_cases
from service.reporting.measures.criteria import Criteria, kinds_named_in, texts
from service.reporting.measures.facts import KINDS_OF_CASE, Fact, FactCompiler, text_of
from service.reporting.measures.questions import Questions
from service.reporting.measures.results import INITIAL_POPULATION, POPULATIONS, Period

MEASURE = "https://w3id.org/recovery-plan/Measure/recovery-orientation-audit"
"""The url of our Measure."""
IMPROVEMENT = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Measure.group.improvementNotation"
"""R5 states the direction of each group, R4 only that of the whole: this is R5's element in an R4 resource."""
Read = TypeVar("Read")
_ANY_PERIOD = Period(date(2026, 1, 1), date(2026, 1, 31))


@dataclass(frozen=True, slots=True)
class Indicator:
    """What a group of a Measure says about itself."""

    code: str
    title: str
    description: str
    direction: str | None
    """``increase`` where more is better, ``decrease`` where less is, None where neither is."""
    stratifiers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A measure, compiled for one period."""

    indicators: tuple[Indicator, ...]
    facts: Mapping[str, Sequence[Fact]]
    """By the kind of case."""
    questions: Mapping[str, Questions]
    names: Mapping[str, str]
    """The name of what plans refer to, as they display it; filled while facts are read."""


class Audit:
    """A Measure, by which cases are counted; raises ValueError, in one line, where it cannot be carried out.

    ``addresses`` tells which references lead to resources that are stored here, ``persons`` which name the same person.
    """

    def __init__(
        self,
        measure: Definition,
        definitions: Definitions,
        structures: Structures,
        addresses: Addresses,
        persons: Addresses | None = None,
    ) -> None:
        self.measure = measure
        self._structures = structures
        self._addresses = addresses
        self._persons = persons or addresses
        self._maps = dict(_maps(definitions))
        self.indicators: tuple[Indicator, ...] = self._explained(lambda: tuple(map(_indicator, _groups(measure))))
        self.compiled(_ANY_PERIOD)

    def compiled(self, period: Period) -> Compiled:
        """Return the measure for one period."""
        return self._explained(lambda: self._compiled(period))

    def _explained(self, read: Callable[[], Read]) -> Read:
        try:
            return read()
        except ValueError as error:
            raise ValueError(f"{self.measure.get('url', 'The Measure')}: {error}") from None

    def _compiled(self, period: Period) -> Compiled:
        variables = {
            **self._maps,
            "periodStart": _day(period.start),
            "periodEnd": _day(period.end),
            "periodMonths": texts(_months(period)),
        }
        kinds = kinds_of(self._structures)
        names: dict[str, str] = {}
        facts = FactCompiler(kinds, self._addresses, self._persons, variables, names).facts(self.measure)
        criteria = Criteria(structure_of_cases(facts), Kinds(self._structures), variables, _expressions(self.measure))
        questions = {kind: Questions(kind) for kind in KINDS_OF_CASE}
        for number, group in enumerate(_groups(self.measure)):
            try:
                _ask(questions, number, group, criteria)
            except ValueError as error:
                raise ValueError(f"{self.indicators[number].code}: {error}") from None
        return Compiled(self.indicators, facts, questions, names)


def _groups(measure: Definition) -> list[Definition]:
    groups: list[Definition] = measure.get("group", [])
    codes = [_coded(group.get("code", {}))[0] for group in groups]
    if not codes or len(set(codes)) < len(codes):
        raise ValueError("it needs groups, and each of them a code that no other has")
    return groups


def _indicator(group: Definition) -> Indicator:
    code, title = _coded(group.get("code", {}))
    directions = [item for item in group.get("extension", ()) if item.get("url") == IMPROVEMENT]
    direction = _coded(directions[0].get("valueCodeableConcept", {}))[0] if directions else None
    stratifiers = tuple(_coded(item.get("code", {}))[0] for item in group.get("stratifier", ()))
    return Indicator(code, title, group.get("description", ""), direction, stratifiers)


def _coded(concept: Definition) -> tuple[str, str]:
    """Return the code and the name of a CodeableConcept; raises ValueError where it has no code."""
    coding: Definition = next(iter(concept.get("coding", ())), {})
    if "code" not in coding:
        raise ValueError("a group and each of its populations and stratifiers needs a code with a coding")
    return str(coding["code"]), str(coding.get("display", coding["code"]))


def _ask(questions: Mapping[str, Questions], number: int, group: Definition, criteria: Criteria) -> None:
    """Add what a group asks to the questions about each kind of case that its initial population speaks of."""
    by_code = {
        _coded(item.get("code", {}))[0]: text_of(item.get("criteria", {})) for item in group.get("population", ())
    }
    if tuple(by_code) != POPULATIONS:
        raise ValueError(f"its populations are {', '.join(by_code)}, and not {', '.join(POPULATIONS)}")
    counts = [(text, criteria.count(text)) for text in by_code.values()]
    stratifiers = [
        (_coded(item["code"])[0], text := text_of(item.get("criteria", {})), criteria.value(text))
        for item in group.get("stratifier", ())
    ]
    for kind in kinds_named_in(by_code[INITIAL_POPULATION]):
        questions[kind].add(number, counts, stratifiers)


def _expressions(measure: Definition) -> Iterator[str]:
    for group in _groups(measure):
        for item in (*group.get("population", ()), *group.get("stratifier", ())):
            yield text_of(item.get("criteria", {}))


def _day(day: date) -> Collection:
    read = moment(day.isoformat())
    assert read is not None
    return constant(read, "Date")


def _months(period: Period) -> list[str]:
    first, last = (day.year * 12 + day.month - 1 for day in period)
    return [f"{month // 12:04}-{month % 12 + 1:02}" for month in range(first, last + 1)]


def _maps(definitions: Definitions) -> Iterator[tuple[str, Collection]]:
    """Yield, by name, the codes that a ConceptMap takes to a code: ``%`map-<id of the map>-<code>```."""
    for concept_map in definitions.of_type("ConceptMap"):
        sources: dict[str, list[str]] = {}
        for group in concept_map.get("group", ()):
            for element in group["element"]:
                for target in element.get("target", ()):
                    sources.setdefault(target["code"], []).append(element["code"])
        for code, codes in sources.items():
            yield f"map-{concept_map['id']}-{code}", texts(codes)
