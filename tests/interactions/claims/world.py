"""The running service with what it says of itself, and resources of every type to try its claims on."""

import itertools
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx

from service.fhir.datetimes import instant

Json = dict[str, Any]

TAGS = "http://example.org/claims"
REFUSED = (404, 405)
_words = (f"tried-{uuid.uuid4().hex[:6]}-{number}" for number in itertools.count())


class World:
    """A client of the service below its FHIR address, and its CapabilityStatement."""

    def __init__(self, client: httpx.AsyncClient, statement: Json) -> None:
        self.client = client
        self.statement = statement
        (self.rest,) = statement["rest"]
        self.types = {item["type"]: item for item in self.rest["resource"]}
        self._begun = instant(datetime.now(UTC))

    def claims(self, name: str, interaction: str) -> bool:
        """Return whether an interaction is claimed for a type."""
        return any(item["code"] == interaction for item in self.types[name].get("interaction", ()))

    def claimed_anywhere(self, member: str, key: str | None = None) -> set[str]:
        """Return what any type has in a list, by ``key`` where its items are objects."""
        found = (item for of_type in self.types.values() for item in of_type.get(member, ()))
        return {item if key is None else item[key] for item in found}

    async def ask(self, method: str, address: str, status: int | tuple[int, ...] = 200, **more: Any) -> httpx.Response:
        """Return the answer, which must have one of the statuses; what is refused must say why."""
        answer = await self.client.request(method, f"/{address}" if address else "", **more)
        statuses = (status,) if isinstance(status, int) else status
        assert answer.status_code in statuses, (method, address, answer.status_code, answer.text[:1000])
        if answer.status_code >= 400:
            assert answer.json()["issue"][0]["severity"] == "error"
        return answer

    async def read(self, address: str) -> Json:
        """Return the resource at ``address``."""
        found: Json = (await self.ask("GET", address)).json()
        return found

    async def existing(self, name: str) -> Json:
        """Return some resource of a type that is there."""
        return (await self.read(f"{name}?_count=1"))["entry"][0]["resource"]

    async def new(self, name: str) -> Json:
        """Return content of a type that differs from all there is, by a tag of its own."""
        sample = await self.existing(name)
        content = {key: item for key, item in sample.items() if key not in ("id", "meta")}
        return {**content, "meta": {"tag": [{"system": TAGS, "code": next(_words)}]}}

    async def stored(self, name: str, content: Json | None = None) -> Json:
        """Return a new resource of a type, as the service has stored it."""
        answer = await self.ask("POST", name, 201, json=content or await self.new(name))
        made: Json = answer.json()
        return made

    async def stored_twice(self, name: str) -> Json:
        """Return a new resource of a type: its second version, where there can be one; a definition is as it is."""
        if not self.claims(name, "create"):
            return await self.existing(name)
        first = await self.stored(name)
        if not self.claims(name, "update"):
            return first
        second: Json = (await self.ask("PUT", address_of(first), json=changed(first), headers=current(first))).json()
        return second

    async def count(self, criteria: str) -> int:
        """Return how many resources a search finds; of AuditEvents, which each request adds to, only earlier ones."""
        separator = "&" if "?" in criteria else "?"
        earlier = f"_lastUpdated=lt{self._begun}&" if criteria.startswith("AuditEvent") else ""
        return int((await self.read(f"{criteria}{separator}{earlier}_summary=count"))["total"])


def changed(resource: Json) -> Json:
    """Return ``resource`` with one tag more."""
    meta = resource["meta"]
    return {**resource, "meta": {**meta, "tag": [*meta.get("tag", []), {"system": TAGS, "code": next(_words)}]}}


def own_tag(resource: Json) -> str:
    """Return the search by which ``resource`` alone is found."""
    (tag,) = resource["meta"]["tag"]
    return f"_tag={tag['system']}|{tag['code']}"


def current(resource: Json) -> dict[str, str]:
    """Return the header that says that this version is meant."""
    return {"If-Match": f'W/"{resource["meta"]["versionId"]}"'}


def address_of(resource: Json) -> str:
    """Return ``Type/id``."""
    return f"{resource['resourceType']}/{resource['id']}"
