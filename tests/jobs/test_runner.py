"""What a worker does with jobs: two at once, from the moment that they are there, and none that is not its own."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from service.background.jobs import JobRunner
from service.background.running import running
from service.fhir.outcome import Issue, OutcomeError
from service.security.client import ANYBODY
from service.store import jobs as store_jobs
from service.store.jobs import Claim, Job
from tests.jobs.conftest import Workers

Work = Callable[[Claim, Any], Awaitable[dict[str, Any]]]


def runner(workers: Workers, work: Work) -> JobRunner:
    return JobRunner(workers.jobs, lambda client: client, {"counting": work})


async def started(workers: Workers) -> str:
    return await workers.jobs.start("counting", ANYBODY, {"to": 3})


async def ended(workers: Workers, job_id: str) -> Job:
    async with asyncio.timeout(20):
        while True:
            job = await workers.jobs.find(job_id, ANYBODY)
            assert job is not None
            if job.state in ("done", "failed"):
                return job
            await asyncio.sleep(0.01)


async def count(claim: Claim, client: Any) -> dict[str, Any]:
    assert client == ANYBODY
    for number in range(claim.job.progress.get("counted", 0), claim.job.asked["to"]):
        await claim.save({"counted": number + 1}, f"{number + 1} of 3")
    return {"counted": 3}


async def test_a_job_is_done_as_soon_as_it_is_started(workers: Workers) -> None:
    async with running(runner(workers, count).run()):
        await asyncio.sleep(0.1)
        begin = asyncio.get_running_loop().time()
        job = await ended(workers, await started(workers))
        assert asyncio.get_running_loop().time() - begin < 0.8
    assert (job.state, job.result, job.words) == ("done", {"counted": 3}, "3 of 3")


async def test_two_jobs_are_done_at_once(workers: Workers) -> None:
    both_are_there = asyncio.Barrier(2)

    async def meet(claim: Claim, _: Any) -> dict[str, Any]:
        await asyncio.wait_for(both_are_there.wait(), 10)
        return {}

    async with running(runner(workers, meet).run()):
        ids = [await started(workers) for _ in range(2)]
        assert [(await ended(workers, each)).state for each in ids] == ["done", "done"]


async def test_what_cannot_be_done_fails_with_its_reasons(workers: Workers) -> None:
    async def refuse(claim: Claim, _: Any) -> dict[str, Any]:
        raise OutcomeError(Issue("forbidden", "Not this"))

    async with running(runner(workers, refuse).run()):
        job = await ended(workers, await started(workers))
    assert (job.state, job.status, job.outcome["issue"][0]["diagnostics"]) == ("failed", 403, "Not this")


async def test_a_fault_is_told_by_a_number(workers: Workers, caplog: pytest.LogCaptureFixture) -> None:
    words = "what Ann said"

    async def fall(claim: Claim, _: Any) -> dict[str, Any]:
        raise LookupError(words)

    async with running(runner(workers, fall).run()):
        job = await ended(workers, await started(workers))
    assert (job.status, job.outcome["issue"][0]["code"]) == (500, "exception")
    assert words not in str(job.outcome) + caplog.text


async def test_what_is_stopped_is_left_to_others_at_once(workers: Workers) -> None:
    begun = asyncio.Event()

    async def stay(claim: Claim, _: Any) -> dict[str, Any]:
        await claim.save({"counted": 1}, "1 of 3")
        begun.set()
        return await asyncio.Event().wait() and {}

    async with running(runner(workers, stay).run()):
        job_id = await started(workers)
        await asyncio.wait_for(begun.wait(), 10)
    async with running(JobRunner(workers.others, lambda client: client, {"counting": count}).run()):
        job = await ended(workers, job_id)
    assert job.result == {"counted": 3}


async def test_work_ends_where_the_claim_is_lost(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.background.jobs._RENEWAL", 0.05)
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def stay(claim: Claim, _: Any) -> dict[str, Any]:
        begun.set()
        try:
            return await asyncio.Event().wait() and {}
        finally:
            stopped.set()

    async with running(runner(workers, stay).run()):
        job_id = await started(workers)
        await begun.wait()
        job = await workers.jobs.find(job_id, ANYBODY)
        assert job is not None
        await workers.others.cancel(job)
        await asyncio.wait_for(stopped.wait(), 10)


async def test_a_job_that_never_gets_further_is_given_up(workers: Workers) -> None:
    job_id = await started(workers)
    for _ in range(store_jobs.MOST_CLAIMS):
        claim = await workers.jobs.claim(["counting"])
        assert claim is not None
        await claim.release()
    async with running(runner(workers, count).run()):
        job = await ended(workers, job_id)
    assert (job.state, job.status) == ("failed", 500)


async def test_a_database_that_fails_is_no_failure_of_the_job(workers: Workers) -> None:
    failed = asyncio.Event()

    async def fail_once(claim: Claim, _: Any) -> dict[str, Any]:
        if claim.job.claims == 1:
            failed.set()
            raise OutcomeError(Issue("database-unavailable", "No answer"))
        return {}

    async with running(runner(workers, fail_once).run()):
        job_id = await started(workers)
        await failed.wait()
        await workers.let_leases_lapse()
        assert (await ended(workers, job_id)).state == "done"
