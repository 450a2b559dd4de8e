"""A service that holds plans, goals and risk assessments of two people, some of them changed and deleted meanwhile."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from service.settings import Settings
from tests.support.app import client_of
from tests.support.exports import Clock
from tests.support.resources import Json, care_plan, goal, risk_assessment

RUN = "/$viewdefinition-run"
ANN, BEN = {"reference": "Patient/ann"}, {"reference": "http://testserver/fhir/R4/Patient/ben"}
ELSEWHERE = {"reference": "https://elsewhere.example.org/fhir/Patient/cleo"}
FORMULA = '=HYPERLINK("http://example.org";"a, b")\nsecond line'
FIRST: dict[str, Json] = {
    "Goal/ann-1": goal(subject=ANN, description={"text": FORMULA}, startDate="2026-11"),
    "Goal/ann-gone": goal(subject=ANN),
    "Goal/ben-1": goal(subject=BEN, lifecycleStatus="completed"),
    "Goal/cleo-1": goal(subject=ELSEWHERE),
    "CarePlan/ann": care_plan(subject=ANN, title="Swimming again"),
    "RiskAssessment/ben": risk_assessment(
        subject=BEN,
        prediction=[{"outcome": {"text": "A win"}, "probabilityDecimal": 0.8}, {"outcome": {"text": "A loss"}}],
    ),
}


@dataclass
class Tables:
    """The service, and the moment before some of what it holds was changed."""

    client: httpx.AsyncClient
    clock: Clock
    moment: str

    async def run(self, status: int = 200, **parameters: str) -> httpx.Response:
        """Return the answer to a run by GET."""
        answer = await self.client.get(RUN, params=parameters)
        assert answer.status_code == status, answer.text
        return answer


@pytest.fixture(scope="package")
async def tables(mongodb_uri: str) -> AsyncIterator[Tables]:
    """A service whose records no test changes."""
    clock = Clock()
    settings = Settings(mongodb_uri=mongodb_uri, mongodb_database="test_views", base_url="http://testserver")
    async with client_of(settings, clock=clock) as client:
        for name, resource in FIRST.items():
            await stored(client, name, resource)
        clock.settle()
        moment = (await client.get(RUN, params={"view": "goals"})).headers["recovery-transaction-time"]
        await stored(client, "Goal/ann-1", goal(subject=ANN, description={"text": "Read a book"}))
        await stored(client, "Goal/new", goal(subject=ANN))
        assert (await client.delete("/Goal/ann-gone")).status_code == 204
        clock.settle()
        yield Tables(client, clock, moment)


async def stored(client: httpx.AsyncClient, name: str, resource: Json) -> None:
    """Store ``resource`` as ``Type/id``; a decimal of 0.8 as 0.80."""
    body = httpx.Request("PUT", "http://x", json={**resource, "id": name.partition("/")[2]}).content
    answer = await client.put(f"/{name}", content=body.replace(b":0.8}", b":0.80}").replace(b":0.8,", b":0.80,"))
    assert answer.status_code in (200, 201), answer.text
