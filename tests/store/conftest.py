"""The store alone, on both drivers, with an indexer compiled from the real definitions."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.compiled import Compiled
from service.conformance.definitions import Definitions
from service.conformance.search_parameters import SearchParameter, search_parameters
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.fhir.reference import Addresses
from service.fhir.versions import R4
from service.search.references import References
from service.search.request import SearchParser, SearchRequest
from service.search.request import Settings as SearchSettings
from service.settings import Settings
from service.store.document import IndexedType
from service.store.driver import Driver, DriverName
from service.store.open import prepare
from service.store.resources import ResourceStore

SECONDS = 10.0
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
    parser: SearchParser

    @property
    def database(self) -> Any:
        return self.driver.database

    def asked(self, *types: str, **parameters: str) -> SearchRequest:
        """Return a search; a name is written with _ for -."""
        named = [(name if name[0] == "_" else name.replace("_", "-"), text) for name, text in parameters.items()]
        return self.parser.parse(named, types)

    async def found(self, *types: str, **parameters: str) -> list[str]:
        """Return the ids that a search finds on its first page."""
        asked = self.asked(*types, **parameters)
        page = await self.store.search(asked.sources, asked.count)
        return [item.id for item in page.matches]


@pytest.fixture(scope="session")
def definitions() -> Definitions:
    return Definitions(R4)


@pytest.fixture(scope="session")
def parameters(definitions: Definitions) -> dict[str, dict[str, SearchParameter]]:
    structures, terminology = Structures(definitions), Terminology(definitions)
    return {name: search_parameters(definitions, structures, terminology, name) for name in definitions.stored_types}


@pytest.fixture(scope="session")
def indexed_types(definitions: Definitions) -> dict[str, IndexedType]:
    return Compiled(definitions, Settings(), Clock()).indexed_types


@pytest.fixture(scope="session")
def parser(definitions: Definitions, parameters: dict[str, dict[str, SearchParameter]]) -> SearchParser:
    allowed = SearchSettings(page_size=20, largest_page=1000)
    return SearchParser(parameters, parameters, Terminology(definitions), References(Addresses()), lambda: 0, allowed)


@pytest.fixture(params=["pymongo", "motor"])
def driver_name(request: pytest.FixtureRequest) -> DriverName:
    name: DriverName = request.param
    return name


@pytest.fixture(scope="session")
def prepared() -> set[str]:
    """The names of databases that have their collections and indexes, which takes a while to make."""
    return set()


@pytest.fixture
async def opened(
    driver_name: DriverName,
    mongodb_uri: str,
    indexed_types: dict[str, IndexedType],
    parser: SearchParser,
    prepared: set[str],
) -> AsyncIterator[OpenStore]:
    """An empty store with the indexes of the service, which a test that changes them leaves as they were."""
    driver = Driver(driver_name, mongodb_uri, f"test_store_{driver_name}")
    try:
        if driver_name not in prepared:
            await prepare(driver, indexed_types)
            prepared.add(driver_name)
        clock = Clock()
        yield OpenStore(ResourceStore(driver, indexed_types, clock, SECONDS), clock, driver, parser)
        for name in await driver.database.list_collection_names():
            await driver.database[name].delete_many({})
    finally:
        await driver.close()
