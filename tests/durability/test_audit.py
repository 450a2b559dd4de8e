"""The audit while the database fails: an answer has its event, and where it cannot have it, it is no answer."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.fhir.outcome import OutcomeError
from service.security.chain import Seals
from service.store import audit_log
from service.store.audit_heads import Heads
from service.store.audit_log import AuditLog
from service.store.driver import Driver
from service.store.open import prepare
from tests.audit.conftest import START, Audit, happened
from tests.support.resources import goal
from tests.support.three_nodes import ThreeNodes

from .conftest import DATABASE

OF_ITS_OWN = "test_durability_audit"
BLOCKS = {"namespace": f"{OF_ITS_OWN}.audit"}


@pytest.fixture
async def audit(nodes: ThreeNodes, tmp_path: Path) -> AsyncIterator[Audit]:
    """An audit on the three nodes."""
    driver = Driver("pymongo", nodes.uri, OF_ITS_OWN)
    try:
        await prepare(driver, {})
        yield Audit(driver, tmp_path / "heads")
    finally:
        await nodes.client.drop_database(OF_ITS_OWN)
        await driver.close()


@pytest.mark.parametrize(
    "how",
    [
        {"errorCode": 11602, "errorLabels": ["RetryableWriteError"]},
        {"errorCode": 50},
        {"writeConcernError": {"code": 64, "errmsg": "injected"}},
        {"closeConnection": True},
    ],
    ids=["lost primary", "no time", "no majority yet", "no connection"],
)
async def test_what_could_not_be_recorded_is_tried_until_it_is(
    nodes: ThreeNodes, audit: Audit, how: dict[str, Any]
) -> None:
    log = audit.log()
    async with nodes.failing("insert", times=3, **BLOCKS, **how) as point:
        recording = [asyncio.create_task(log.record(happened(number))) for number in range(3)]
        await point.entered()
        recording += [asyncio.create_task(log.record(happened(number))) for number in range(3, 6)]
        await asyncio.gather(*recording)
    await log.close()
    told = [each.happened.request_id for each in reversed(await audit.events())]
    assert told == [f"request-{number}" for number in range(6)]
    assert await audit.findings() == []


async def test_who_waits_too_long_is_told_so_and_the_event_is_recorded_later(
    nodes: ThreeNodes, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "PATIENCE", 0.2)
    monkeypatch.setattr(audit_log, "MOST_WAITING", 2)
    log = audit.log()
    async with nodes.failing("insert", times=1_000, **BLOCKS, errorCode=50):
        waiting = [asyncio.create_task(log.record(happened(number))) for number in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(OutcomeError) as refused:  # at once, for there are too many already
            await log.record(happened(2))
        assert refused.value.status == 503
        told = await asyncio.gather(*waiting, return_exceptions=True)
        assert [each.status for each in told if isinstance(each, OutcomeError)] == [503, 503]
        assert log.waiting == 2
    await log.close()
    assert log.waiting == 0
    assert [each.happened.request_id for each in await audit.events()] == ["request-1", "request-0"]


async def test_the_end_of_a_service_waits_no_longer_than_it_may(
    nodes: ThreeNodes, audit: Audit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(audit_log, "DRAIN", 0.1)
    log = audit.log()
    async with nodes.failing("insert", times=1_000, **BLOCKS, errorCode=50) as point:
        recording = asyncio.create_task(log.record(happened()))
        await point.entered()
        await log.close()
        with pytest.raises(OutcomeError):
            await recording
    assert "audit: 1 events were not recorded before the end" in caplog.messages


async def test_a_forged_block_in_the_way_is_left_and_told(audit: Audit, caplog: pytest.LogCaptureFixture) -> None:
    log = AuditLog(audit.driver, audit.seals, Heads(audit.heads), lambda: START)
    await log.record(happened(1))
    [first] = await audit.blocks()
    forged = Seals("guessed").sealed(first.partition("-")[0], 2, 1, [], b"")
    await audit.database["audit"].insert_one(
        {"_id": forged.id, "recorded": START, "who": b"", "what": b"", "mac": forged.mac}
    )
    await log.record(happened(2))
    await log.close()
    assert [message for message in caplog.messages if "forged" in message]
    assert {finding.place for finding in await audit.findings()} == {forged.id}
    await audit.database["audit"].delete_one({"_id": forged.id})
    assert [each.happened.request_id for each in await audit.events()] == ["request-2", "request-1"]


async def test_an_answer_waits_for_its_event(client: httpx.AsyncClient, nodes: ThreeNodes) -> None:
    made = (await client.post("Goal", json=goal())).json()
    async with nodes.failing("insert", namespace=f"{DATABASE}.audit", blockConnection=True, blockTimeMS=300) as point:
        reading = asyncio.create_task(client.get(f"Goal/{made['id']}"))
        await point.entered()
        assert not reading.done()
        assert (await reading).status_code == 200
