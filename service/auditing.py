"""The audit of one process, from its start to its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from service.compiled import Clock
from service.security.chain import Seals
from service.settings import Settings, WrongSetting
from service.store.audit_heads import Heads
from service.store.audit_log import AuditLog
from service.store.audit_pruning import AuditPruning, prune_daily
from service.store.driver import Driver
from service.store.ending import ended


def check_audit(settings: Settings) -> None:
    """Raise WrongSetting where there is no key for the audit that the settings want."""
    if settings.audit == "strict" and settings.audit_key is None:
        raise WrongSetting("RECOVERY_AUDIT_KEY is needed without `recovery-plan serve`, unless RECOVERY_AUDIT is off")


@asynccontextmanager
async def audit_log(settings: Settings, driver: Driver, clock: Clock) -> AsyncIterator[AuditLog | None]:
    """Give the log of this process, None where nothing is recorded; at the end all events are durable.

    Meanwhile what is older than the settings say is removed once a day.
    """
    if settings.audit == "off" or settings.audit_key is None:
        yield None
        return
    seals = Seals(settings.audit_key)
    log = AuditLog(driver, seals, Heads(settings.audit_heads), clock)
    pruning = None
    if settings.audit_days:
        kept = timedelta(days=settings.audit_days)
        pruning = asyncio.create_task(prune_daily(AuditPruning(driver, seals), kept, clock))
    try:
        yield log
    finally:
        if pruning is not None:
            await ended([pruning])
        await log.close()
