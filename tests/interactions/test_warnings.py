"""What only warns does not refuse: it comes back in the OperationOutcome of the write."""

import pytest

from tests.support.five_ways import OUTCOME, findings_in
from tests.support.recovery import goal, plan, without_extension
from tests.support.resources import batch, created, entry, send, transaction

WARNED = without_extension(plan(), "next-review")
FOUND = [("warning", "rcp-4", "CarePlan")]


@pytest.fixture
def client(world):
    return world


def told(response, status):
    """Return what was done, and the findings."""
    assert response.status_code == status, response.text
    outcome = response.json()
    first, *_ = outcome["issue"]
    assert (first["severity"], first["code"]) == ("information", "informational")
    return first["diagnostics"], [item[:3] for item in findings_in(outcome, "CarePlan")]


async def test_a_write_tells_them_to_who_prefers_an_outcome(client):
    response = await client.post("/CarePlan", json=WARNED, headers=OUTCOME)
    assert told(response, 201) == ("Created as version 1", FOUND)
    address = response.headers["location"].partition("/_history")[0]
    made = (await client.get(address)).json()
    changed = await client.put(address, json={**made, "title": "x"}, headers=OUTCOME)
    assert told(changed, 200) == ("Stored as version 2", FOUND)
    same = await client.put(address, json={**made, "title": "x"}, headers=OUTCOME)
    assert told(same, 200) == ("Nothing changed; this is still version 2", FOUND)


async def test_a_write_tells_nothing_of_them_to_anybody_else(client):
    response = await client.post("/CarePlan", json=WARNED)
    assert (response.status_code, response.json()["resourceType"]) == (201, "CarePlan")
    response = await client.post("/CarePlan", json=WARNED, headers={"Prefer": "return=minimal"})
    assert (response.status_code, response.content) == (201, b"")


async def test_who_does_all_well_is_told_only_what_was_done(client):
    assert told(await client.post("/CarePlan", json=plan(), headers=OUTCOME), 201) == ("Created as version 1", [])


@pytest.mark.parametrize("bundle", [batch, transaction])
async def test_each_entry_of_a_bundle_is_told_its_own(client, bundle):
    whole = bundle(entry("POST", "Goal", goal()), entry("POST", "CarePlan", WARNED), entry("GET", "Goal/example"))
    response = await send(client, whole, **OUTCOME)
    first, second, third = [item["response"].get("outcome") for item in response.json()["entry"]]
    assert [len(outcome["issue"]) for outcome in (first, second)] == [1, 2]
    _, warning = second["issue"]
    assert warning["severity"] == "warning"
    assert warning["expression"] == ["Bundle.entry[1].resource"]
    assert warning["details"]["coding"][0]["code"] == "rcp-4"
    assert third is None
    silent = await send(client, whole)
    assert [item["response"].get("outcome") for item in silent.json()["entry"]] == [None] * 3


async def test_a_refusal_tells_them_beside_the_errors_and_its_status_is_of_the_errors(client):
    malformed = await client.post("/CarePlan", json={**WARNED, "aim": "x"})
    assert malformed.status_code == 400
    assert [item[:2] for item in findings_in(malformed.json(), "CarePlan")] == [
        ("warning", "rcp-4"),
        ("error", "unknown-element"),
    ]
    broken = await client.post("/CarePlan", json={**WARNED, "intent": "banana"})
    assert broken.status_code == 422


async def test_a_warning_says_where_in_the_text_it_is(client):
    text = b'{\n "resourceType": "Goal",\n "lifecycleStatus": "rejected",\n "description": {"text": "x"},\n'
    text += b' "meta": {"profile": ["http://example.org/unknown"]},\n "subject": {"reference": "Patient/1"}\n}'
    response = await client.post("/Goal", content=text, headers=OUTCOME)
    assert response.status_code == 201
    (warning,) = [item for item in response.json()["issue"] if item.get("expression") == ["Goal.meta.profile[0]"]]
    assert warning["severity"] == "warning"
    assert warning["location"] == ["Line[5] Col[23]"]


async def test_what_warns_is_stored_as_it_was_sent(client):
    made = await created(client, WARNED)
    assert {**made, "meta": WARNED["meta"]} == {**WARNED, "id": made["id"]}
