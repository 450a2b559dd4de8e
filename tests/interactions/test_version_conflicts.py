"""The 412 answer tells which elements are different from the version that the client had, and nobody's words."""

import pytest

from tests.support.patches import json_patch
from tests.support.resources import created, entry, goal, send, transaction

WORDS = "Ring my sister before the ward round"


def told(outcome):
    """Return what an outcome tells beside what is wrong: places, and what was done there."""
    assert outcome["issue"][0]["severity"] == "error"
    return {
        issue["expression"][0]: issue["diagnostics"] for issue in outcome["issue"] if issue["severity"] == "information"
    }


@pytest.fixture
async def moved_on(shared_client):
    """Return a Goal that a client has read, and that others have changed twice since."""
    made = await created(shared_client, goal(note=[{"text": "a"}, {"text": "b"}], statusReason="x"))
    path = f"/Goal/{made['id']}"
    await json_patch(shared_client, path, {"op": "replace", "path": "/description/text", "value": WORDS})
    changes = [
        {"op": "remove", "path": "/statusReason"},
        {"op": "add", "path": "/startDate", "value": "2026-11-01"},
        {"op": "move", "from": "/note/1", "path": "/note/0"},
    ]
    await json_patch(shared_client, path, *changes)
    return made


EXPECTED = {
    "Goal.description.text": "This element was changed since version 1",
    "Goal.statusReason": "This element was deleted since version 1",
    "Goal.start": "This element was added since version 1",
    "Goal.note": "This element has its items in another order since version 1",
}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_every_write_tells_what_changed(shared_client, moved_on, method):
    path, condition = f"/Goal/{moved_on['id']}", {"If-Match": 'W/"1"'}
    if method == "PATCH":
        response = await json_patch(shared_client, path, If_Match='W/"1"')
    else:
        body = {"json": moved_on} if method == "PUT" else {}
        response = await shared_client.request(method, path, headers=condition, **body)
    assert response.status_code == 412
    assert told(response.json()) == EXPECTED
    assert WORDS not in response.text


async def test_entry_of_a_transaction_tells_it_too(shared_client, moved_on):
    put = entry("PUT", f"Goal/{moved_on['id']}", moved_on, ifMatch='W/"1"')
    response = await send(shared_client, transaction(put))
    assert response.status_code == 412
    assert set(told(response.json())) == {
        f"Bundle.entry[0].resource.{place.removeprefix('Goal.')}" for place in EXPECTED
    }


@pytest.mark.parametrize(("etag", "since"), [('W/"2"', 2), ('W/"1", W/"2"', 2), ('"1"', 1)])
async def test_latest_version_that_is_named_is_the_one_the_client_had(shared_client, moved_on, etag, since):
    response = await shared_client.delete(f"/Goal/{moved_on['id']}", headers={"If-Match": etag})
    assert ("Goal.description.text" in told(response.json())) == (since == 1)
    assert all(sentence.endswith(f"since version {since}") for sentence in told(response.json()).values())


@pytest.mark.parametrize("etag", ['W/"9"', "nothing", 'W/"0"'])
async def test_version_that_never_was_tells_nothing(shared_client, moved_on, etag):
    response = await shared_client.delete(f"/Goal/{moved_on['id']}", headers={"If-Match": etag})
    assert (response.status_code, told(response.json())) == (412, {})


async def test_many_changes_are_told_up_to_a_number(shared_client):
    made = await created(shared_client, goal(note=[{"text": f"note {number}"} for number in range(150)]))
    path = f"/Goal/{made['id']}"
    await shared_client.put(path, json={**made, "note": [{"text": f"other {number}"} for number in range(150)]})
    response = await shared_client.delete(path, headers={"If-Match": 'W/"1"'})
    assert response.status_code == 412
    assert len(response.json()["issue"]) == 101
