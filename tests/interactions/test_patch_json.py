"""PATCH with a JSON Patch, and what every form of a patch has in common."""

import asyncio

import pytest

from tests.support.patches import JSON_PATCH, json_patch
from tests.support.recovery import plan
from tests.support.resources import created, goal, problems

LABEL = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}


def replace(path, value):
    return {"op": "replace", "path": path, "value": value}


async def versions(client, path):
    """Return the methods that the versions of a resource came from, the newest first."""
    history = (await client.get(f"{path}/_history")).json()
    return [entry["request"]["method"] for entry in history["entry"]]


async def test_patch_makes_the_next_version_and_tells_it(shared_client):
    made = await created(shared_client, goal(note=[{"text": "First."}]))
    path = f"/Goal/{made['id']}"
    response = await json_patch(
        shared_client,
        path,
        {"op": "test", "path": "/lifecycleStatus", "value": "active"},
        replace("/lifecycleStatus", "completed"),
        {"op": "add", "path": "/note/-", "value": {"text": "Second."}},
    )
    assert (response.status_code, response.headers["etag"]) == (200, 'W/"2"')
    patched = response.json()
    assert (patched["lifecycleStatus"], len(patched["note"])) == ("completed", 2)
    assert patched["meta"]["versionId"] == "2"
    assert (await shared_client.get(path)).json() == patched
    assert await versions(shared_client, path) == ["PATCH", "POST"]


async def test_digits_are_kept(shared_client):
    body = (
        b'{"resourceType":"Goal","lifecycleStatus":"active","description":{"text":"Walk"},'
        b'"subject":{"reference":"Patient/example"},"target":[{"measure":{"text":"m"},'
        b'"detailQuantity":{"value":1.50}}]}'
    )
    made = (await shared_client.post("/Goal", content=body)).json()
    patch = (
        b'[{"op":"test","path":"/target/0/detailQuantity/value","value":1.5},'
        b'{"op":"copy","from":"/target/0","path":"/target/-"},'
        b'{"op":"add","path":"/target/-","value":{"measure":{"text":"n"},"detailQuantity":{"value":2.500}}}]'
    )
    headers = {"Content-Type": JSON_PATCH}
    response = await shared_client.patch(f"/Goal/{made['id']}", content=patch, headers=headers)
    stored = (await shared_client.get(f"/Goal/{made['id']}")).content
    assert stored == response.content
    assert (stored.count(b'"value":1.50}'), stored.count(b'"value":2.500}')) == (2, 1)


async def test_patch_that_changes_nothing_makes_no_version(shared_client):
    made = await created(shared_client, goal())
    path = f"/Goal/{made['id']}"
    for operations in ([], [replace("/lifecycleStatus", "active")], [{"op": "remove", "path": "/meta/versionId"}]):
        response = await json_patch(shared_client, path, *operations)
        assert (response.status_code, response.json()) == (200, made)
    assert await versions(shared_client, path) == ["POST"]


async def test_patched_resource_is_validated_like_any_other(shared_client):
    made = await created(shared_client, goal(note=[{"text": "x"}]))
    path = f"/Goal/{made['id']}"
    for operations, status, expected in [
        ([{"op": "remove", "path": "/description"}], 422, [("cardinality", "Goal.description")]),
        ([replace("/lifecycleStatus", "asleep")], 422, [("binding", "Goal.lifecycleStatus")]),
        ([{"op": "add", "path": "/mood", "value": "x"}], 400, [("unknown-element", "Goal.mood")]),
        ([{"op": "add", "path": "/addresses", "value": []}], 400, [("wrong-type", "Goal.addresses")]),
    ]:
        response = await json_patch(shared_client, path, *operations)
        assert (response.status_code, problems(response)) == (status, expected)
        assert "location" not in response.json()["issue"][0], "the resource was not sent, so it has no lines"
    assert (await shared_client.get(path)).json() == made


async def test_last_item_of_a_list_takes_the_list_with_it(shared_client):
    made = await created(shared_client, goal(note=[{"text": "x"}]))
    response = await json_patch(shared_client, f"/Goal/{made['id']}", {"op": "remove", "path": "/note/0"})
    assert (response.status_code, "note" in response.json()) == (200, False)


async def test_failed_test_is_422_and_changes_nothing(shared_client):
    made = await created(shared_client, goal())
    failing = {"op": "test", "path": "/lifecycleStatus", "value": "planned"}
    response = await json_patch(shared_client, f"/Goal/{made['id']}", replace("/lifecycleStatus", "completed"), failing)
    assert (response.status_code, problems(response)) == (422, [("patch-test", None)])
    assert (await shared_client.get(f"/Goal/{made['id']}")).json() == made


@pytest.mark.parametrize(
    ("operations", "status", "rule"),
    [
        ([{"op": "remove", "path": "/note/0"}], 422, "patch-operation"),
        ([{"op": "melt", "path": "/note"}], 400, "patch-format"),
        ([replace("/id", "another")], 422, "patch-operation"),
        ([{"op": "remove", "path": "/id"}], 422, "patch-operation"),
        ([replace("/resourceType", "CarePlan")], 422, "patch-operation"),
        ([replace("", {"resourceType": "Goal"})], 422, "patch-operation"),
        ([replace("", [])], 422, "patch-operation"),
        ([replace("/meta", "none")], 400, "wrong-type"),
    ],
)
async def test_patch_that_cannot_be_done_is_refused(shared_client, operations, status, rule):
    made = await created(shared_client, goal())
    response = await json_patch(shared_client, f"/Goal/{made['id']}", *operations)
    assert (response.status_code, problems(response)[0][0]) == (status, rule)
    assert (await shared_client.get(f"/Goal/{made['id']}")).json() == made


@pytest.mark.parametrize("body", ["{}", '"x"', "[1]", "no JSON", '[{"op":"remove","op":"add","path":"/x"}]'])
async def test_body_that_is_no_patch_is_400(shared_client, body):
    made = await created(shared_client, goal())
    headers = {"Content-Type": JSON_PATCH}
    response = await shared_client.patch(f"/Goal/{made['id']}", content=body, headers=headers)
    assert response.status_code == 400


async def test_patch_needs_something_to_change(shared_client):
    missing = await json_patch(shared_client, "/Goal/never-made", replace("/lifecycleStatus", "completed"))
    assert (missing.status_code, problems(missing)) == (404, [("unknown-resource", None)])
    made = await created(shared_client, goal())
    await shared_client.delete(f"/Goal/{made['id']}")
    gone = await json_patch(shared_client, f"/Goal/{made['id']}", replace("/lifecycleStatus", "completed"))
    assert (gone.status_code, problems(gone)) == (410, [("deleted", None)])


async def test_other_media_types_are_415(shared_client):
    made = await created(shared_client, goal())
    response = await shared_client.patch(
        f"/Goal/{made['id']}", content="[]", headers={"Content-Type": "application/merge-patch+json"}
    )
    assert (response.status_code, problems(response)) == (415, [("unsupported-media-type", "http.Content-Type")])


async def test_if_match_is_heeded(shared_client):
    made = await created(shared_client, goal())
    path = f"/Goal/{made['id']}"
    done = await json_patch(shared_client, path, replace("/lifecycleStatus", "planned"), If_Match='W/"1"')
    late = await json_patch(shared_client, path, replace("/lifecycleStatus", "completed"), If_Match='W/"1"')
    assert (done.status_code, late.status_code) == (200, 412)
    assert problems(late) == [("version-conflict", "http.If-Match")]


async def test_patches_at_once_all_land(client):
    made = await created(client, goal())
    path = f"/Goal/{made['id']}"
    texts = [f"Note {number}" for number in range(8)]
    await json_patch(client, path, {"op": "add", "path": "/note", "value": [{"text": "First"}]})
    answers = await asyncio.gather(
        *(json_patch(client, path, {"op": "add", "path": "/note/-", "value": {"text": text}}) for text in texts)
    )
    assert [answer.status_code for answer in answers] == [200] * 8
    assert sorted(answer.json()["meta"]["versionId"] for answer in answers) == sorted(map(str, range(3, 11)))
    stored = (await client.get(path)).json()
    assert sorted(note["text"] for note in stored["note"]) == ["First", *texts]


async def test_security_labels_stay(shared_client):
    made = await created(shared_client, goal(meta={"security": [LABEL]}))
    path = f"/Goal/{made['id']}"
    response = await json_patch(shared_client, path, {"op": "remove", "path": "/meta/security"})
    assert (response.status_code, response.json()) == (200, made)
    response = await json_patch(
        shared_client, path, {"op": "remove", "path": "/meta"}, replace("/lifecycleStatus", "completed")
    )
    assert response.json()["meta"]["security"] == [LABEL]


async def test_text_of_the_service_is_kept_in_step(world):
    made = await created(world, plan(text=None, title="Keep well"))
    path = f"/CarePlan/{made['id']}"
    patched = (await json_patch(world, path, replace("/title", "Stay well"))).json()
    assert "Stay well" in patched["text"]["div"]
    assert "Keep well" not in patched["text"]["div"]
    same = await json_patch(world, path, {"op": "remove", "path": "/text"})
    assert (same.status_code, same.json()) == (200, patched)


@pytest.mark.parametrize(("prefer", "expected"), [("minimal", None), ("OperationOutcome", "OperationOutcome")])
async def test_prefer_is_heeded(shared_client, prefer, expected):
    made = await created(shared_client, goal())
    response = await json_patch(
        shared_client, f"/Goal/{made['id']}", replace("/lifecycleStatus", "completed"), Prefer=f"return={prefer}"
    )
    assert (response.status_code, response.headers["etag"]) == (200, 'W/"2"')
    assert (response.json()["resourceType"] if response.content else None) == expected


async def test_patch_is_among_what_an_address_allows(shared_client):
    made = await created(shared_client, goal())
    response = await shared_client.post(f"/Goal/{made['id']}", json=goal())
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, PUT, PATCH, DELETE, HEAD"
    assert (await shared_client.head(f"/Goal/{made['id']}")).headers["etag"] == 'W/"1"'


async def test_attribution_comes_with_the_patch(shared_client):
    made = await created(shared_client, goal())
    provenance = (
        '{"resourceType":"Provenance","recorded":"2026-11-22T10:00:00Z","agent":[{"who":{"display":"A peer"}}]}'
    )
    for status, version in [("completed", 2), ("completed", 2)]:
        response = await json_patch(
            shared_client, f"/Goal/{made['id']}", replace("/lifecycleStatus", status), X_Provenance=provenance
        )
        assert (response.status_code, response.json()["meta"]["versionId"]) == (200, str(version))
    found = (await shared_client.get(f"/Provenance?target=Goal/{made['id']}")).json()
    targets = [entry["resource"]["target"] for entry in found["entry"]]
    assert targets == [[{"reference": f"Goal/{made['id']}/_history/2"}]]


DIV = '<div xmlns="http://www.w3.org/1999/xhtml">As it was told</div>'


async def test_a_narrative_that_tells_of_what_a_patch_changes_does_not_stay(shared_client):
    old = await created(shared_client, goal(text={"status": "generated", "div": DIV}))
    address = f"/Goal/{old['id']}"
    tagged = await json_patch(shared_client, address, {"op": "add", "path": "/meta/tag", "value": [{"code": "x"}]})
    assert tagged.json()["text"]["div"] == DIV
    changed = await json_patch(shared_client, address, {"op": "replace", "path": "/description/text", "value": "New"})
    assert (changed.status_code, "text" in changed.json()) == (200, False)


async def test_a_narrative_that_says_more_is_patched_together_with_the_rest(shared_client):
    old = await created(shared_client, goal(text={"status": "additional", "div": DIV}))
    address = f"/Goal/{old['id']}"
    change = {"op": "replace", "path": "/description/text", "value": "New"}
    refused = await json_patch(shared_client, address, change)
    assert (refused.status_code, problems(refused)) == (422, [("narrative-outdated", "Goal.text")])
    told = {"op": "replace", "path": "/text/div", "value": DIV.replace("was", "is")}
    both = await json_patch(shared_client, address, change, told)
    assert (both.status_code, both.json()["text"]["div"]) == (200, told["value"])


async def test_labels_that_a_patch_leaves_out_are_kept_in_their_order_with_a_warning(shared_client):
    labels = [{"system": "urn:x", "code": "R"}, {"system": "urn:x", "code": "PSY"}]
    old = await created(shared_client, goal(meta={"security": labels}))
    address = f"/Goal/{old['id']}"
    remove = {"op": "remove", "path": "/meta/security/0"}
    same = await json_patch(shared_client, address, remove, Prefer="return=OperationOutcome")
    assert same.headers["etag"] == 'W/"1"'
    told = [item["details"]["coding"][0]["code"] for item in same.json()["issue"] if "details" in item]
    assert "label-kept" in told
    assert (await shared_client.get(address)).json() == old
