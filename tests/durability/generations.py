"""A plan, its goals and who contributed them, which transactions take from one generation to the next as a whole."""

from dataclasses import dataclass
from typing import Any

import httpx
from pymongo.asynchronous.database import AsyncDatabase

from tests.durability.clients import version_of
from tests.support.resources import Json, care_plan, entry, goal, new_urn, transaction

STEPS = "https://example.org/generations/steps"
"""The system of identifiers of what each generation adds."""
NOW = "https://example.org/generations/now"
"""The system of the identifier that the goal of the current generation has, and by which the index finds it."""


@dataclass(frozen=True, slots=True)
class Family:
    """The resources of one name; its generation is how often a transaction has changed all of them."""

    name: str

    def transaction(self, generation: int, *further: Json) -> Json:
        """Return the Bundle that leads to ``generation`` from the one before."""
        plan, aim, current = f"CarePlan/{self.name}", f"Goal/{self.name}", f"{self.name}-{generation}"
        before = f"{self.name}-{generation - 1}"
        named = [{"system": NOW, "value": current}]
        entries = [
            entry("PUT", plan, care_plan(id=self.name, title=str(generation), identifier=named)),
            entry("PUT", aim, goal(id=self.name, description={"text": str(generation)}, identifier=named)),
            entry("PUT", f"Goal/{current}", goal(id=current)),
            entry("DELETE", f"Goal/{before}"),
            entry("POST", "Goal", goal(identifier=[{"system": STEPS, "value": self.name}]), new_urn()),
            entry("POST", "Provenance", self._provenance(), new_urn()),
        ]
        return transaction(*entries, *further)

    def _provenance(self) -> Json:
        return {
            "resourceType": "Provenance",
            "target": [{"reference": f"Goal/{self.name}"}],
            "recorded": "2026-11-01T09:30:00Z",
            "agent": [{"who": {"reference": "Patient/example"}}],
        }

    async def seen_by_client(self, client: httpx.AsyncClient) -> set[int] | None:
        """Return the generations that one transaction of reads shows, None where there was no answer."""
        plan, aim = f"CarePlan/{self.name}", f"Goal/{self.name}"
        counts = [f"Goal?identifier={STEPS}|{self.name}&_summary=count", f"Provenance?target={aim}&_summary=count"]
        urls = [plan, aim, f"{plan}/_history", f"{aim}/_history", *counts]
        try:
            response = await client.post("", json=transaction(*(entry("GET", url) for url in urls)))
        except httpx.TransportError:
            return None
        if response.status_code in (409, 503):
            return None
        if response.status_code == 404:
            return {0}
        assert response.status_code == 200, response.text
        read, told, *bundles = [item["resource"] for item in response.json()["entry"]]
        return {
            int(read["title"]),
            int(read["meta"]["versionId"]),
            int(told["description"]["text"]),
            int(told["meta"]["versionId"]),
            *(bundle["total"] for bundle in bundles),
            *(version_of(bundle["entry"][0]["response"]["etag"]) for bundle in bundles[:2]),
        }

    async def seen_in_database(self, database: AsyncDatabase[Json]) -> set[int]:
        """Return the generations that one snapshot of the database shows."""
        mine = {"_id.id": self.name}
        of_steps = {"resource.identifier": {"system": STEPS, "value": self.name}}
        about = {"resource.target.reference": f"Goal/{self.name}"}
        async with database.client.start_session(snapshot=True) as session:

            async def one(collection: str) -> dict[str, Any]:
                found = await database[collection].find_one({"_id": self.name}, session=session)
                return found or {"version": 0, "resource": {"title": "0", "description": {"text": "0"}}}

            async def count(collection: str, query: Json) -> int:
                return len([each async for each in database[collection].find(query, {"_id": 1}, session=session)])

            plan, aim = await one("CarePlan"), await one("Goal")
            earlier = [await count(f"{each}_history", mine) for each in ("CarePlan", "Goal")]
            added = [await count("Goal", of_steps), await count("Provenance", about)]
            newest = await database["Goal"].find_one(
                {"_id": {"$regex": f"^{self.name}-"}, "deleted": False}, session=session
            )
            return {
                plan["version"],
                int(plan["resource"]["title"]),
                aim["version"],
                int(aim["resource"]["description"]["text"]),
                *(number + 1 if plan["version"] else 0 for number in earlier),
                *added,
                int(newest["_id"].removeprefix(f"{self.name}-")) if newest else 0,
            }
