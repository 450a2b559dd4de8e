"""The store alone, on both drivers, with an indexer compiled from the real definitions."""

import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from service.conformance.definitions import Definitions
from service.conformance.search_parameters import SearchParameter, search_parameters
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.fhir.reference import Addresses
from service.fhir.versions import R4
from service.search.index import compile_indexer, index_hash
from service.search.request import PageSizes, SearchParser, SearchRequest
from service.search.types.reference import References
from service.store.document import IndexedType
from service.store.driver import Driver, DriverName
from service.store.open import prepare
from service.store.resources import ResourceStore

REFERENCES = References(Addresses())
START = datetime(2026, 11, 1, 9, 30, 0, 123_456, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, **amount: float) -> None:
        self.now += timedelta(**amount)


@dataclass
class OpenStore:
    """A store, the clock that it goes by, and the database under it."""

    store: ResourceStore
    clock: Clock
    driver: Driver
    parameters: Mapping[str, dict[str, SearchParameter]]

    @property
    def database(self) -> Any:
        return self.driver.database

    def asked(self, resource_type: str, **parameters: str) -> SearchRequest:
        """Return a search; a name is written with _ for -."""
        parser = SearchParser(self.parameters[resource_type], REFERENCES, PageSizes(20, 1000), lambda: 0)
        named = [(name if name[0] == "_" else name.replace("_", "-"), text) for name, text in parameters.items()]
        return parser.parse(named, lenient=False)

    async def found(self, resource_type: str, **parameters: str) -> list[str]:
        """Return the ids that a search finds on its first page."""
        asked = self.asked(resource_type, **parameters)
        page = await self.store.search(resource_type, asked.predicate, asked.sort, asked.count, None)
        return [item.id for item in page.matches]


@pytest.fixture(scope="session")
def parameters() -> dict[str, dict[str, SearchParameter]]:
    definitions = Definitions(R4)
    structures, terminology = Structures(definitions), Terminology(definitions)
    return {name: search_parameters(definitions, structures, terminology, name) for name in definitions.stored_types}


@pytest.fixture(params=["pymongo", "motor"])
def driver_name(request: pytest.FixtureRequest) -> DriverName:
    name: DriverName = request.param
    return name


@pytest.fixture
async def opened(
    driver_name: DriverName, mongodb_uri: str, parameters: dict[str, dict[str, SearchParameter]]
) -> AsyncIterator[OpenStore]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    driver = Driver(driver_name, mongodb_uri, name)
    try:
        await prepare(driver, {key: list(item.values()) for key, item in parameters.items()})
        types = {
            key: IndexedType(compile_indexer(item.values(), REFERENCES), index_hash(item.values(), REFERENCES))
            for key, item in parameters.items()
        }
        clock = Clock()
        yield OpenStore(ResourceStore(driver, types, clock), clock, driver, parameters)
    finally:
        await driver.close()
        async with AsyncMongoClient(mongodb_uri) as client:
            await client.drop_database(name)
