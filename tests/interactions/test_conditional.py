"""Conditional create, update and delete: which resource is meant is said by a search."""

import asyncio

import pytest

from service.settings import Settings
from tests.support.app import client_of
from tests.support.resources import by, created, fresh, goal, identified, problems


@pytest.fixture
def client(shared_client):
    return shared_client


async def test_create_unless_there(client):
    value = fresh()
    first = await client.post("/Goal", json=identified(value), headers={"If-None-Exist": by(value)})
    again = await client.post("/Goal", json=identified(value), headers={"If-None-Exist": f"?{by(value)}"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["etag"] == 'W/"1"'
    assert (await client.get(f"/Goal?{by(value)}&_summary=count")).json()["total"] == 1


async def test_what_is_deleted_does_not_match(client):
    value = fresh()
    gone = await created(client, identified(value))
    await client.delete(f"/Goal/{gone['id']}")
    response = await client.post("/Goal", json=identified(value), headers={"If-None-Exist": by(value)})
    assert response.status_code == 201
    assert response.json()["id"] != gone["id"]


async def test_several_matches_are_412_and_nothing_changes(client):
    value = fresh()
    for _ in range(2):
        await created(client, identified(value))
    for response in (
        await client.post("/Goal", json=identified(value), headers={"If-None-Exist": by(value)}),
        await client.put(f"/Goal?{by(value)}", json=identified(value)),
        await client.delete(f"/Goal?{by(value)}"),
    ):
        assert response.status_code == 412
        assert [rule for rule, _ in problems(response)] == ["multiple-matches"]
    found = (await client.get(f"/Goal?{by(value)}")).json()
    assert [item["resource"]["meta"]["versionId"] for item in found["entry"]] == ["1", "1"]


@pytest.mark.parametrize(
    ("criteria", "rule", "place"),
    [
        ("", "parameter-value", None),
        ("_count=1", "parameter-value", "http._count"),
        ("identifier=a&_sort=start-date", "parameter-value", "http._sort"),
        ("nonsense=1", "unknown-parameter", "http.nonsense"),
        ("start-date=never", "parameter-value", "http.start-date"),
    ],
)
async def test_a_condition_that_says_nothing_or_nonsense_is_refused(client, criteria, rule, place):
    before = (await client.get("/Goal?_summary=count")).json()["total"]
    lenient = {"Prefer": "handling=lenient"}
    posted = await client.post("/Goal", json=goal(), headers={"If-None-Exist": criteria, **lenient})
    put = await client.put(f"/Goal?{criteria}", json=goal(), headers=lenient)
    deleted = await client.delete(f"/Goal?{criteria}", headers=lenient)
    assert [item.status_code for item in (posted, put, deleted)] == [400] * 3
    assert problems(posted) == [(rule, "http.If-None-Exist")]
    assert problems(put) == problems(deleted) == [(rule, place)]
    assert (await client.get("/Goal?_summary=count")).json()["total"] == before


async def test_update_of_the_one_match(client):
    value = fresh()
    first = await client.put(f"/Goal?{by(value)}", json=identified(value))
    assert first.status_code == 201
    goal_id = first.json()["id"]
    changed = identified(value, statusDate="2026-01-01")
    second = await client.put(f"/Goal?{by(value)}", json=changed)
    assert (second.status_code, second.json()["id"], second.headers["etag"]) == (200, goal_id, 'W/"2"')
    third = await client.put(f"/Goal?{by(value)}", json={**changed, "id": goal_id})
    assert (third.status_code, third.headers["etag"]) == (200, 'W/"2"')
    wrong = await client.put(f"/Goal?{by(value)}", json={**changed, "id": "another"})
    assert (wrong.status_code, problems(wrong)) == (400, [("id-mismatch", "Goal.id")])
    outdated = await client.put(f"/Goal?{by(value)}", json=identified(value), headers={"If-Match": 'W/"1"'})
    assert outdated.status_code == 412


async def test_update_without_match_uses_the_id_of_the_body_unless_that_is_taken(client):
    value, own_id = fresh(), fresh()
    response = await client.put(f"/Goal?{by(value)}", json=identified(value, id=own_id))
    assert (response.status_code, response.json()["id"]) == (201, own_id)
    taken = await client.put(f"/Goal?{by(fresh())}", json=identified(fresh(), id=own_id))
    assert (taken.status_code, problems(taken)) == (409, [("id-taken", "Goal.id")])


async def test_what_the_update_of_a_match_breaks_is_told(client):
    response = await client.put(f"/Goal?{by(fresh())}", json=goal(lifecycleStatus="bogus"))
    assert (response.status_code, problems(response)) == (422, [("binding", "Goal.lifecycleStatus")])
    for body in ("5", "[]", "null"):
        response = await client.put(f"/Goal?{by(fresh())}", content=body)
        assert (response.status_code, problems(response)) == (400, [("resource-type", "Goal.resourceType")])


async def test_delete_of_the_one_match_or_none(client):
    value = fresh()
    one = await created(client, identified(value))
    assert (await client.delete(f"/Goal?{by(value)}")).status_code == 204
    assert (await client.get(f"/Goal/{one['id']}")).status_code == 410
    assert (await client.delete(f"/Goal?{by(value)}")).status_code == 204


async def test_delete_of_several_by_setting_up_to_its_cap(settings):
    async with client_of(settings.model_copy(update={"max_conditional_delete": 2})) as client:
        for _ in range(3):
            await created(client, identified("many"))
        assert (await client.delete(f"/Goal?{by('many')}")).status_code == 412
        last = (await client.get(f"/Goal?{by('many')}")).json()["entry"][0]["resource"]
        await client.delete(f"/Goal/{last['id']}")
        response = await client.delete(f"/Goal?{by('many')}", headers={"Prefer": "return=OperationOutcome"})
        assert response.status_code == 200
        assert (await client.get(f"/Goal?{by('many')}")).json().get("total") == 0
        claimed = (await client.get("/metadata")).json()["rest"][0]["resource"][0]["conditionalDelete"]
        assert claimed == "multiple"


@pytest.mark.parametrize("driver", ["pymongo", "motor"])
async def test_64_clients_that_create_the_same_make_one(mongodb_uri, driver):
    name = f"test_race_{driver}"
    async with client_of(Settings(mongodb_uri=mongodb_uri, mongodb_database=name, mongodb_driver=driver)) as client:
        header = {"If-None-Exist": by("one")}
        answers = await asyncio.gather(
            *(client.post("/Goal", json=identified("one"), headers=header) for _ in range(64))
        )
        assert sorted(answer.status_code for answer in answers) == [200] * 63 + [201]
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert (await client.get("/Goal?_summary=count")).json()["total"] == 1


async def test_64_clients_that_update_the_same_make_one_with_64_versions(client):
    value = fresh()
    bodies = [identified(value, note=[{"text": f"by {number}"}]) for number in range(64)]
    answers = await asyncio.gather(*(client.put(f"/Goal?{by(value)}", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200] * 63 + [201]
    assert {int(answer.json()["meta"]["versionId"]) for answer in answers} == set(range(1, 65))


async def test_a_condition_where_none_is_read_is_refused_rather_than_lost(client):
    old = await created(client, goal())
    before = (await client.get("/Goal?_summary=count")).json()["total"]
    for response in (
        await client.post(f"/Goal?{by(fresh())}", json=goal()),
        await client.put(f"/Goal/{old['id']}?{by(fresh())}", json=old),
        await client.delete(f"/Goal/{old['id']}?{by(fresh())}"),
    ):
        assert (response.status_code, problems(response)) == (400, [("unknown-parameter", "http.identifier")])
    assert (await client.get("/Goal?_summary=count")).json()["total"] == before


async def test_a_condition_that_would_be_misread_is_refused_and_one_in_utf8_is_read(client):
    value = f"å{fresh()}"
    header = by(value).encode()
    first, again = [
        await client.post("/Goal", json=identified(value), headers={"If-None-Exist": header}) for _ in range(2)
    ]
    assert (first.status_code, again.status_code) == (201, 200)
    for condition in (by(value).encode("latin-1"), by("a#b"), by("%FF"), by("%00")):
        response = await client.post("/Goal", json=goal(), headers={"If-None-Exist": condition})
        assert (response.status_code, problems(response)[0][0]) == (400, "header-value")


async def test_equal_conditions_in_other_words_are_one(client):
    one, two = fresh(), fresh()
    conditions = [f"{by(one)},urn:plans|{two}", f"identifier=urn:plans|{two},urn:plans|{one}"] * 8
    answers = await asyncio.gather(
        *(client.post("/Goal", json=identified(one), headers={"If-None-Exist": each}) for each in conditions)
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 15 + [201]


async def test_the_outcome_tells_whether_something_was_done(client):
    told, value = {"Prefer": "return=OperationOutcome"}, fresh()
    old = await created(client, identified(value))
    condition = {**told, "If-None-Exist": by(value)}
    answers = [
        await client.post("/Goal", json=identified(value), headers=condition),
        await client.put(f"/Goal/{old['id']}", json=old, headers=told),
        await client.delete(f"/Goal?{by(fresh())}", headers=told),
        await client.delete(f"/Goal?{by(value)}", headers=told),
    ]
    assert [answer.json()["issue"][0]["diagnostics"] for answer in answers] == [
        "It was there already, and matches; this is version 1",
        "Nothing changed; this is still version 1",
        "There was nothing to delete",
        "Deleted",
    ]
