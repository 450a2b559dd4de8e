"""A service whose clients are known by tokens, and receivers that it may deliver to."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from service.background import deliveries, delivery, following, receiver
from service.settings import Settings
from tests.subscriptions.receiver import Receiver
from tests.support.app import client_of
from tests.support.issuer import bearer, token_settings

Json = dict[str, Any]
ALL = bearer("system/*.cruds", clearance="*")


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test not wait as long as a receiver in real life."""
    monkeypatch.setattr(delivery, "FIRST_PAUSE", 0.02)
    for module in (deliveries, following):
        monkeypatch.setattr(module, "POLL", 0.05)
    monkeypatch.setattr(receiver, "PATIENCE", 0.3)


@pytest.fixture(scope="package")
async def receivers() -> AsyncIterator[list[Receiver]]:
    """Receivers at three addresses of this machine; each test takes what it needs of them."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Receiver()) for _ in range(3)]


@pytest.fixture
async def one(receivers: list[Receiver]) -> Receiver:
    """A receiver that has got nothing yet."""
    return fresh(receivers[0])


@pytest.fixture
async def another(receivers: list[Receiver]) -> Receiver:
    """Another one."""
    return fresh(receivers[1])


def fresh(receiver: Receiver) -> Receiver:
    receiver.received.clear()
    receiver.answers = lambda kind, number: 204
    receiver.location = None
    return receiver


@pytest.fixture(scope="package")
async def client(
    mongodb_uri: str, receivers: list[Receiver], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[httpx.AsyncClient]:
    """A client that may do all, of a service that delivers to the receivers."""
    settings = Settings(
        mongodb_uri=mongodb_uri,
        mongodb_database="test_subscriptions",
        subscription_hosts=",".join(each.host for each in receivers),
        subscription_heartbeat=600,
        **token_settings(tmp_path_factory.mktemp("known")),
    )
    async with client_of(settings) as found:
        found.headers.update(ALL)
        yield found
