"""The audit alone, on a real database, with heads in a directory of its own."""

import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.fhir.touched import Touched
from service.security.audit import Happened, Recorded
from service.security.chain import Seals
from service.security.client import Client
from service.security.verification import Finding
from service.store.audit_block import ANCHORS, AUDIT, WRITERS
from service.store.audit_heads import Heads, read_heads
from service.store.audit_log import AuditLog
from service.store.audit_reading import AuditReading, Wanted
from service.store.audit_verification import AuditVerification
from service.store.driver import Driver, DriverName
from service.store.open import prepare

KEY = "a key that only the tests of the audit know"
START = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)


def happened(number: int = 1, person: str = "Patient/1", **others: Any) -> Happened:
    """Return what happened when somebody read a plan."""
    client = Client("https://issuer.example.org", "ehr", "sub-7", "Practitioner/7", purposes=("TREAT",))
    told: dict[str, Any] = {
        "started": START,
        "client": client,
        "address": "192.0.2.1",
        "request_id": f"request-{number}",
        "method": "GET",
        "interaction": "read",
        "path": f"CarePlan/plan-{number}",
        "query": "",
        "entries": (),
        "status": 200,
        "rules": (),
        "touched": (Touched("CarePlan", f"plan-{number}", 1, person),),
    }
    return Happened(**{**told, **others})


@dataclass
class Audit:
    """A database with an audit, and what it takes to look at it."""

    driver: Driver
    heads: Path
    seals: Seals = field(default_factory=lambda: Seals(KEY))
    now: datetime = START

    def log(self) -> AuditLog:
        """Return the log of a process that starts."""
        return AuditLog(self.driver, self.seals, Heads(self.heads), lambda: self.now)

    def move(self, **amount: float) -> None:
        """Let time pass."""
        self.now += timedelta(**amount)

    async def recorded(self, *events: Happened) -> list[str]:
        """Record events, each in a block of its own, by a process that then ends; return the ids of its blocks."""
        before = await self.blocks()
        log = self.log()
        for event in events:
            await log.record(event)
        await log.close()
        return [each for each in await self.blocks() if each not in before]

    async def blocks(self) -> list[str]:
        """Return the ids of all blocks."""
        return [each["_id"] async for each in self.database["audit"].find({}, {"_id": 1}).sort("_id", 1)]

    async def findings(self, since: datetime | None = None, *, with_heads: bool = True) -> list[Finding]:
        """Return all that is wrong."""
        heads = {head.writer: head for head in read_heads(self.heads)} if with_heads else {}
        check = AuditVerification(self.driver, self.seals, heads)
        return [each async for each in check.findings(since, lambda _: None)]

    async def events(self, **wanted: Any) -> list[Recorded]:
        """Return events, the newest first."""
        return [each async for each in self.reading.events(Wanted(**wanted))]

    @property
    def reading(self) -> AuditReading:
        """What reads the events."""
        return AuditReading(self.driver)

    @property
    def database(self) -> Any:
        return self.driver.database


@pytest.fixture(scope="session")
async def drivers(mongodb_uri: str) -> AsyncIterator[Callable[[DriverName], Driver]]:
    """What gives each driver, on a database of its own."""
    made: dict[DriverName, Driver] = {}

    def driver(name: DriverName) -> Driver:
        if name not in made:
            made[name] = Driver(name, mongodb_uri, f"test_{uuid.uuid4().hex[:12]}")
        return made[name]

    yield driver
    for each in made.values():
        await each.database.client.drop_database(each.database.name)
        await each.close()


@pytest.fixture
async def audit(
    request: pytest.FixtureRequest, drivers: Callable[[DriverName], Driver], tmp_path: Path
) -> AsyncIterator[Audit]:
    """An empty audit, on the driver that a test names."""
    driver = drivers(getattr(request, "param", "pymongo"))
    await prepare(driver, {})
    yield Audit(driver, tmp_path / "heads")
    for name in (AUDIT, WRITERS, ANCHORS):
        await driver.collection(name).delete_many({})
