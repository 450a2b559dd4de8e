"""The real MongoDB that the tests run on: one embedded server for a test session."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.embedded import EmbeddedMongo


@contextmanager
def embedded_mongo(directory: Path) -> Iterator[EmbeddedMongo]:
    """Yield a running server with its data in ``directory``; it fails, never skips, when it cannot start."""
    with EmbeddedMongo(directory) as mongo:
        yield mongo
