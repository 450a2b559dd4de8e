"""PATCH with an XML Patch."""

import pytest

from tests.support.patches import XML_PATCH, xml_patch
from tests.support.resources import created, goal, problems


async def test_patch_makes_the_next_version(shared_client):
    made = await created(shared_client, goal(note=[{"text": " two  blanks "}]))
    path = f"/Goal/{made['id']}"
    response = await xml_patch(
        shared_client,
        path,
        '<replace sel="Goal/lifecycleStatus/@value">completed</replace>'
        '<add sel="f:Goal/f:note" pos="after"><note><text value="more"/></note></add>',
    )
    assert (response.status_code, response.headers["etag"]) == (200, 'W/"2"')
    found = response.json()
    assert found["lifecycleStatus"] == "completed"
    assert [note["text"] for note in found["note"]] == [" two  blanks ", "more"]
    again = await xml_patch(shared_client, path, '<replace sel="Goal/lifecycleStatus/@value">completed</replace>')
    assert (again.status_code, again.json()) == (200, found)


async def test_digits_and_contained_resources_pass_through(shared_client):
    body = (
        b'{"resourceType":"Goal","contained":[{"resourceType":"Patient","id":"p"}],"lifecycleStatus":"active",'
        b'"description":{"text":"Walk"},"subject":{"reference":"#p"},'
        b'"target":[{"measure":{"text":"m"},"detailQuantity":{"value":1.50}}]}'
    )
    made = (await shared_client.post("/Goal", content=body)).json()
    response = await xml_patch(
        shared_client, f"/Goal/{made['id']}", '<replace sel="Goal/description/text/@value">Run</replace>'
    )
    assert response.status_code == 200, response.text
    assert b'"detailQuantity":{"value":1.50}' in response.content
    assert response.json()["contained"] == [{"resourceType": "Patient", "id": "p"}]


@pytest.mark.parametrize(
    ("operations", "status", "expected"),
    [
        ('<remove sel="Goal/nothing"/>', 422, ("patch-operation", None)),
        ("<remove sel=\"document('file:///etc/passwd')/*\"/>", 422, ("patch-operation", None)),
        ('<move sel="Goal/note"/>', 400, ("patch-format", None)),
        ("", 400, ("patch-format", None)),
        ('<remove sel="Goal/description"/>', 422, ("cardinality", "Goal.description")),
        ('<replace sel="Goal/lifecycleStatus/@value">zz</replace>', 422, ("binding", "Goal.lifecycleStatus")),
        ('<replace sel="Goal/id/@value">another</replace>', 422, ("patch-operation", "Goal.id")),
        ('<add sel="Goal"><mood value="x"/></add>', 400, ("unknown-element", "Goal.mood")),
    ],
)
async def test_what_cannot_be_done_is_refused(shared_client, operations, status, expected):
    made = await created(shared_client, goal())
    response = await xml_patch(shared_client, f"/Goal/{made['id']}", operations)
    assert (response.status_code, problems(response)[0]) == (status, expected)
    assert (await shared_client.get(f"/Goal/{made['id']}")).json() == made


@pytest.mark.parametrize("body", [b"no XML", b'<!DOCTYPE d SYSTEM "file:///etc/passwd"><d/>', b"\xff"])
async def test_body_that_is_no_xml_is_400(shared_client, body):
    made = await created(shared_client, goal())
    response = await shared_client.patch(f"/Goal/{made['id']}", content=body, headers={"Content-Type": XML_PATCH})
    assert response.status_code == 400


async def test_patch_that_is_sent_again_with_its_key_is_done_once(shared_client):
    made = await created(shared_client, goal(note=[{"text": "a"}]))
    path, more = f"/Goal/{made['id']}", '<add sel="Goal/note" pos="after"><note><text value="b"/></note></add>'
    answers = [await xml_patch(shared_client, path, more, Idempotency_Key=f'"{made["id"]}"') for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert (await shared_client.get(path)).json()["meta"]["versionId"] == "2"


async def test_a_patch_that_changes_nothing_leaves_the_narrative_in_its_own_characters(shared_client):
    div = "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p class='x'>Café<br />by the sea</p></div>"
    old = (await shared_client.post("/Goal", json=goal(text={"status": "additional", "div": div}))).json()
    value = f"<replace sel='Goal/lifecycleStatus/@value'>{old['lifecycleStatus']}</replace>"
    same = await xml_patch(shared_client, f"/Goal/{old['id']}", value)
    assert (same.status_code, same.json()) == (200, old)
