"""Jobs alone, on a real database."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from service.store.driver import Driver
from service.store.jobs import LEASE, Jobs
from service.store.open import JOBS


@dataclass
class Workers:
    """Jobs of two workers on one database."""

    driver: Driver
    jobs: Jobs
    others: Jobs

    async def let_leases_lapse(self) -> None:
        """Make it be longer ago than a lease that any claim was renewed."""
        passed = datetime.now(UTC) - timedelta(seconds=LEASE + 1)
        await self.driver.collection(JOBS).update_many({}, {"$set": {"renewed": passed}})

    async def let_jobs_expire(self) -> None:
        """Make it be time that any job is forgotten."""
        await self.driver.collection(JOBS).update_many({}, {"$set": {"expires": datetime.now(UTC)}})


@pytest.fixture
async def workers(mongodb_uri: str) -> AsyncIterator[Workers]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    drivers = [Driver("pymongo", mongodb_uri, name) for _ in range(2)]
    jobs, others = (Jobs(driver, lambda: datetime.now(UTC), timedelta(hours=1)) for driver in drivers)
    yield Workers(drivers[0], jobs, others)
    await drivers[0].database.client.drop_database(name)
    for driver in drivers:
        await driver.close()
