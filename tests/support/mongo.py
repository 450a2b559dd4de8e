"""The real MongoDB that the tests run on: one embedded server for a test session."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pymongo import MongoClient

from service.embedded import EmbeddedMongo

_MILLISECONDS = 20
"""Between writes to the journal; each database that a test drops is waited for until the next one."""


@contextmanager
def embedded_mongo(directory: Path) -> Iterator[EmbeddedMongo]:
    """Yield a running server with its data in ``directory``; it fails, never skips, when it cannot start."""
    with EmbeddedMongo(directory) as mongo:
        with MongoClient(mongo.uri) as client:
            client.admin.command({"setParameter": 1, "journalCommitInterval": _MILLISECONDS})
        yield mongo
