"""What every test may ask for."""

from collections.abc import Iterator

import pytest

from tests.support.mongo import embedded_mongo


@pytest.fixture(scope="session")
def mongodb_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of a real one-node replica set that lives as long as the test session."""
    with embedded_mongo(tmp_path_factory.mktemp("mongodb")) as mongo:
        yield mongo.uri
