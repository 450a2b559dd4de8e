"""Clients that may not follow every reference of a resource change it all the same, and add none beyond their sight."""

from collections.abc import AsyncIterator

import httpx
import pytest

from service.settings import Settings
from tests.support import recovery
from tests.support.app import client_of
from tests.support.issuer import bearer, token_settings
from tests.support.resources import Json, created, entry, problems, transaction

ROBIN = bearer("patient/CarePlan.rus", patient="example-robin", fhirUser="Patient/example-robin")
WORKER = bearer("user/CarePlan.cruds", fhirUser="Practitioner/worker")


@pytest.fixture(scope="module")
async def client(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    known = token_settings(tmp_path_factory.mktemp("keys"))
    settings = Settings(mongodb_uri=mongodb_uri, mongodb_database="test_kept_references", **known)
    async with client_of(settings) as found:
        found.headers.update(bearer("system/*.cruds", clearance="*"))
        yield found


@pytest.fixture
async def plan(client: httpx.AsyncClient) -> Json:
    """A stored plan with a goal, which neither of the clients may see."""
    goal = await created(client, recovery.goal())
    return await created(client, recovery.plan(goal=[{"reference": f"Goal/{goal['id']}"}]))


async def test_what_is_referred_to_already_stays(client: httpx.AsyncClient, plan: Json) -> None:
    address = f"/CarePlan/{plan['id']}"
    operations = [{"op": "add", "path": "/note/-", "value": {"text": "Mornings are better."}}]
    patched = await client.patch(
        address, json=operations, headers={**ROBIN, "Content-Type": "application/json-patch+json"}
    )
    assert patched.status_code == 200, patched.text
    updated = await client.put(address, json={**patched.json(), "title": "Mine"}, headers=WORKER)
    assert updated.status_code == 200, updated.text
    bundle = transaction(entry("PUT", address[1:], {**updated.json(), "title": "Mine again"}))
    assert (await client.post("", json=bundle, headers=WORKER)).status_code == 200


async def test_what_is_added_has_to_be_seen(client: httpx.AsyncClient, plan: Json) -> None:
    hidden = await created(client, recovery.goal())
    for name in (hidden["id"], "never-was"):
        changed = {**plan, "goal": [*plan["goal"], {"reference": f"Goal/{name}"}]}
        answer = await client.put(f"/CarePlan/{plan['id']}", json=changed, headers=WORKER)
        assert answer.status_code == 422
        assert problems(answer) == [("reference-exists", "CarePlan.goal[1].reference")]


async def test_the_person_signs_what_the_person_adds(client: httpx.AsyncClient, plan: Json) -> None:
    note = {"text": "Mornings are better."}
    answer = await client.put(f"/CarePlan/{plan['id']}", json={**plan, "note": [*plan["note"], note]}, headers=ROBIN)
    assert answer.json()["note"][-1] == {"authorReference": plan["subject"], **note}
