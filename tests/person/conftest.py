"""Two people whose records touch each other, and the commands as they run in another process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import bson
import httpx
import pytest
from pymongo import AsyncMongoClient

from service.person.session import Session, opened
from service.settings import Settings
from tests.support.app import client_of

ANN, BEN = {"reference": "Patient/ann"}, {"reference": "Patient/ben"}
RECORDS = "https://records.example.org/fhir"
SECRET = "I have never told anybody"


@dataclass
class Records:
    """A service, what is under it, and the commands beside it."""

    client: httpx.AsyncClient
    settings: Settings
    database: Any

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Give what a command works with."""
        async with opened(self.settings, str(self.settings.mongodb_uri)) as session:
            yield session

    async def everything(self) -> dict[str, list[bytes]]:
        """Return all documents by collection, as they lie in the database."""
        names = await self.database.list_collection_names()
        return {name: [bson.encode(each) async for each in self.database[name].find()] for name in names}

    async def told(self, text: str) -> list[str]:
        """Return the collections in which ``text`` is found."""
        found = await self.everything()
        return sorted(name for name, each in found.items() if any(text.encode() in one for one in each))


@pytest.fixture
async def records(settings: Settings) -> AsyncIterator[Records]:
    changed = settings.model_copy(update={"patient_bases": (RECORDS,), "references": "never"})
    async with client_of(changed) as client, AsyncMongoClient[dict[str, Any]](str(settings.mongodb_uri)) as mongo:
        yield Records(client, changed, mongo[settings.mongodb_database])
