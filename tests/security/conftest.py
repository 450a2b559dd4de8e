"""Two services that know clients by their tokens: one holds everything, the other what a test leaves it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import httpx
import pytest
from pymongo import AsyncMongoClient

from service.settings import Settings
from tests.security.answers import Answer, plain
from tests.security.asks import Ask
from tests.security.clients import Someone
from tests.security.holding import Contents, Seen, contents, fill, load, service
from tests.security.judge import Versions, seen_versions
from tests.security.world import LISTED_BASE
from tests.support.issuer import token_settings

_LOADED, _WHOLE, _PART = "test_security_loaded", "test_security_whole", "test_security_part"


@dataclass
class World:
    """What there is, and services on databases that hold it all, or a part."""

    uri: str
    versions: Versions
    loaded: Contents
    whole: httpx.AsyncClient
    part: httpx.AsyncClient

    async def restore(self) -> None:
        """Put back everything that was changed in the whole."""
        await fill(self.uri, _WHOLE, self.loaded)

    async def leave(self, seen: Seen) -> None:
        """Let the part hold the versions that are ``seen``, as if there had never been others."""
        await fill(self.uri, _PART, self.loaded, seen)

    async def now(self) -> Contents:
        """Return what the whole holds now."""
        return await contents(self.uri, _WHOLE)

    def seen_by(self, someone: Someone) -> Seen:
        """Return the versions that a client may see."""
        return seen_versions(someone.sight, self.versions)


@pytest.fixture(scope="session")
async def world(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The world; a test that changes it puts it back with ``restore``."""
    versions = await load(mongodb_uri, _LOADED)
    loaded = await contents(mongodb_uri, _LOADED)
    common = {
        "mongodb_uri": mongodb_uri,
        "base_url": "http://testserver",
        "patient_bases": LISTED_BASE,
        "narrative": "off",
        "explain": True,
        "audit": "off",
        **token_settings(tmp_path_factory.mktemp("keys")),
    }
    whole, part = (Settings(**common, mongodb_database=name) for name in (_WHOLE, _PART))
    async with service(whole) as one, service(part) as other:
        made = World(mongodb_uri, versions, loaded, one, other)
        await made.restore()
        yield made
    async with AsyncMongoClient(mongodb_uri) as mongo:
        for name in (_LOADED, _WHOLE, _PART):
            await mongo.drop_database(name)


Asked = Callable[[httpx.AsyncClient, Ask, dict[str, str]], Awaitable[Answer]]


@pytest.fixture(scope="session")
def asked() -> Asked:
    """Send an `Ask` with a token, and return the answer."""

    async def send(client: httpx.AsyncClient, ask: Ask, headers: dict[str, str]) -> Answer:
        response = await client.request(ask.method, ask.path, content=ask.content, headers={**ask.headers, **headers})
        return plain(response)

    return send
