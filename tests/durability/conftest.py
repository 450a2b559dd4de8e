"""What the proofs under failure share: three nodes, and two processes of the service on them."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from service.settings import Settings
from tests.support.app import client_of
from tests.support.processes import Processes
from tests.support.three_nodes import ThreeNodes, three_nodes

DATABASE = "test_durability"


@pytest.fixture(scope="package")
async def nodes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ThreeNodes]:
    """A replica set of three."""
    async with three_nodes(tmp_path_factory.mktemp("three-nodes")) as found:
        yield found


@pytest.fixture(scope="package")
def processes(nodes: ThreeNodes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Two processes of the service on the database DATABASE of the set."""
    with Processes(nodes.uri, DATABASE, tmp_path_factory.mktemp("processes")) as found:
        yield found


@pytest.fixture(scope="package")
async def client(nodes: ThreeNodes) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service in this process, on the database DATABASE of the three nodes."""
    async with client_of(Settings(mongodb_uri=nodes.uri, mongodb_database=DATABASE)) as found:
        yield found
