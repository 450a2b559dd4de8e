"""What was given up is not done later on: whoever reads the state at a moment counts on that."""

import asyncio
from typing import Any

import pytest

from service.fhir.outcome import OutcomeError
from service.store import faults, transactions
from service.store.driver import Driver
from tests.store.conftest import OpenStore
from tests.store.plans import plan


async def held(driver: Driver, session: Any) -> None:
    """Hold the plan ``1`` and the id ``2`` in a transaction."""
    await driver.start_transaction(session)
    await driver.collection("CarePlan").update_one({"_id": "1"}, {"$set": {"held": True}}, session=session)


async def test_a_write_that_waited_too_long_never_happens(opened: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "LONGEST_WRITE", 0.5)
    first = await opened.store.insert("CarePlan", "1", plan(1), "POST")
    async with opened.driver.session() as session:
        await held(opened.driver, session)
        with pytest.raises(OutcomeError) as refused:
            await opened.store.replace(first, plan(2), "PUT")
        assert refused.value.status == 503
        await session.abort_transaction()
    await asyncio.sleep(0.3)
    now = await opened.store.read("CarePlan", "1")
    assert now is not None
    assert now.version == 1


async def test_a_transaction_that_took_too_long_never_happens(
    opened: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "LONGEST_ATTEMPT", 0.1)

    async def slow(store: Any) -> None:
        await store.insert("CarePlan", "3", plan(3), "POST")
        await asyncio.sleep(0.2)

    with pytest.raises(OutcomeError) as refused:
        await opened.store.transaction(slow)
    assert refused.value.status == 503
    assert await opened.store.read("CarePlan", "3") is None
