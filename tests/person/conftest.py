"""Two people whose records touch each other, and the commands as they run in another process."""

import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bson
import httpx
import pytest
from pymongo import AsyncMongoClient

from service.commands.person import erase
from service.commands.person.session import Session, opened
from service.settings import Settings
from tests.support.app import client_of
from tests.support.service import COMMAND

ANN, BEN = {"reference": "Patient/ann"}, {"reference": "Patient/ben"}
RECORDS = "https://records.example.org/fhir"
SECRET = "I have never told anybody"


@dataclass
class Records:
    """A service, what is under it, and the commands beside it."""

    client: httpx.AsyncClient
    settings: Settings
    database: Any
    session: Session
    """What a command works with."""

    async def everything(self) -> dict[str, list[bytes]]:
        """Return all documents by collection, as they lie in the database."""
        names = await self.database.list_collection_names()
        return {name: [bson.encode(each) async for each in self.database[name].find()] for name in names}

    async def told(self, text: str) -> list[str]:
        """Return the collections in which ``text`` is found."""
        found = await self.everything()
        return sorted(name for name, each in found.items() if any(text.encode() in one for one in each))


def started(records: Records, data: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Return a command as a process of its own."""
    settings = records.settings
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RECOVERY_")} | {
        "RECOVERY_MONGODB_URI": str(settings.mongodb_uri),
        "RECOVERY_MONGODB_DATABASE": settings.mongodb_database,
        "RECOVERY_AUDIT_KEY": str(settings.audit_key),
    }
    command = [*COMMAND, "person", *arguments, "--reason", "She asked for it", "--yes", "--data", str(data)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.fixture(scope="session")
async def people(mongodb_uri: str) -> AsyncIterator[Records]:
    name = "test_people"
    settings = Settings(mongodb_uri=mongodb_uri, mongodb_database=name, patient_bases=(RECORDS,), references="never")
    async with (
        client_of(settings) as client,
        AsyncMongoClient[dict[str, Any]](mongodb_uri) as mongo,
        opened(settings, mongodb_uri) as session,
    ):
        yield Records(client, settings, mongo[name], session)


@pytest.fixture
async def records(people: Records, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Records]:
    """Records that are empty, but for the audit, of a service that goes on from test to test."""
    monkeypatch.setattr(erase, "SETTLING", 0.05)
    yield people
    for name in await people.database.list_collection_names():
        if name != "service" and not name.startswith("audit"):
            await people.database[name].delete_many({})
