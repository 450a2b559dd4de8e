"""Files of exports that are written elsewhere, such as to a bucket, for whoever may read there.

They are disclosed when they are written, and with the access of who asked for the export.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

from service.fhir.entry import Piece
from service.interactions.bulk.export import Export
from service.interactions.bulk.files import pieces_of
from service.interactions.bulk.messages import messages
from service.interactions.bulk.plan import MESSAGES, Plan
from service.interactions.context import Context
from service.interactions.job_audit import record
from service.store.destination import Destination
from service.store.jobs import Claim, Job


async def write_files(claim: Claim, export: Export, plan: Plan, context: Context, destination: Destination) -> Plan:
    """Return ``plan`` when all of its files are written that are not yet; raises LostClaimError, OutcomeError."""
    names = [*(file.name for file in (*plan.output, *plan.deleted)), *([MESSAGES] if messages(export) else [])]
    for name in names[plan.written :]:
        parts = _recorded(pieces_of(export, plan, name, context), claim.job, context)
        await destination.write(f"{claim.job.id}/{name}", parts)
        plan = replace(plan, written=plan.written + 1)
        await claim.save(plan.to_json(), f"{plan.written} of {len(names)} files written")
    return replace(plan, to=destination.address(claim.job.id))


async def remove_files(job: Job, context: Context) -> None:
    """Remove what was written of an export; raises OutcomeError 503 where that fails."""
    if context.export_to is not None:
        await context.export_to.remove(job.id)


async def _recorded(pieces: AsyncIterator[Piece], job: Job, context: Context) -> AsyncIterator[bytes]:
    async for piece in pieces:
        await record(job, context, "$export", piece.touched, started=job.requested)
        yield piece.body
