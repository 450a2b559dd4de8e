"""Exact counts of the whole store: each period is counted once, and kept (https://hl7.org/fhir/R4/measurereport.html).

The state of things at a moment that is settled never changes again, unless somebody is erased: then all counts are
forgotten. A count that nobody waits for any more goes on, for whoever asks next.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from functools import partial
from hashlib import sha256

import orjson

from service.fhir import json
from service.reporting.measures.definition import Audit
from service.reporting.measures.evaluation import evaluate
from service.reporting.measures.results import Period, Results
from service.search.predicate import All, Predicate
from service.store.document import Stored
from service.store.measures import KeptCounts
from service.store.resources import ResourceStore
from service.store.state import StateOf

_FORM = 1
"""Changes with what is counted by the same Measure, or how counts are kept."""
_EVERYTHING = All()


class KeptResults:
    """Counts everything in ``store``, whoever may see it; one period at a time, for that takes all of a processor."""

    def __init__(self, store: ResourceStore, kept: KeptCounts, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._kept = kept
        self._clock = clock
        self._turn = asyncio.Lock()
        self._under_way: dict[str, asyncio.Task[Results]] = {}

    async def of(self, audit: Audit, period: Period) -> Results:
        """Return what is counted by ``audit`` for a ``period`` that is settled."""
        name = _name(audit, period)
        counts = await self._kept.find(name)
        if counts is not None:
            return Results.from_json(orjson.loads(counts))
        return await asyncio.shield(self._under_way.get(name) or self._begun(name, audit, period))

    def _begun(self, name: str, audit: Audit, period: Period) -> asyncio.Task[Results]:
        task = self._under_way[name] = asyncio.create_task(self._counted(name, audit, period))
        task.add_done_callback(partial(self._over, name))
        return task

    def _over(self, name: str, task: asyncio.Task[Results]) -> None:
        del self._under_way[name]
        if not task.cancelled():
            task.exception()  # which is told to those who wait, if anybody does

    async def _counted(self, name: str, audit: Audit, period: Period) -> Results:
        async with self._turn:
            ticket = await self._kept.begin(name, self._clock())
            results = await evaluate(audit, period, partial(state_of, self._store, period.moment))
            await self._kept.keep(name, ticket, orjson.dumps(results.to_json()))
            return results


def state_of(
    store: ResourceStore, moment: datetime, resource_type: str, predicate: Predicate = _EVERYTHING
) -> AsyncIterator[Sequence[Stored]]:
    """Return the resources of a type as they were at ``moment``, as far as the client of ``store`` may see them."""
    return store.state(StateOf(resource_type, moment, predicate=predicate))


def _name(audit: Audit, period: Period) -> str:
    """Return a name that is equal for equal definitions and periods, and only for those."""
    defined = sha256(json.dump_sorted(audit.measure)).hexdigest()
    return f"{defined}:{_FORM}:{period.start}:{period.end}"
