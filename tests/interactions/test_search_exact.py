"""Generated resources and queries: the service and the matcher of tests/support agree, always."""

import json
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import AsyncMongoClient

from service.settings import Settings
from tests.support import generated
from tests.support.app import client_of
from tests.support.matcher import Matcher

TYPES = ("CarePlan", "Goal", "RiskAssessment")
PAGES_AT_MOST = 40
bounded = settings(deadline=None, max_examples=25, derandomize=True, suppress_health_check=list(HealthCheck))


class World:
    """A service, and the resources that it holds at the moment."""

    def __init__(self, client: httpx.AsyncClient, database: Any) -> None:
        self.client = client
        self._database = database
        self._matchers = {name: Matcher(name, generated.BASE) for name in TYPES}

    async def hold(self, resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Store exactly ``resources`` and return them as the service gives them back."""
        for name in TYPES:
            await self._database[name].delete_many({})
        entries = [
            {
                "resource": resource | {"id": f"{number:02}"},
                "request": {"method": "PUT", "url": f"{resource['resourceType']}/{number:02}"},
            }
            for number, resource in enumerate(resources)
        ]
        body = orjson.dumps(
            {"resourceType": "Bundle", "type": "batch", "entry": entries},
            default=lambda value: orjson.Fragment(value.text),
            option=orjson.OPT_PASSTHROUGH_SUBCLASS,
        )
        answer = await self.client.post("", content=body, headers={"Prefer": "return=representation"})
        assert answer.status_code == 200, answer.text
        stored = json.loads(answer.content, parse_float=Decimal)["entry"]
        assert [entry["response"]["status"][:3] for entry in stored] == ["201"] * len(stored), answer.text
        return [entry["resource"] for entry in stored]

    async def ids(self, resource_type: str, query: str) -> list[str]:
        """Return the ids of all matches, by following the next links."""
        url: str | None = f"/{resource_type}?{query}"
        found: list[str] = []
        for _ in range(PAGES_AT_MOST):
            answer = await self.client.get(url)
            assert answer.status_code == 200, (url, answer.text)
            page = answer.json()
            found += [entry["resource"]["id"] for entry in page.get("entry", [])]
            following = [link["url"] for link in page["link"] if link["relation"] == "next"]
            if not following:
                return found
            url = following[0].removeprefix(generated.BASE)
        raise AssertionError(f"{resource_type}?{query} has no end")

    def expected(self, resource_type: str, query: str, held: list[dict[str, Any]]) -> list[str]:
        """Return the ids that the matcher finds."""
        return self._matchers[resource_type].ids(query, held)


@pytest.fixture(scope="module")
async def world(mongodb_uri: str) -> AsyncIterator[World]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    own = Settings(mongodb_uri=mongodb_uri, mongodb_database=name, base_url=generated.BASE.removesuffix("/fhir/R4"))
    async with client_of(own) as client, AsyncMongoClient(mongodb_uri) as mongo:
        yield World(client, mongo[name])


@pytest.mark.parametrize("resource_type", TYPES)
@bounded
@given(data=st.data())
async def test_what_is_found_is_what_the_specification_says(
    world: World, resource_type: str, data: st.DataObject
) -> None:
    held = await world.hold(data.draw(st.lists(generated.resources[resource_type], min_size=1, max_size=10)))
    for query in data.draw(st.lists(generated.criteria(resource_type), min_size=20, max_size=20)):
        found = await world.ids(resource_type, query)
        assert (query, found) == (query, world.expected(resource_type, query, held))


@pytest.mark.parametrize("resource_type", TYPES)
@bounded
@given(data=st.data())
async def test_any_order_is_kept_over_any_pages(world: World, resource_type: str, data: st.DataObject) -> None:
    held = await world.hold(data.draw(st.lists(generated.resources[resource_type], min_size=1, max_size=10)))
    for order in data.draw(st.lists(generated.orders(resource_type), min_size=8, max_size=8)):
        count = data.draw(st.integers(1, 4))
        found = await world.ids(resource_type, f"_sort={order}&_count={count}")
        assert (order, found) == (order, world.expected(resource_type, f"_sort={order}", held))
