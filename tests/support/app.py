"""The service in this process, on a real database, as an HTTP client sees it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from pymongo import AsyncMongoClient

from service.app import create_app
from service.settings import Settings

FHIR_JSON = "application/fhir+json"


@asynccontextmanager
async def client_of(settings: Settings, *, path: str = "/fhir/R4", **parts: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the service that ``settings`` describe, and drop its database at the end."""
    app = create_app(settings, **parts)
    transport = httpx.ASGITransport(app)
    headers = {"Content-Type": FHIR_JSON}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=f"http://testserver{path}", headers=headers) as client,
    ):
        yield client
    async with AsyncMongoClient(settings.mongodb_uri) as database:
        await database.drop_database(settings.mongodb_database)
