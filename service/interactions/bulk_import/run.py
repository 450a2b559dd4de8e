"""The job of $import: each line is stored as it would be by an update, with the access of who sent it.

A line that refers to what is not there yet waits, while the others are stored; then those that wait are stored in the
order of their references, and those that refer to each other in one transaction. To do a part once more, after a worker
that died in it, changes nothing: what is stored already is found unchanged.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from service.fhir.outcome import Issue, OutcomeError
from service.fhir.touched import Touched
from service.interactions.bulk_import.circles import in_order
from service.interactions.bulk_import.line_writes import (
    Resource,
    Result,
    Unreadable,
    read_line,
    refused,
    store_circle,
    store_one,
)
from service.interactions.bulk_import.lines import Line, packed, unpacked
from service.interactions.bulk_import.start import ERRORS, GIVEN, WAITING
from service.interactions.context import Context
from service.interactions.job_audit import record
from service.store.jobs import Claim

_SEEN = "seen"
"""The name under which is noted on which line each resource was."""
_AT_ONCE = 8
"""Lines that are stored at the same time."""
_CIRCLES = 100
"""Circles that are stored before it is kept how far that is."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A line that waits: where it is kept."""

    piece: int
    number: int


async def run_import(claim: Claim, context: Context) -> dict[str, Any]:
    """Store what was sent, and return how many resources of each type were, and how many lines refused."""
    return await _Import(claim, context).run()


class _Import:
    def __init__(self, claim: Claim, context: Context) -> None:
        self._claim = claim
        self._context = context
        self._asked = claim.job.asked
        self._may_be_done_already = claim.job.claims > 1 or bool(claim.job.progress)
        self._progress: dict[str, Any] = {"given": 0, "waiting": 0, "stored": {}, "refused": 0, **claim.job.progress}

    async def run(self) -> dict[str, Any]:
        pieces = self._claim.pieces
        for number in range(self._progress["given"], self._asked["pieces"]):
            await self._store_given(number)
            await self._got_further("given")
            await pieces.drop(GIVEN, number)
        for number, batch in enumerate(await self._batches()):
            if number >= self._progress["waiting"]:
                await self._store_waiting(number, batch)
                await self._got_further("waiting")
        for name in (WAITING, _SEEN):
            await pieces.forget(name)
        return {name: self._progress[name] for name in ("stored", "refused")}

    async def _got_further(self, stage: str) -> None:
        self._progress[stage] += 1
        done = sum(self._progress["stored"].values())
        words = f"{done} of {self._asked['lines']} lines stored, {self._progress['refused']} refused"
        await self._claim.save(self._progress, words)

    async def _store_given(self, number: int) -> None:
        """Store the lines of a piece, and keep those that wait."""
        piece = await self._claim.pieces.get(GIVEN, number)
        if piece is None:
            raise OutcomeError(Issue("internal", "What was sent is not kept any more; send it again"))
        started = datetime.now(UTC)
        resources, unreadable = _read(unpacked(piece))
        resources, repeated = await self._without_repeated(resources)
        results = await self._stored([[each] for each in resources])
        waiting = [result.line for result in results if result.waits]
        await self._keep(WAITING, number, packed(waiting))
        done = [result for result in results if not result.waits]
        await self._told([*unreadable, *repeated, *done], number, started)

    async def _without_repeated(self, resources: Iterable[Resource]) -> tuple[list[Resource], list[Result]]:
        """Return the resources that no earlier line has, and the refusals of those that one has."""
        found = list(resources)
        numbers: dict[str, int] = {}
        for each in found:
            numbers.setdefault(each.name, each.line.number)
        first = await self._claim.pieces.first_seen(_SEEN, numbers)
        repeated = [
            refused(each.line, [Issue("entry-duplicate", f"Line {first[each.name]} is the same resource", each.place)])
            for each in found
            if first[each.name] != each.line.number
        ]
        return [each for each in found if first[each.name] == each.line.number], repeated

    async def _batches(self) -> list[list[list[_Waiting]]]:
        """Return circles of lines that wait, some at a time, in an order that is the same whenever it is asked for."""
        places: dict[str, _Waiting] = {}
        links: dict[str, list[str]] = {}
        for number in range(self._asked["pieces"]):
            for resource in await self._waiting_in(number):
                places[resource.name] = _Waiting(number, resource.line.number)
                related = self._context.related.of(resource.content)
                links[resource.name] = sorted(related.targets) if related else []
        links = {name: [each for each in targets if each in places] for name, targets in links.items()}
        return [
            [[places[name] for name in circle] for circle in step[start : start + _CIRCLES]]
            for step in in_order(links)
            for start in range(0, len(step), _CIRCLES)
        ]

    async def _store_waiting(self, number: int, batch: list[list[_Waiting]]) -> None:
        started = datetime.now(UTC)
        wanted = {each.piece for circle in batch for each in circle}
        lines = {each.line.number: each for piece in sorted(wanted) for each in await self._waiting_in(piece)}
        results = await self._stored([[lines[each.number] for each in circle] for circle in batch])
        await self._told(results, self._asked["pieces"] + number, started)

    async def _waiting_in(self, number: int) -> list[Resource]:
        piece = await self._claim.pieces.get(WAITING, number)
        return [read_line(line) for line in unpacked(piece or b"")]

    async def _stored(self, circles: Sequence[list[Resource]]) -> list[Result]:
        """Return what comes of storing ``circles``, each all or none; raises OutcomeError 503 where that is unknown."""
        places = asyncio.Semaphore(_AT_ONCE)
        base = self._asked["base"]

        async def one(circle: list[Resource]) -> list[Result]:
            async with places:
                if len(circle) > 1:
                    return await store_circle(circle, base, self._context)
                return [await store_one(circle[0], base, self._context)]

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(circle)) for circle in circles]
        except ExceptionGroup as errors:  # of several that the database did not answer, one will do
            raise errors.exceptions[0] from None
        return [result for task in tasks for result in task.result()]

    async def _told(self, results: Sequence[Result], number: int, started: datetime) -> None:
        """Record what was done, and keep the reasons of what was refused."""
        rules = dict.fromkeys(issue.rule for result in results for issue in result.issues if issue.is_error)
        asked = [result.asked for result in results]
        touched = await self._touched(results)
        await record(
            self._claim.job, self._context, "$import", touched, started=started, entries=asked, rules=tuple(rules)
        )
        self._may_be_done_already = False
        wrong = sorted((result for result in results if result.stored is None), key=lambda each: each.line.number)
        await self._keep(ERRORS, number, b"".join(result.outcome + b"\n" for result in wrong))
        stored = self._progress["stored"]
        for result in results:
            if result.stored is not None:
                stored[result.stored] = stored.get(result.stored, 0) + 1
        self._progress["refused"] += len(wrong)

    async def _touched(self, results: Iterable[Result]) -> tuple[Touched, ...]:
        """Return what was stored and told. What a worker that died may have stored unrecorded counts as stored now."""
        found = [each for result in results for each in result.touched]
        if self._may_be_done_already:
            found = [again for each in found for again in await self._again(each)]
        return tuple(found)

    async def _again(self, touched: Touched) -> tuple[Touched, ...]:
        current = await self._context.store.read(touched.type, touched.id) if touched.action == "R" else None
        is_ours = current is not None and current.last_updated >= self._claim.job.requested
        return current.changed if current is not None and is_ours else (touched,)

    async def _keep(self, name: str, number: int, body: bytes) -> None:
        """Keep a piece, or none: a worker that died may have left one of the same number."""
        if body:
            await self._claim.pieces.put(name, number, body)
        else:
            await self._claim.pieces.drop(name, number)


def _read(lines: Iterable[Line]) -> tuple[list[Resource], list[Result]]:
    """Return the resources on ``lines``, and the refusals of lines that hold none."""
    resources, unreadable = [], []
    for line in lines:
        try:
            resources.append(read_line(line))
        except Unreadable as error:
            unreadable.append(refused(line, error.issues))
    return resources, unreadable
