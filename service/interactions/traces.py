"""Reports whose counts are exact, with references to the versions that were counted (https://hl7.org/fhir/R4/measurereport.html)."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson

from service.fhir import json
from service.fhir.entry import Response
from service.fhir.outcome import Issue, OutcomeError
from service.fhir.touched import Touched
from service.interactions.context import Context
from service.interactions.evaluate_measure_request import Asked
from service.reporting.measures.evaluation import evaluate
from service.reporting.measures.kept import state_of
from service.reporting.measures.report import INDIVIDUAL, Counted
from service.reporting.measures.results import Results
from service.search.predicate import All, Predicate
from service.store.document import Stored

MOST_LISTED = 500_000
"""References in the lists of one report."""

Traces = Mapping[tuple[str, str], Sequence[str]]
"""By indicator and population what was counted: ``Goal/1``."""


async def traced_report(asked: Asked, base: str, context: Context) -> Response:
    """Return a report on what the client sees that tells what was counted; raises OutcomeError 413 for too much."""
    seen = _Seen(context, asked, base)
    results = await evaluate(asked.audit, asked.period, seen.states, traced=True)
    wanted = asked.indicators or tuple(each.code for each in asked.audit.indicators)
    traces = {place: found for place, found in results.counted.items() if place[0] in wanted and found}
    counted = dict.fromkeys(name for found in traces.values() for name in found)
    report = context.measures.report(asked.audit, _told(asked, results, traces, counted, seen))
    return Response(200, json.dump(report), touched=tuple(seen.versions[name] for name in counted))


@dataclass(slots=True)
class _Seen:
    """The versions that are looked at."""

    context: Context
    asked: Asked
    base: str
    versions: dict[str, Touched] = field(default_factory=dict)

    async def states(self, resource_type: str) -> AsyncIterator[Sequence[Stored]]:
        """Yield what is looked at of a type, as it was at the end of the period."""
        predicate = self._about(resource_type)
        async for found in state_of(self.context.store, self.asked.period.moment, resource_type, predicate):
            self.versions.update((f"{each.type}/{each.id}", each.touched[0]) for each in found)
            yield found

    def reference(self, name: str) -> str:
        """Return the reference to the version of a resource that was counted."""
        return f"{name}/_history/{self.versions[name].version}"

    def _about(self, resource_type: str) -> Predicate:
        if self.asked.subject is None:
            return All()
        parameters = [("subject", self.asked.subject)]
        return self.context.search_parser.parse(parameters, [resource_type], base=self.base).predicates[resource_type]


def _told(asked: Asked, results: Results, traces: Traces, counted: Iterable[str], seen: _Seen) -> Counted:
    told = partial(Counted, asked.type, asked.period, results.counts, 0, results.names)
    if asked.type == INDIVIDUAL:
        return told(subject=asked.subject, evaluated=tuple(map(seen.reference, counted)))
    lists: dict[tuple[str, ...], str] = {}
    for (indicator, population), found in traces.items():
        lists.setdefault(tuple(found), f"{indicator}-{population}")
    if sum(map(len, lists)) > MOST_LISTED:
        sentence = f"The lists have more than {MOST_LISTED} references; ask for some indicators, such as indicator=M1"
        raise OutcomeError(Issue("answer-too-large", sentence))
    contained = tuple(_list(name, map(seen.reference, found)) for found, name in lists.items())
    return told(lists={place: lists[tuple(found)] for place, found in traces.items()}, contained=contained)


def _list(name: str, references: Iterable[str]) -> Any:
    """Return a List of ``references``; as text, for they are many."""
    entries = b",".join(b'{"item":{"reference":"%b"}}' % each.encode() for each in references)
    head = json.dump({"resourceType": "List", "id": name, "status": "current", "mode": "snapshot"})
    return orjson.Fragment(head[:-1] + b',"entry":[' + entries + b"]}")
