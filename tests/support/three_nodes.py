"""A replica set of three real ``mongod`` on this machine, whose primary can step down, die, or fail at a command."""

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pymongo import AsyncMongoClient, MongoClient, WriteConcern
from pymongo.errors import PyMongoError

from service.embedded import launch
from service.embedded.binary import find_mongod
from tests.support.service import free_port

SET = "three"
PATIENCE = 60.0
"""Seconds before a test gives up waiting for the set."""
OF_THE_SERVICE = "recovery-plan-under-test"
"""The name by which fail points know the connections of the service, and spare those of the test."""
USUAL_SECONDS = 3
"""Seconds that a transaction may last, after which the set lets go of what a killed service held (default 60)."""
_OPTIONS = (
    *("--replSet", SET, "--bind_ip", "127.0.0.1", "--nounixsocket", "--quiet", "--noscripting"),
    *("--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "256"),
    *("--setParameter", "enableTestCommands=1", "--setParameter", "diagnosticDataCollectionEnabled=false"),
    *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"),
    *("--setParameter", f"transactionLifetimeLimitSeconds={USUAL_SECONDS}"),
)
_ELECTIONS = {"electionTimeoutMillis": 2_000, "heartbeatIntervalMillis": 200}

Document = dict[str, Any]


class Node:
    """One member: a process that can be killed and started again on its files."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the process; it ends with this one."""
        self._directory.mkdir(exist_ok=True)
        place = ("--port", str(self.port), "--dbpath", str(self._directory), "--logpath", str(self.log), "--logappend")
        launcher = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid())]
        self._process = subprocess.Popen(
            [*launcher, str(find_mongod()), *_OPTIONS, *place],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def log(self) -> Path:
        """The log file, which pytest keeps for some sessions."""
        return self._directory.with_suffix(".log")

    def kill(self) -> None:
        """End the process at once, and wait for its end."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)
            self._process = None

    def check(self) -> None:
        """Fail unless the process runs."""
        assert self._process is not None, f"the mongod on {self.address} has not been started"
        assert self._process.poll() is None, f"a mongod ended with {self._process.returncode}: see {self.log}"


class ThreeNodes:
    """The set; the methods that return a coroutine wait until what they say holds."""

    def __init__(self, directory: Path) -> None:
        self.nodes = [Node(directory / f"node{number}") for number in range(3)]
        self.client: AsyncMongoClient[Document] = AsyncMongoClient(
            self._uri(serverSelectionTimeoutMS="120000"), tz_aware=True, connect=False
        )
        """A client of the test itself, whom fail points spare."""

    @property
    def uri(self) -> str:
        """The connection string of the service."""
        return self._uri(appName=OF_THE_SERVICE, serverSelectionTimeoutMS="10000")

    def _uri(self, **options: str) -> str:
        addresses = ",".join(node.address for node in self.nodes)
        return f"mongodb://{addresses}/?{urlencode({'replicaSet': SET, **options})}"

    def start(self) -> None:
        """Start three members and return when one is the primary that takes writes."""
        for node in self.nodes:
            node.start()
        members = [{"_id": number, "host": node.address} for number, node in enumerate(self.nodes)]
        config = {"_id": SET, "members": members, "settings": _ELECTIONS}
        _until_done(lambda: self._initiate(config), self.nodes)

    def _initiate(self, config: Document) -> None:
        with MongoClient("127.0.0.1", self.nodes[0].port, directConnection=True, serverSelectionTimeoutMS=500) as one:
            if not one.admin.command("hello").get("setName"):
                one.admin.command("replSetInitiate", config)
        with MongoClient(self._uri(serverSelectionTimeoutMS="10000")) as whole:
            fenced = whole.get_database("fence", write_concern=WriteConcern("majority", j=True))
            fenced["fence"].update_one({"_id": 0}, {"$inc": {"n": 1}}, upsert=True)

    def stop(self) -> None:
        """End all members; their data are of no more use."""
        for node in self.nodes:
            node.kill()

    async def fence(self) -> None:
        """Return when the primary has committed a write of its own: from then on it shows all that was acknowledged.

        A majority read of a new primary may still show an older state until then.
        """
        fenced = self.client.get_database("fence", write_concern=WriteConcern("majority", j=True))
        await fenced["fence"].update_one({"_id": 0}, {"$inc": {"n": 1}}, upsert=True)

    async def primary(self) -> Node:
        """Return the member that takes writes now."""
        deadline = time.monotonic() + PATIENCE
        address = None
        while address is None:
            assert time.monotonic() < deadline, "no primary"
            await self.client.admin.command("ping")
            address = await self.client.primary
        return next(node for node in self.nodes if node.port == address[1])

    async def step_down(self) -> None:
        """Make the primary step down, and return when the one that took its place has all that was acknowledged."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                await self.client.admin.command("replSetStepDown", 2, secondaryCatchUpPeriodSecs=1)
                break
            except PyMongoError:  # no secondary has caught up yet, or an election was faster
                if time.monotonic() > deadline:
                    raise
        await self.fence()

    async def lose_primary(self) -> None:
        """Kill the primary, start it again and return when the set takes writes."""
        node = await self.primary()
        node.kill()
        try:
            await self.fence()
        finally:
            node.start()

    async def let_transactions_last(self, seconds: int) -> None:
        """Set how long a transaction may last."""
        for node in self.nodes:
            async with AsyncMongoClient("127.0.0.1", node.port, directConnection=True) as client:
                await client.admin.command({"setParameter": 1, "transactionLifetimeLimitSeconds": seconds})

    @asynccontextmanager
    async def failing(self, *commands: str, times: int = 1, **how: Any) -> AsyncIterator["FailPoint"]:
        """Let the next ``times`` of these commands of the service fail at the primary as ``how`` says.

        ``how`` are the data of MongoDB's fail point failCommand.
        """
        data = {"failCommands": list(commands), "appName": OF_THE_SERVICE, **how}
        node = await self.primary()
        async with AsyncMongoClient("127.0.0.1", node.port, directConnection=True) as client:
            command = {"configureFailPoint": "failCommand", "mode": {"times": times}, "data": data}
            before = (await client.admin.command(command))["count"]
            point = FailPoint(client, before)
            try:
                yield point
            finally:
                await client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})


class FailPoint:
    """A fail point that is set."""

    def __init__(self, client: AsyncMongoClient[Document], before: int) -> None:
        self._client = client
        self._before = before

    async def entered(self, times: int = 1) -> None:
        """Return when the service has run into it so often; fails after PATIENCE."""
        wanted = {"waitForFailPoint": "failCommand", "timesEntered": self._before + times}
        await self._client.admin.command(wanted | {"maxTimeMS": int(PATIENCE * 1000)})


def _until_done(step: Any, nodes: list[Node]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return step()
        except PyMongoError:
            for node in nodes:
                node.check()
            assert time.monotonic() < deadline, f"the set does not start: see {nodes[0].log}"
            time.sleep(0.02)


@asynccontextmanager
async def three_nodes(directory: Path) -> AsyncIterator[ThreeNodes]:
    """Give a running set with its files in ``directory``; it fails, never skips, when it cannot start."""
    nodes = ThreeNodes(directory)
    try:
        nodes.start()
        async with nodes.client:
            yield nodes
    finally:
        nodes.stop()
