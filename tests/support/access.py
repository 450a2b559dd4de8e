"""Another process on the records of a test, whose clients have an access of the test's choice."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx

from service.app import create_app
from service.interactions.clients import Clients
from service.interactions.context import Context
from service.security.access import Access, Permission
from service.security.client import Client
from service.settings import Settings
from tests.support.app import FHIR_JSON


class Whole(Access):
    """The access to every resource, for a client that may not do everything with it; tests say what."""

    client = Client(patient="example-robin", user="Patient/example-robin")
    is_limited = False

    def __init__(self, **rights: bool) -> None:
        for name, value in rights.items():
            setattr(self, name, value)

    def seen(self, permission: Permission, resource_type: str) -> None:
        """Return that nothing is kept from the client."""
        return

    def admits(self, permission: Permission, resource_type: str, document: dict[str, Any]) -> bool:
        """Return that everything is admitted."""
        return True


@asynccontextmanager
async def service_for(settings: Settings, access: Access) -> AsyncIterator[tuple[httpx.AsyncClient, Context]]:
    """Give a client of a service whose clients all have ``access``, and what it works with; the records stay."""
    app = create_app(settings)
    headers = {"Content-Type": FHIR_JSON}
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://testserver/fhir/R4", headers=headers) as client,
    ):
        context = replace(app.endpoint.context, access=access)
        app.endpoint.clients = Clients(context, lambda _: access)
        yield client, context
