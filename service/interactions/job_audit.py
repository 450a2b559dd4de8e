"""What work in the background stores and discloses, recorded as what its client asked for."""

from collections.abc import Sequence
from datetime import datetime

from service.fhir.touched import Touched
from service.interactions.context import Context
from service.security.audit import Happened
from service.store.jobs import Job


async def record(
    job: Job,
    context: Context,
    interaction: str,
    touched: Sequence[Touched],
    *,
    started: datetime,
    entries: Sequence[str] = (),
    rules: Sequence[str] = (),
) -> None:
    """Return when it is recorded what a part of ``job`` stores or discloses; raises OutcomeError 503.

    ``interaction`` is the operation by which the job was asked for, such as ``$import``.
    """
    if context.audit is None:
        return
    await context.audit.record(
        Happened(
            started=started,
            client=job.client,
            address="",
            request_id=job.id,
            method="POST",
            interaction=interaction,
            path=interaction,
            query="",
            entries=tuple(entries),
            status=200,
            rules=tuple(rules),
            touched=tuple(touched),
        )
    )
