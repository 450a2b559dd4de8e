"""Jobs are claimed by one worker at a time, and handed on where it stops."""

import asyncio

import pytest

from service.fhir.outcome import OutcomeError
from service.security.client import ANYBODY, Client
from service.store.jobs import MOST_OF_ONE, Claim, LostClaimError
from tests.jobs.conftest import Workers

ANN = Client(
    "https://issuer.example.org", "app", "ann", scopes=("user/*.rs",), clearances=frozenset(("R", "V")), purposes=("A",)
)
KINDS = ["counting"]


async def claimed(workers: Workers) -> Claim:
    claim = await workers.jobs.claim(KINDS)
    assert claim is not None
    return claim


async def test_a_job_is_done_by_one_of_many_who_want_it_at_once(workers: Workers) -> None:
    ids = {await workers.jobs.start("counting", ANN, {"to": number}) for number in range(3)}
    claims = await asyncio.gather(*(each.claim(KINDS) for each in (workers.jobs, workers.others) * 5))
    assert {claim.job.id for claim in claims if claim} == ids
    assert sum(claim is not None for claim in claims) == 3


async def test_the_job_that_waits_longest_comes_first_with_who_asked_for_what(workers: Workers) -> None:
    first = await workers.jobs.start("counting", ANN, {"to": 1})
    await workers.jobs.start("counting", ANN, {"to": 2})
    job = (await claimed(workers)).job
    assert (job.id, job.client, job.asked, job.state, job.claims) == (first, ANN, {"to": 1}, "running", 1)
    assert job.client.identity == ANN.identity


async def test_jobs_of_other_kinds_are_left_to_others(workers: Workers) -> None:
    await workers.jobs.start("unheard-of", ANN, {})
    assert await workers.jobs.claim(KINDS) is None


async def test_a_job_whose_worker_has_died_is_gone_on_with_from_what_was_kept(workers: Workers) -> None:
    await workers.jobs.start("counting", ANN, {})
    first = await claimed(workers)
    await first.save({"counted": 7}, "7 of 9")
    assert await workers.others.claim(KINDS) is None
    await workers.let_leases_lapse()
    second = await workers.others.claim(KINDS)
    assert second is not None
    assert second.job.progress == {"counted": 7}


async def test_a_worker_that_was_held_up_learns_that_another_goes_on(workers: Workers) -> None:
    job_id = await workers.jobs.start("counting", ANN, {})
    first = await claimed(workers)
    await workers.let_leases_lapse()
    second = await workers.others.claim(KINDS)
    assert second is not None
    for write in (first.renew(), first.save({"counted": 1}, ""), first.finish({}), first.fail(500, {})):
        with pytest.raises(LostClaimError):
            await write
    await first.release()
    await second.finish({"counted": 9})
    job = await workers.jobs.find(job_id, ANN)
    assert job is not None
    assert (job.state, job.result, job.progress) == ("done", {"counted": 9}, {})


async def test_a_worker_that_was_held_up_goes_on_where_nobody_else_has(workers: Workers) -> None:
    await workers.jobs.start("counting", ANN, {})
    first = await claimed(workers)
    await workers.let_leases_lapse()
    await first.save({"counted": 1}, "1")
    assert await workers.others.claim(KINDS) is None


async def test_a_job_that_was_left_is_claimed_at_once(workers: Workers) -> None:
    await workers.jobs.start("counting", ANN, {})
    await (await claimed(workers)).release()
    again = await workers.others.claim(KINDS)
    assert again is not None
    assert again.job.claims == 2


async def test_what_got_further_is_not_counted_as_begun_in_vain(workers: Workers) -> None:
    await workers.jobs.start("counting", ANN, {})
    for _ in range(3):
        claim = await claimed(workers)
        await claim.save({}, "")
        await claim.release()
    assert (await claimed(workers)).job.claims == 1


async def test_a_cancelled_job_is_gone_and_its_worker_learns_so(workers: Workers) -> None:
    job_id = await workers.jobs.start("counting", ANN, {})
    claim = await claimed(workers)
    await claim.pieces.put("found", 0, b"some")
    job = await workers.others.find(job_id, ANN)
    assert job is not None
    await workers.others.cancel(job)
    with pytest.raises(LostClaimError):
        await claim.save({}, "")
    assert await workers.jobs.find(job_id, ANN) is None
    assert await claim.pieces.get("found", 0) is None


@pytest.mark.parametrize(
    "other",
    [ANYBODY, Client(ANN.issuer, "other", "ann"), Client(ANN.issuer, "app", "ben"), Client("https://x", "app", "ann")],
)
async def test_a_job_is_there_for_who_asked_for_it_alone(workers: Workers, other: Client) -> None:
    job_id = await workers.jobs.start("counting", ANN, {})
    assert await workers.jobs.find(job_id, other) is None
    assert await workers.jobs.find(job_id, Client(ANN.issuer, "app", "ann", scopes=("user/*.r",))) is not None


async def test_jobs_are_forgotten_in_time(workers: Workers) -> None:
    job_id = await workers.jobs.start("counting", ANN, {})
    await workers.let_jobs_expire()
    assert await workers.jobs.find(job_id, ANN) is None
    assert await workers.jobs.claim(KINDS) is None, "it is not begun any more"


async def test_a_client_has_so_many_jobs_and_no_more(workers: Workers) -> None:
    for _ in range(MOST_OF_ONE):
        await workers.jobs.start("counting", ANN, {})
    with pytest.raises(OutcomeError) as caught:
        await workers.jobs.start("counting", ANN, {})
    assert caught.value.status == 429
    await workers.jobs.start("counting", ANYBODY, {})


async def test_a_client_who_asks_for_many_at_once_has_no_more_than_that(workers: Workers) -> None:
    asking = (workers.jobs.start("counting", ANN, {}) for _ in range(3 * MOST_OF_ONE))
    answers = await asyncio.gather(*asking, return_exceptions=True)
    refused = [each for each in answers if isinstance(each, OutcomeError)]
    assert len(answers) - len(refused) <= MOST_OF_ONE
    assert {each.status for each in refused} == {429}


async def test_pieces_are_those_of_a_job_and_of_a_name(workers: Workers) -> None:
    one, other = workers.jobs.pieces("1"), workers.jobs.pieces("10")
    for number, body in enumerate((b"a", b"b")):
        await one.put("errors", number, body)
    await other.put("errors", 0, b"c")
    assert [body async for body in one.read("errors")] == [b"a", b"b"]
    await one.drop("errors", 0)
    assert [body async for body in one.read("errors")] == [b"b"]
    await one.forget()
    assert await one.get("errors", 1) is None
    assert await other.get("errors", 0) == b"c"
