"""What every test may ask for: a real MongoDB, the service on it, and a client that speaks to it."""

import gc
import os
import uuid
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from service.settings import Settings
from tests.support.app import client_of
from tests.support.mongo import embedded_mongo
from tests.support.samples import load_samples

os.environ.setdefault("RECOVERY_AUDIT_KEY", "the key of tests, which keeps nobody out")


def pytest_collection_finish() -> None:
    """Leave thousands of tests out of garbage collections, and make full ones rare: they take seconds, in mid-test."""
    gc.collect()
    gc.freeze()
    first, second, _ = gc.get_threshold()
    gc.set_threshold(first, second, 100)


@pytest.fixture(scope="session")
def mongodb_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of a real one-node replica set that lives as long as the test session."""
    with embedded_mongo(tmp_path_factory.mktemp("mongodb")) as mongo:
        yield mongo.uri


@pytest.fixture
def settings(mongodb_uri: str) -> Settings:
    """Settings for a database of this test alone."""
    return Settings(mongodb_uri=mongodb_uri, mongodb_database=f"test_{uuid.uuid4().hex[:12]}")


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service with an empty store; paths are relative to /fhir/R4."""
    async with client_of(settings) as found:
        yield found


@pytest.fixture(scope="session")
async def sample_client(mongodb_uri: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service that holds the sample plans; addresses start at the root of the service."""
    settings = Settings(mongodb_uri=mongodb_uri, mongodb_database="test_samples")
    async with client_of(settings, path="") as found:
        await load_samples(found)
        yield found
