"""Exports as a Bulk Data client makes them: kick-off, status until it is done, every file; and what comes of chains."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson

from tests.support.resources import Json

ASYNC = {"Prefer": "respond-async"}
LENIENT = {"Prefer": "respond-async, handling=lenient"}
PATIENCE = 60.0
"""Seconds before a test gives up waiting for an export."""
UNSETTLED = timedelta(seconds=40)
"""More than what was written last is held back for."""


class Clock:
    """A clock that goes as any other, and can be moved on."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def settle(self) -> None:
        """Let it be so late that nothing that was written can change any more."""
        self._ahead += UNSETTLED


@dataclass
class Exported:
    """What an export brought."""

    manifest: Json
    files: dict[str, bytes] = field(default_factory=dict)
    """By the address of each file its content."""

    @property
    def moment(self) -> str:
        """The transactionTime."""
        return str(self.manifest["transactionTime"])

    @property
    def resources(self) -> dict[str, bytes]:
        """The JSON texts by ``Type/id``; fails where a resource comes twice, or in a file of another type."""
        found: dict[str, bytes] = {}
        for item in self.manifest["output"]:
            for line in self.lines(item):
                resource = orjson.loads(line)
                name = f"{resource['resourceType']}/{resource['id']}"
                assert resource["resourceType"] == item["type"]
                assert name not in found, f"{name} came twice"
                found[name] = line
        return found

    @property
    def names(self) -> set[str]:
        """``Type/id`` of each resource."""
        return set(self.resources)

    @property
    def deleted(self) -> list[str]:
        """``Type/id`` of what was deleted."""
        bundles = [orjson.loads(line) for item in self.manifest["deleted"] for line in self.lines(item)]
        assert all(each["resourceType"] == "Bundle" and each["type"] == "transaction" for each in bundles)
        requests = [entry["request"] for each in bundles for entry in each["entry"]]
        assert all(each["method"] == "DELETE" for each in requests)
        return [each["url"] for each in requests]

    @property
    def messages(self) -> list[Json]:
        """The issues of the OperationOutcomes in the error files."""
        outcomes = [orjson.loads(line) for item in self.manifest["error"] for line in self.lines(item)]
        return [issue for outcome in outcomes for issue in outcome["issue"]]

    def lines(self, item: Json) -> list[bytes]:
        """Return the lines of a file, which are as many as the manifest says."""
        lines = self.files[item["url"]].splitlines()
        assert len(lines) == item["count"], item
        return lines


async def kick_off(
    client: httpx.AsyncClient,
    path: str = "/$export",
    body: Json | None = None,
    *,
    headers: Any = ASYNC,
    **parameters: Any,
) -> httpx.Response:
    """Return the answer to the kick-off, by GET or with a ``body`` by POST."""
    content = None if body is None else orjson.dumps(body)
    return await client.request("POST" if content else "GET", path, content=content, params=parameters, headers=headers)


async def status(client: httpx.AsyncClient, address: str, headers: Any = None) -> httpx.Response:
    """Return the answer that tells what came of an export, once it is not under way any more."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while (answer := await client.get(address, headers=headers)).status_code == 202:
        assert asyncio.get_running_loop().time() < deadline, answer.headers
        assert len(answer.headers["x-progress"]) <= 100
        assert int(answer.headers["retry-after"]) > 0
        await asyncio.sleep(0.02)
    return answer


async def fetched(client: httpx.AsyncClient, manifest: Json, headers: Any = None) -> Exported:
    """Return the content of all files of a manifest."""
    exported = Exported(manifest)
    for kind in ("output", "deleted", "error"):
        for item in manifest[kind]:
            answer = await client.get(item["url"], headers=headers)
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"] == "application/fhir+ndjson"
            exported.files[item["url"]] = answer.content
    return exported


async def export(
    client: httpx.AsyncClient,
    path: str = "/$export",
    body: Json | None = None,
    *,
    headers: Any = ASYNC,
    **parameters: Any,
) -> Exported:
    """Return all that an export brings."""
    begun = await kick_off(client, path, body, headers=headers, **parameters)
    assert begun.status_code == 202, begun.text
    done = await status(client, begun.headers["content-location"], headers)
    assert done.status_code == 200, done.text
    assert done.headers["content-type"] == "application/json"
    return await fetched(client, done.json(), headers)


def replayed(chain: list[Exported]) -> dict[str, bytes]:
    """Return what somebody holds who took over one export after the other, each asked for since the one before."""
    held: dict[str, bytes] = {}
    for exported in chain:
        resources, deleted = exported.resources, exported.deleted
        assert not set(deleted) & set(resources)
        assert len(deleted) == len(set(deleted))
        for name in deleted:
            held.pop(name, None)
        held.update(resources)
    return held
