"""A server that cannot hold the store is refused in one line without credentials."""

import gc
from collections.abc import Iterator

import pytest

from service.store import server
from service.store.server import UnsuitableServer, check_address
from tests.support.service import free_port

# PyMongo 4.20 does not close the socket of a connection attempt that the closing of the client cancels.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def _collect_sockets_here() -> Iterator[None]:
    yield
    gc.collect()


async def test_the_embedded_server_is_suitable(mongodb_uri: str) -> None:
    await check_address(mongodb_uri)


async def test_one_that_is_too_old(mongodb_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "OLDEST", (999, 0))
    with pytest.raises(UnsuitableServer, match=r"^MongoDB at 127\.0\.0\.1:\d+ is version \d+\.\d+: "):
        await check_address(mongodb_uri)


async def test_a_set_of_another_name(mongodb_uri: str) -> None:
    uri = mongodb_uri.replace("replicaSet=recovery", "replicaSet=other&serverSelectionTimeoutMS=300")
    with pytest.raises(UnsuitableServer, match="replica set named other"):
        await check_address(uri)


async def test_a_user_that_does_not_exist(mongodb_uri: str) -> None:
    uri = mongodb_uri.replace("mongodb://", "mongodb://plans:hunter2@")
    with pytest.raises(UnsuitableServer, match=r"refuses the user name or password$") as caught:
        await check_address(uri)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("127.0.0.1:{port}", "cannot be reached: Connect call failed"),
        ("nosuch.invalid", "cannot be reached: "),
    ],
)
async def test_nobody_there(host: str, words: str) -> None:
    address = host.format(port=free_port())
    with pytest.raises(UnsuitableServer, match=words) as caught:
        await check_address(f"mongodb://plans:hunter2@{address}/?serverSelectionTimeoutMS=500")
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)
