"""The work of an export: to find out which files it has, and how many resources are in each."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import islice
from typing import Any

from service.interactions.bulk.deleted import lines_of
from service.interactions.bulk.export import Export
from service.interactions.bulk.plan import ExportFile, Plan
from service.interactions.bulk.selection import Selection
from service.interactions.bulk.written import write_files
from service.interactions.context import Context
from service.store.jobs import Claim

_BETWEEN_SAVES = 2.0
"""Seconds of work that may have to be done again by another process."""


async def prepare_export(claim: Claim, context: Context) -> dict[str, Any]:
    """Return the plan of what a job asks for, from where it was left on; raises LostClaimError, OutcomeError."""
    export, plan = Export.from_json(claim.job.asked), await _begun(claim, context)
    saved = time.monotonic()
    while plan.types < len(export.types):
        selection = Selection(export, export.types[plan.types], plan.at, context)
        async for further in _counted(plan, selection, context.limits.export_file_resources):
            plan = further
            if time.monotonic() - saved > _BETWEEN_SAVES:
                await claim.save(plan.to_json(), _words(plan, export))
                saved = time.monotonic()
    if context.export_to is not None:
        plan = await write_files(claim, export, plan, context, context.export_to)
    return plan.to_json()


async def _begun(claim: Claim, context: Context) -> Plan:
    """Return how far a job is: its moment is kept before anything is looked at, and stays whoever goes on with it."""
    if claim.job.progress:
        return Plan.from_json(claim.job.progress)
    plan = Plan(await context.store.settled())
    await claim.save(plan.to_json(), "begun")
    return plan


async def _counted(plan: Plan, selection: Selection, most: int) -> AsyncIterator[Plan]:
    """Yield ``plan`` with more and more resources of a type, at last ready for the next one; a file holds ``most``."""
    while (extent := await selection.extent(plan.after, most - plan.count)) is not None:
        plan = _with_more(plan, selection.type, *extent, most)
        if extent[1] is None:
            yield _ended(plan, selection.type)
            return
        yield plan
    async for versions in selection.versions(plan.after):
        living = iter([version.id for version in versions if not version.deleted])
        while some := [*islice(living, most - plan.count)]:
            plan = _with_more(plan, selection.type, len(some), some[-1], most)
        gone = sum(version.deleted for version in versions)
        plan = replace(plan, after=versions[-1].id, gone=plan.gone + gone)
        yield plan
    yield _ended(plan, selection.type)


def _with_more(plan: Plan, resource_type: str, count: int, until: str | None, most: int) -> Plan:
    """Return ``plan`` with so many more resources of a type, up to the id ``until``."""
    plan = replace(plan, count=plan.count + count, after=until or "")
    return _with_file(plan, resource_type, until) if plan.count == most else plan


def _with_file(plan: Plan, resource_type: str, until: str | None) -> Plan:
    """Return ``plan`` with a file of what is counted of a type, up to the id ``until``."""
    number = 1 + sum(file.type == resource_type for file in plan.output)
    file = ExportFile(f"{resource_type}-{number}.ndjson", resource_type, plan.count, plan.begin, until)
    return replace(plan, output=(*plan.output, file), begin=until or "", count=0)


def _ended(plan: Plan, resource_type: str) -> Plan:
    """Return ``plan`` with a type of which all is counted, ready for the next one."""
    if plan.count:
        plan = _with_file(plan, resource_type, None)
    gone = [ExportFile(f"{resource_type}-deleted.ndjson", resource_type, lines_of(plan.gone))] if plan.gone else []
    return Plan(plan.at, plan.output, (*plan.deleted, *gone), plan.types + 1)


def _words(plan: Plan, export: Export) -> str:
    return f"{plan.total} resources found; type {min(plan.types + 1, len(export.types))} of {len(export.types)}"
