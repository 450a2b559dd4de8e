"""The jobs that a worker process does: what it claims, it does, and holds until that is done.

How a job is handed on where its worker ends, see service/store/jobs.py.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from service.background.kinds import KINDS, Work
from service.fhir import json
from service.fhir.outcome import Issue, OutcomeError, operation_outcome
from service.interactions.context import Context
from service.interactions.faults import fault
from service.security.client import Client
from service.store.ending import ended
from service.store.faults import DATABASE_ERRORS
from service.store.jobs import LEASE, MOST_CLAIMS, Claim, Jobs, LostClaimError

AT_ONCE = 2
"""Jobs that one process does at the same time."""
POLL = 1.0
"""Seconds between looks for jobs that others have started."""
_RENEWAL = LEASE / 3
_UNAVAILABLE = 503

log = logging.getLogger(__name__)


class JobRunner:
    """Does jobs of ``kinds``, each in the context of who asked for it."""

    def __init__(self, jobs: Jobs, context_of: Callable[[Client], Context], kinds: Mapping[str, Work] = KINDS) -> None:
        self._jobs = jobs
        self._context_of = context_of
        self._kinds = kinds

    async def run(self) -> None:
        """Do jobs until cancelled; what is not done by then is left to others at once."""
        await asyncio.gather(*(self._one_after_the_other() for _ in range(AT_ONCE)))

    async def _one_after_the_other(self) -> None:
        while True:
            try:
                if claim := await self._jobs.claim(self._kinds.keys()):
                    await self._do(claim)
                    continue
            except (OutcomeError, *DATABASE_ERRORS) as error:
                log.warning("jobs: the database failed: %s", type(error).__name__)
            except Exception as error:  # noqa: BLE001 - the next job is not to wait for ever for this one
                fault(error)
            await self._jobs.started(POLL)

    async def _do(self, claim: Claim) -> None:
        """Return when a job is done, or no longer ours."""
        tasks = [asyncio.create_task(self._work(claim)), asyncio.create_task(_hold(claim))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await ended(tasks)
            await claim.release()
            raise
        await ended(tasks)

    async def _work(self, claim: Claim) -> None:
        try:
            await self._finish(claim)
        except LostClaimError:
            log.info("jobs: %s is no longer this worker's", claim.job.id)
        except (OutcomeError, *DATABASE_ERRORS) as error:  # it is claimed again when its lease has passed
            log.warning("jobs: %s waits for the database: %s", claim.job.id, type(error).__name__)

    async def _finish(self, claim: Claim) -> None:
        """Let a job be done or have failed; raises OutcomeError 503 where neither can be known."""
        try:
            if claim.job.claims > MOST_CLAIMS:
                sentence = f"The job was begun {MOST_CLAIMS} times and did not get further; it is given up"
                raise OutcomeError(Issue("internal", sentence))
            result = await self._kinds[claim.job.kind](claim, self._context_of(claim.job.client))
            await claim.finish(result)
        except OutcomeError as error:
            if error.status == _UNAVAILABLE:
                raise
            await _fail(claim, error.status, operation_outcome(error.issues))
        except LostClaimError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, who asked gets an outcome and the log the fault
            response = fault(error)
            await _fail(claim, response.status, json.parse(response.body or b"{}"))


async def _fail(claim: Claim, status: int, outcome: dict[str, Any]) -> None:
    """Let a job have failed; what was kept to do it is of no use any more."""
    await claim.fail(status, outcome)
    await claim.pieces.forget()


async def _hold(claim: Claim) -> None:
    """Return when a job is lost to this worker, or may be: nobody could be asked for as long as its lease lasts."""
    held = time.monotonic()
    while time.monotonic() - held < LEASE:
        await asyncio.sleep(_RENEWAL)
        begin = time.monotonic()
        try:
            async with asyncio.timeout(_RENEWAL):
                await claim.renew()
            held = begin
        except LostClaimError:
            return
        except (OutcomeError, TimeoutError, *DATABASE_ERRORS):
            continue
