"""Clients of several processes of the service whose answers may be lost."""

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from tests.durability.model import Json, Seen
from tests.support.resources import issues_of

PATIENCE = 120.0
"""Seconds before a client that needs an answer gives up."""
HURRY = 0.02
"""Seconds after which an impatient client hangs up, at most."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request came to; without a response its outcome is unknown."""

    response: httpx.Response | None

    @property
    def lost(self) -> bool:
        """Whether the request may have been carried out or not."""
        return self.response is None

    @property
    def status(self) -> int:
        """The status, 0 where there is none."""
        return self.response.status_code if self.response is not None else 0

    @property
    def body(self) -> Any:
        """What the body says."""
        return self.response.json()

    def seen(self, tag: str | None) -> Seen:
        """Return the version that the headers tell of."""
        return Seen(version_of(self.response.headers["etag"]), tag)


class Clients:
    """Sends each request to one of the processes; ``impatience`` is the share of requests that hang up early."""

    def __init__(self, clients: list[httpx.AsyncClient], chance: random.Random, impatience: float) -> None:
        self.faults: list[str] = []
        """What the service said of its own faults."""
        self._clients = clients
        self._chance = chance
        self._impatience = impatience

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Return the answer, which may be lost."""
        content = orjson.dumps(body) if body is not None else None
        options: dict[str, Any] = {"content": content, "headers": {n.replace("_", "-"): v for n, v in headers.items()}}
        if self._chance.random() < self._impatience:
            options["timeout"] = self._chance.uniform(0.001, HURRY)
        client = self._chance.choice(self._clients)
        try:
            response = await client.request(method, path, **options)
        except httpx.ConnectError:  # nothing was sent: another process may answer
            await asyncio.sleep(0.01)
            return Answer(None)
        except httpx.TransportError:
            return Answer(None)
        if response.status_code == 503:
            issues_of(response)
            assert response.headers["retry-after"]
            return Answer(None)
        if response.status_code == 500:
            self.faults.append(response.json()["issue"][0]["diagnostics"])
            return Answer(None)
        return Answer(response)

    async def insist(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Return the answer to a request that may be sent again, which it is until there is one."""
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = await self.send(method, path, body, **headers)
            if not answer.lost:
                return answer
            assert time.monotonic() < deadline, f"no answer to {method} {path}"


def version_of(etag: str) -> int:
    """Return the version that an ETag names."""
    return int(etag.removeprefix('W/"').removesuffix('"'))


def seen_in(resource: Json) -> Seen:
    """Return the version that a resource says it is."""
    meta = resource["meta"]
    return Seen(int(meta["versionId"]), tag_of(resource), meta["lastUpdated"])


def tag_of(resource: Json) -> str:
    """Return the tag of the write that stored a resource."""
    return resource["title"] if resource["resourceType"] == "CarePlan" else resource["description"]["text"]


def history_in(bundle: Json) -> list[Seen]:
    """Return the versions that a history shows, in its order."""
    assert "next" not in [link["relation"] for link in bundle["link"]]
    return [_entry(entry) for entry in bundle["entry"]]


def _entry(entry: Json) -> Seen:
    response = entry["response"]
    version, moment = version_of(response["etag"]), response["lastModified"]
    if "resource" not in entry:
        return Seen(version, None, moment)
    seen = seen_in(entry["resource"])
    assert (seen.version, seen.moment) == (version, moment)
    return seen
