"""What the proofs under failure share: three nodes, and two processes of the service on them."""

import uuid
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from service.settings import Settings
from tests.support.app import client_of
from tests.support.processes import Processes
from tests.support.three_nodes import ThreeNodes, three_nodes


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreeNodes]:
    """A replica set of three."""
    with three_nodes(tmp_path_factory.mktemp("three-nodes")) as found:
        yield found


@pytest.fixture(scope="session")
def processes(nodes: ThreeNodes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Two processes of the service on one database of the set."""
    with Processes(nodes.uri, tmp_path_factory.mktemp("processes")) as found:
        yield found


@pytest.fixture
async def client(nodes: ThreeNodes) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service in this process, with an empty database of its own on the three nodes."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    async with client_of(Settings(mongodb_uri=nodes.uri, mongodb_database=name)) as found:
        yield found
