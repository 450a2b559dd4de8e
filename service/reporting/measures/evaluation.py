"""Counting: one pass over goals, risk assessments and plans, as they were at the end of a period.

https://hl7.org/fhir/R4/measure-operation-evaluate-measure.html
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from time import perf_counter

from service.reporting.measures.cases import Cases
from service.reporting.measures.definition import Audit
from service.reporting.measures.records import Records
from service.reporting.measures.results import Period, Results, Stratum
from service.reporting.measures.tally import Tally, results_of
from service.store.document import Stored

States = Callable[[str], AsyncIterator[Sequence[Stored]]]
"""Gives the resources of a type as they were at the end of the period, some at a time, in the order of ids."""
_IN_ONE_GO = 0.002
"""Seconds after which others get their turn: who reads a plan meanwhile does not wait for a report."""
_ORDER = ("goal", "assessment", "plan")
"""What is led to comes before what leads there."""


async def evaluate(audit: Audit, period: Period, states: States, *, traced: bool = False) -> Results:
    """Return what ``audit`` counts of the resources that ``states`` gives, and if ``traced`` which they are."""
    compiled = audit.compiled(period)
    turn = _Turn()
    records: dict[str, Records] = {}
    for kind in _ORDER:
        of_kind = Records(kind, compiled.facts[kind], records)
        async for versions in states(of_kind.type):
            for version in versions:
                of_kind.add(version)
                await turn.end()
        of_kind.settle()
        records[kind] = of_kind
    tallies = {kind: Tally(compiled.questions[kind], of_kind, traced) for kind, of_kind in records.items()}
    for found in Cases(records):
        tallies[found.kind].add(found)
        await turn.end()
    results = results_of(tallies.values(), compiled.indicators)
    names = {
        Stratum(stratum.stratifier, stratum.value): compiled.names.get(stratum.value) for stratum in results.counts
    }
    results.names = {stratum: name for stratum, name in names.items() if name is not None}
    return results


class _Turn:
    """Lets others have theirs when this one has lasted long enough."""

    def __init__(self) -> None:
        self._ends = perf_counter() + _IN_ONE_GO

    async def end(self) -> None:
        """Pass the turn on if it is time."""
        if perf_counter() > self._ends:
            await asyncio.sleep(0)
            self._ends = perf_counter() + _IN_ONE_GO
