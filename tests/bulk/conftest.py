"""A service that holds a few records, some of them changed and deleted in the meantime."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from service.settings import Settings
from tests.support.app import client_of
from tests.support.exports import Clock, export
from tests.support.resources import Json, care_plan, created, goal, risk_assessment

ANN, BEN, CLEO = ({"reference": f"Patient/{name}"} for name in ("ann", "ben", "cleo"))
NUMBER = {"identifier": {"system": "urn:example:numbers", "value": "12,5"}}
GROUP = {"reference": "Group/choir"}


def provenance(*targets: str) -> Json:
    """Return the Provenance of ``targets``."""
    return {
        "resourceType": "Provenance",
        "target": [{"reference": each} for each in targets],
        "recorded": "2026-11-20T10:00:00Z",
        "agent": [{"who": {"display": "a worker"}}],
    }


FIRST: dict[str, Json] = {
    "CarePlan/ann": care_plan(subject=ANN, title="Swimming again"),
    "CarePlan/ben": care_plan(subject=BEN, title="A key of my own"),
    "CarePlan/choir": care_plan(subject=GROUP, title="The choir"),
    "Goal/ann-1": goal(subject=ANN, priority={"text": "high"}),
    "Goal/ann-2": goal(subject=ANN, lifecycleStatus="completed"),
    "Goal/ann-gone": goal(subject=ANN),
    "Goal/ben-1": goal(subject={"reference": "https://elsewhere.example.org/fhir/Patient/ben"}),
    "Goal/number": goal(subject=NUMBER),
    "Goal/choir": goal(subject=GROUP),
    "RiskAssessment/ben": risk_assessment(subject=BEN),
    "Provenance/of-ann": provenance("CarePlan/ann", "Goal/ann-1"),
    "Provenance/of-ann-gone": provenance("Goal/ann-gone/_history/1"),
    "Provenance/of-ben": provenance("RiskAssessment/ben"),
    "Provenance/of-choir": provenance("Goal/choir", "https://elsewhere.example.org/fhir/Goal/ann-1"),
    "Provenance/of-cleo": provenance("Patient/cleo"),
}
CHANGED = {"Goal/ann-1": goal(subject=ANN, priority={"text": "low"}), "Goal/new": goal(subject=BEN)}
GONE = "Goal/ann-gone"
NOW = FIRST.keys() - {GONE} | CHANGED.keys()
OF_ANN = {"CarePlan/ann", "Goal/ann-1", "Goal/ann-2", "Provenance/of-ann", "Provenance/of-ann-gone"}
OF_THE_CHOIR = {"CarePlan/choir", "Goal/choir", "Provenance/of-choir"}


@dataclass
class Records:
    """What there is, and who tells of it."""

    client: httpx.AsyncClient
    clock: Clock
    moment: str
    """The transactionTime of an export before what was changed last."""


@pytest.fixture(scope="package")
async def records(mongodb_uri: str) -> AsyncIterator[Records]:
    """A service with records that no test changes, with files of two resources."""
    settings = Settings(mongodb_uri=mongodb_uri, mongodb_database="test_bulk", export_file_resources=2)
    clock = Clock()
    ids: list[str] = []
    async with client_of(settings, clock=clock, new_id=ids.pop) as client:
        for name, resource in FIRST.items():
            if name.startswith("Provenance/"):
                ids.append(name.removeprefix("Provenance/"))
                await created(client, resource)
            else:
                await stored(client, name, resource)
        clock.settle()
        moment = (await export(client)).moment
        for name, resource in CHANGED.items():
            await stored(client, name, resource)
        assert (await client.delete(f"/{GONE}")).status_code == 204
        clock.settle()
        yield Records(client, clock, moment)


async def stored(client: httpx.AsyncClient, name: str, resource: Json) -> None:
    """Store ``resource`` as ``Type/id``."""
    answer = await client.put(f"/{name}", json={**resource, "id": name.partition("/")[2]})
    assert answer.status_code in (200, 201), answer.text
