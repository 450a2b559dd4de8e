"""Prefer, and HEAD: what of an answer a client gets (https://hl7.org/fhir/R4/http.html#ops)."""

import pytest

from tests.support.resources import care_plan, created, goal


@pytest.fixture
def client(shared_client):
    return shared_client


def told(response):
    """Return what an OperationOutcome about success says."""
    outcome = response.json()
    assert outcome["resourceType"] == "OperationOutcome"
    (issue,) = outcome["issue"]
    assert (issue["severity"], issue["code"]) == ("information", "informational")
    return issue["diagnostics"]


@pytest.mark.parametrize(
    "prefer", ["return=minimal", 'return="minimal"', "handling=strict; return=minimal", "return=minimal,wait=5"]
)
async def test_who_prefers_minimal_gets_headers_alone(client, prefer):
    response = await client.post("/CarePlan", json=care_plan(), headers={"Prefer": prefer})
    assert (response.status_code, response.content, response.headers["etag"]) == (201, b"", 'W/"1"')
    assert response.headers["content-length"] == "0"
    assert "content-type" not in response.headers
    read = await client.get(response.headers["location"])
    assert read.json()["status"] == "active"
    plan = {**read.json(), "title": "changed"}
    changed = await client.put(f"/CarePlan/{plan['id']}", json=plan, headers={"Prefer": prefer})
    assert (changed.status_code, changed.content, changed.headers["etag"]) == (200, b"", 'W/"2"')
    same = await client.put(f"/CarePlan/{plan['id']}", json=plan, headers={"Prefer": prefer})
    assert (same.status_code, same.content, same.headers["etag"]) == (200, b"", 'W/"2"')


@pytest.mark.parametrize(
    "prefer", ["return=representation", "return=nonsense", "nonsense", "", ";,=;", "respond-async"]
)
async def test_who_prefers_the_resource_or_nothing_known_gets_it(client, prefer):
    response = await client.post("/Goal", json=goal(), headers={"Prefer": prefer})
    assert (response.status_code, response.json()["resourceType"]) == (201, "Goal")


async def test_who_prefers_an_outcome_gets_one(client):
    headers = {"Prefer": "return=OperationOutcome"}
    response = await client.post("/Goal", json=goal(), headers=headers)
    assert (response.status_code, told(response)) == (201, "Created as version 1")
    address = response.headers["location"].partition("/_history")[0]
    made = (await client.get(address)).json()
    changed = await client.put(address, json={**made, "statusDate": "2026-01-01"}, headers=headers)
    assert (changed.status_code, told(changed)) == (200, "Stored as version 2")
    gone = await client.delete(address, headers=headers)
    assert (gone.status_code, told(gone), gone.headers["etag"]) == (200, "Deleted", 'W/"3"')
    back = await client.put(address, json=made, headers=headers)
    assert (back.status_code, told(back)) == (201, "Created as version 4")


@pytest.mark.parametrize("prefer", ["return=minimal", "return=representation"])
async def test_delete_without_a_wish_for_an_outcome_is_204(client, prefer):
    made = await created(client, goal())
    response = await client.delete(f"/Goal/{made['id']}", headers={"Prefer": prefer})
    assert (response.status_code, response.content) == (204, b"")


async def test_two_headers_prefer_count_as_one_list(client):
    headers = [("Content-Type", "application/json"), ("Prefer", "return=minimal"), ("Prefer", "handling=lenient")]
    response = await client.post("/Goal", json=goal(), headers=headers)
    assert (response.status_code, response.content) == (201, b"")
    found = await client.get("/Goal?nonsense=1", headers=headers)
    assert found.status_code == 200


async def test_prefer_does_not_soften_a_refusal(client):
    for prefer in ("return=minimal", "handling=lenient", "return=OperationOutcome"):
        response = await client.post("/Goal", json=goal(foo=1), headers={"Prefer": prefer})
        assert (response.status_code, response.json()["resourceType"]) == (400, "OperationOutcome")


async def test_head_is_get_without_the_body(client):
    plan = await created(client, care_plan())
    address = f"/CarePlan/{plan['id']}"
    same = {"X-Request-Id": "same"}
    for path, status in ((address, 200), (f"{address}/_history/1", 200), ("/CarePlan/none", 404), ("/metadata", 200)):
        got, head = await client.get(path, headers=same), await client.head(path, headers=same)
        assert (head.status_code, head.content) == (status, b"")
        assert head.headers == got.headers
        assert int(head.headers["content-length"]) == len(got.content) > 0
    cached = await client.head(address, headers={"If-None-Match": 'W/"1"'})
    assert (cached.status_code, cached.content) == (304, b"")
