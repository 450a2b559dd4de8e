"""$diff: what changed between two versions, as operations that the service itself can apply."""

import json

import pytest

from tests.support.patches import FHIR_JSON, json_patch
from tests.support.recovery import plan
from tests.support.resources import created, goal, problems, without


def lines(response):
    """Return the operations of an answer, each as type, path and what else it has."""
    assert response.status_code == 200, response.text
    found = []
    for parameter in response.json().get("parameter", []):
        parts = {part.pop("name"): next(iter(part.values())) for part in parameter["part"]}
        found.append((parts.pop("type"), parts.pop("path"), *parts.values()))
    return found


async def three_versions(client):
    """Return the path of a Goal with three versions, and these."""
    first = await created(client, goal(note=[{"text": "a"}, {"text": "b"}]))
    path = f"/Goal/{first['id']}"
    second = (await client.put(path, json={**first, "lifecycleStatus": "completed"})).json()
    third = (await client.put(path, json={**second, "note": [{"text": "b"}], "startDate": "2026-11-01"})).json()
    return path, [first, second, third]


async def test_versions_that_are_asked_for_and_those_that_are_meant(shared_client):
    path, _ = await three_versions(shared_client)
    last = [("delete", "Goal.note[0]"), ("add", "Goal", "start", "2026-11-01")]
    first = [("replace", "Goal.lifecycleStatus", "completed")]
    assert lines(await shared_client.get(f"{path}/$diff")) == last
    assert lines(await shared_client.get(f"{path}/$diff?from=2&to=3")) == last
    assert lines(await shared_client.get(f"{path}/$diff?to=2")) == first
    assert lines(await shared_client.get(f"{path}/$diff?from=1")) == first + last
    assert lines(await shared_client.get(f"{path}/$diff?from=2&to=2")) == []
    assert lines(await shared_client.get(f"{path}/$diff?from=2&to=1")) == [
        ("replace", "Goal.lifecycleStatus", "active")
    ]


async def test_difference_is_a_patch_that_gives_the_second_version(shared_client):
    path, (first, _, third) = await three_versions(shared_client)
    difference = (await shared_client.get(f"{path}/$diff?from=1")).content
    await shared_client.put(path, json=first)
    patched = await shared_client.patch(path, content=difference, headers={"Content-Type": FHIR_JSON})
    assert without(patched.json(), "meta") == without(third, "meta")
    assert patched.json()["meta"]["versionId"] == "5"


async def test_parameters_may_come_in_the_body(shared_client):
    path, _ = await three_versions(shared_client)
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "from", "valueString": "1"},
            {"name": "to", "valueString": "2"},
            {"name": "includeMeta", "valueBoolean": True},
        ],
    }
    found = lines(await shared_client.post(f"{path}/$diff", json=body))
    assert [line[:2] for line in found] == [("replace", "Goal.meta"), ("replace", "Goal.lifecycleStatus")]
    assert lines(await shared_client.get(f"{path}/$diff?from=1&to=2&includeMeta=true")) == found
    assert len(lines(await shared_client.get(f"{path}/$diff?from=1&to=2&includeMeta=false"))) == 1


async def test_text_of_the_service_is_left_out_and_a_client_s_is_not(world):
    made = await created(world, plan(text=None, title="Keep well"))
    path = f"/CarePlan/{made['id']}"
    await json_patch(world, path, {"op": "replace", "path": "/title", "value": "Stay well"})
    assert lines(await world.get(f"{path}/$diff")) == [("replace", "CarePlan.title", "Stay well")]
    mine = {"status": "additional", "div": '<div xmlns="http://www.w3.org/1999/xhtml">As I see it</div>'}
    await json_patch(world, path, {"op": "replace", "path": "/text", "value": mine})
    difference = await world.get(f"{path}/$diff")
    assert {line[1].partition("text")[1] for line in lines(difference)} == {"text"}
    before = (await world.get(f"{path}/_history/2")).json()
    await world.put(path, json=before)
    patched = await world.patch(path, content=difference.content, headers={"Content-Type": FHIR_JSON})
    assert patched.json()["text"] == mine


@pytest.mark.parametrize(
    ("query", "status", "expected"),
    [
        ("from=9", 404, ("unknown-version", None)),
        ("to=1", 404, ("unknown-version", None)),
        ("from=x", 404, ("unknown-version", None)),
        ("from=1&from=2", 400, ("parameter-value", "http.from")),
        ("since=1", 400, ("unknown-parameter", "http.since")),
        ("includeMeta=yes", 400, ("parameter-value", "http.includeMeta")),
    ],
)
async def test_what_cannot_be_told_is_refused(shared_client, query, status, expected):
    path, _ = await three_versions(shared_client)
    response = await shared_client.get(f"{path}/$diff?{query}")
    assert (response.status_code, problems(response)[0]) == (status, expected)


async def test_deletions_have_no_differences(shared_client):
    path, (_, _, third) = await three_versions(shared_client)
    await shared_client.delete(path)
    assert (await shared_client.get(f"{path}/$diff")).status_code == 410
    await shared_client.put(path, json=third)
    between = await shared_client.get(f"{path}/$diff")
    assert (between.status_code, problems(between)) == (410, [("deleted", None)])
    assert lines(await shared_client.get(f"{path}/$diff?from=3")) == []
    assert (await shared_client.get("/Goal/never-made/$diff")).status_code == 404


async def test_digits_are_told_apart(shared_client):
    body = json.dumps(goal(target=[{"measure": {"text": "m"}, "detailQuantity": {"value": 1.5}}]))
    made = (await shared_client.post("/Goal", content=body)).json()
    changed = json.dumps(made).replace("1.5}", "1.50}")
    await shared_client.put(f"/Goal/{made['id']}", content=changed)
    response = await shared_client.get(f"/Goal/{made['id']}/$diff")
    assert b'"valueDecimal":1.50' in response.content
