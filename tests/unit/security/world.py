"""The service's definitions with an address of its own and one more address of patients, and what makes access."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from service.compiled import Compiled
from service.conformance.definitions import Definitions
from service.fhir.versions import R4
from service.security.access import Access
from service.security.client import Client
from service.settings import Settings

OWN = "https://plans.example.org/fhir/R4"
LISTED = "https://records.example.org/fhir"
OTHER = "https://other.example.net/fhir"
WORKER = "Practitioner/worker"


@cache
def compiled() -> Compiled:
    settings = Settings(base_url="https://plans.example.org", patient_bases=(LISTED,))
    return Compiled(Definitions(R4), settings, lambda: datetime(2026, 11, 1, 9, 30, tzinfo=UTC))


def access_of(*scopes: str, **claims: Any) -> Access:
    """Return the access of a client whose token has these scopes and claims."""
    held = frozenset(claims.pop("clearances", ()))
    return compiled().accesses.of(Client(issuer="https://id.example.org", scopes=scopes, clearances=held, **claims))


def stored(resource: dict[str, Any]) -> dict[str, Any]:
    """Return the stored form of a resource, as far as access is decided by it."""
    indexed = compiled().indexed_types[resource["resourceType"]]
    complete = {**resource, "meta": {"lastUpdated": "2026-11-01T09:30:00.000Z", **resource.get("meta", {})}}
    return {"_id": resource["id"], "version": 1, "deleted": False, **indexed.indexer(complete)}
