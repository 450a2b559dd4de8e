"""Fill a MongoDB with the documents of a population: first all documents, then the indexes, as the service makes them.

The documents go into a ``mongod`` that belongs to no replica set, and so writes no oplog. Then the directory becomes
that of an embedded MongoDB, in which the service's own ``prepare`` makes the indexes.
"""

import multiprocessing
import os
import socket
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import click
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from service.compiled import Compiled
from service.conformance.definitions import Definitions
from service.embedded import launch
from service.embedded.binary import find_mongod
from service.fhir.versions import R4
from service.settings import Settings
from service.store.driver import Driver
from service.store.open import prepare
from tests.bench.search.generator import Generator
from tests.bench.search.population import Written

DATABASE = "recovery_plan"
_PROCESSES = 2
_PLANS_AT_ONCE = 400
_CACHE_GB = 3
_INDEX_MEMORY_MB = 1_500
_STOP_PATIENCE = 600.0

Chunk = tuple[int, list[Written]]
"""The number of the first plan, and plans."""


@cache
def compiled() -> Compiled:
    """Return what the definitions say for the settings of the bench."""
    return Compiled(Definitions(R4), Settings(mongodb_database=DATABASE), lambda: datetime.now(UTC))


def load(files: Path, seed: int, plans: Sequence[Written]) -> None:
    """Put all documents of ``plans`` into the data files of a MongoDB in the empty directory ``files``."""
    chunks = [(start, list(plans[start : start + _PLANS_AT_ONCE])) for start in range(0, len(plans), _PLANS_AT_ONCE)]
    with _loading_mongod(files) as port:
        processes = min(_PROCESSES, len(chunks))
        with (
            multiprocessing.get_context("spawn").Pool(processes, _begin, (port, seed)) as pool,
            _progress(len(plans), "documents of plans") as bar,
        ):
            for done in pool.imap_unordered(_insert, chunks):
                bar.update(done)
        with MongoClient[dict[str, Any]]("127.0.0.1", port, directConnection=True) as client:
            client.admin.command("fsync")


async def make_indexes(uri: str) -> None:
    """Make collections and indexes as the service does when it starts, with more memory to sort in.

    Indexes that an earlier state of the service has left are dropped, which the service itself never does.
    """
    driver = Driver("pymongo", uri, DATABASE)
    try:
        admin = driver.database.client.admin
        await admin.command({"setParameter": 1, "maxIndexBuildMemoryUsageMegabytes": _INDEX_MEMORY_MB})
        for name, indexed in compiled().indexed_types.items():
            collection = driver.collection(name)
            wanted = {"_id_", *(index.model.document["name"] for index in indexed.indexes)}
            for left in (await collection.index_information()).keys() - wanted:
                await collection.drop_index(left)
        await prepare(driver, compiled().indexed_types)
    finally:
        await driver.close()


class _Worker:
    """What one process of the pool works with."""

    def __init__(self, port: int, seed: int) -> None:
        codec = Driver("pymongo", "mongodb://127.0.0.1", DATABASE).database.codec_options
        self.generator = Generator(seed, compiled().indexed_types, codec)
        self.database = MongoClient[RawBSONDocument]("127.0.0.1", port, directConnection=True)[DATABASE]


_workers: list[_Worker] = []


def _begin(port: int, seed: int) -> None:
    _workers.append(_Worker(port, seed))


def _insert(chunk: Chunk) -> int:
    """Insert the documents of the chunk and return the number of its plans."""
    (worker,) = _workers
    start, plans = chunk
    documents: dict[str, list[RawBSONDocument]] = defaultdict(list)
    for number, written in enumerate(plans, start):
        for collection, encoded in worker.generator.documents(number, written):
            documents[collection].append(RawBSONDocument(encoded))
    for collection, found in documents.items():
        worker.database[collection].insert_many(found, ordered=False)
    return len(plans)


@contextmanager
def _loading_mongod(files: Path) -> Iterator[int]:
    """Yield the port of a ``mongod`` on its own until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    files.mkdir(parents=True)
    command = [
        *(sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), str(find_mongod())),
        *("--bind_ip", "127.0.0.1", "--port", str(port), "--nounixsocket", "--dbpath", str(files)),
        *("--logpath", str(files.parent / "loading.log"), "--quiet", "--wiredTigerCacheSizeGB", str(_CACHE_GB)),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
    ]
    environment = {**os.environ, "LC_ALL": "C"}  # mongod refuses to start under an unknown locale
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment)
    try:
        _await_answer(port)
        yield port
    finally:
        process.terminate()
        process.wait(_STOP_PATIENCE)


def _await_answer(port: int) -> None:
    with MongoClient[dict[str, Any]](
        "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=60_000
    ) as client:
        client.admin.command("ping")


def _progress(length: int, label: str) -> Any:
    return click.progressbar(length=length, label=f"{length:,} {label}", file=sys.stderr)
