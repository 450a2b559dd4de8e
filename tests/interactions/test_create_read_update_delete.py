"""One resource after another: create, read, vread, update, delete, as HTTP shows them."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from uuid import uuid4

import pytest

from tests.support.app import client_of
from tests.support.resources import TYPES, care_plan, created, goal, problems, risk_assessment, total, without

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pytest.fixture
def client(shared_client):
    return shared_client


@pytest.mark.parametrize("make", [care_plan, goal, risk_assessment])
async def test_created_resource_has_an_id_of_the_server_and_says_where_it_is(client, make):
    sent = make(id="my-own-id", meta={"versionId": "77", "lastUpdated": "2001-01-01T00:00:00Z"})
    before = datetime.now(UTC) - timedelta(seconds=1)
    response = await client.post(f"/{sent['resourceType']}", json=sent)
    assert response.status_code == 201
    got = response.json()
    assert re.fullmatch(UUID, got["id"])
    assert got["meta"]["versionId"] == "1"
    moment = datetime.fromisoformat(got["meta"]["lastUpdated"])
    assert before < moment < datetime.now(UTC) + timedelta(seconds=1)
    assert response.headers["etag"] == 'W/"1"'
    where = f"http://testserver/fhir/R4/{sent['resourceType']}/{got['id']}/_history/1"
    assert response.headers["location"] == where
    assert parsedate_to_datetime(response.headers["last-modified"]) == moment.replace(microsecond=0)
    assert without(got, "id", "meta") == without(sent, "id", "meta")
    for address in (f"/{sent['resourceType']}/{got['id']}", where):
        read = await client.get(address)
        assert (read.status_code, read.content) == (200, response.content)
        assert {"etag", "last-modified"} <= read.headers.keys()
    assert (await client.get(f"/{sent['resourceType']}/my-own-id")).status_code == 404


async def test_what_was_never_there_is_404_and_a_bad_version_too(client):
    plan = await created(client, care_plan())
    missing = await client.get("/CarePlan/nobody")
    assert (missing.status_code, problems(missing)) == (404, [("unknown-resource", None)])
    assert "nobody" not in missing.text
    for version in ("0", "2", "x", "01x", "9" * 40, "-1", "%D9%A1"):
        response = await client.get(f"/CarePlan/{plan['id']}/_history/{version}")
        assert (response.status_code, problems(response)) == (404, [("unknown-version", None)])
    assert (await client.get(f"/Goal/{plan['id']}")).status_code == 404


async def test_update_makes_the_next_version_and_keeps_the_earlier_one(client):
    plan = await created(client, care_plan(title="first"))
    address = f"/CarePlan/{plan['id']}"
    response = await client.put(address, json={**plan, "title": "second"})
    assert response.status_code == 200
    assert response.headers["etag"] == 'W/"2"'
    assert response.headers["location"].endswith(f"{address}/_history/2")
    got = response.json()
    assert (got["title"], got["meta"]["versionId"]) == ("second", "2")
    assert got["meta"]["lastUpdated"] > plan["meta"]["lastUpdated"]
    assert (await client.get(address)).content == response.content
    assert (await client.get(f"{address}/_history/1")).json() == plan


@pytest.mark.parametrize("new_id", ["a", "A-1.b", "0", "-", "x" * 64])
async def test_update_creates_under_the_clients_id(client, new_id):
    response = await client.put(f"/Goal/{new_id}", json=goal(id=new_id))
    assert response.status_code == 201
    assert response.headers["location"] == f"http://testserver/fhir/R4/Goal/{new_id}/_history/1"
    assert (await client.get(f"/Goal/{new_id}")).json()["id"] == new_id


@pytest.mark.parametrize("body", [goal(), goal(id="other"), goal(id="ONE")], ids=["missing", "other", "case"])
async def test_update_wants_the_same_id_in_body_and_address(client, body):
    before = await total(client)
    response = await client.put("/Goal/one", json=body)
    assert (response.status_code, problems(response)) == (400, [("id-mismatch", "Goal.id")])
    assert await total(client) == before


async def test_update_that_changes_nothing_makes_no_version(client):
    plan = await created(client, care_plan(title="same", meta={"tag": [{"code": "t"}]}))
    address = f"/CarePlan/{plan['id']}"
    reordered = {key: plan[key] for key in reversed(plan)}
    reordered["subject"] = dict(reversed(plan["subject"].items()))
    stale_meta = {**plan, "meta": {**plan["meta"], "versionId": "9", "lastUpdated": "2001-01-01T00:00:00Z"}}
    for same in (plan, reordered, stale_meta, {**plan, "meta": {"tag": [{"code": "t"}]}}):
        response = await client.put(address, json=same)
        assert (response.status_code, response.json(), response.headers["etag"]) == (200, plan, 'W/"1"')
    assert (await client.get(f"{address}/_history")).json()["total"] == 1
    changed = await client.put(address, json=without(plan, "meta"))
    assert changed.headers["etag"] == 'W/"2"'
    assert "tag" not in changed.json()["meta"]


async def test_other_digits_of_the_same_number_are_a_change(client):
    body = '{"resourceType":"RiskAssessment","id":"%s","status":"final","subject":{"reference":"Patient/1"},%s}'
    prediction = '"prediction":[{"probabilityDecimal":%s}]'
    new_id, versions = str(uuid4()), []
    for digits in ("0.8", "0.80", "0.80", "8e-1"):
        response = await client.put(f"/RiskAssessment/{new_id}", content=body % (new_id, prediction % digits))
        versions.append(response.headers["etag"])
    assert versions == ['W/"1"', 'W/"2"', 'W/"2"', 'W/"3"']


async def test_tags_and_profiles_are_as_sent_but_security_labels_stay(client):
    def label(code, **more):
        return {"system": "http://s", "code": code, **more}

    first = {"tag": [label("t1")], "profile": ["http://p/1"], "security": [label("R"), label("N")]}
    plan = await created(client, care_plan(meta=first))
    second = {"tag": [label("t2")], "profile": ["http://p/2"], "security": [label("V"), label("N", display="new")]}
    response = await client.put(f"/CarePlan/{plan['id']}", json={**plan, "meta": second})
    meta = without(response.json()["meta"], "versionId", "lastUpdated")
    assert meta == {**second, "security": [label("R"), label("N", display="new"), label("V")]}
    unlabelled = await client.put(f"/CarePlan/{plan['id']}", json={**without(plan, "meta"), "title": "x"})
    assert {item["code"] for item in unlabelled.json()["meta"]["security"]} == {"V", "N", "R"}
    assert "tag" not in unlabelled.json()["meta"]


async def test_a_security_label_without_a_code_stays_too(client):
    plan = await created(client, care_plan(meta={"security": [{"display": "first"}, {"display": "second"}]}))
    changed = {**plan, "meta": {"security": [{"display": "third"}, {"display": "second"}]}}
    labels = (await client.put(f"/CarePlan/{plan['id']}", json=changed)).json()["meta"]["security"]
    assert [label["display"] for label in labels] == ["first", "second", "third"]


async def test_update_with_the_right_if_match_is_done_and_with_a_wrong_one_refused(client):
    plan = await created(client, care_plan())
    address = f"/CarePlan/{plan['id']}"
    for etag, title in (('W/"1"', "b"), ('"2"', "c"), ("3", "d")):
        response = await client.put(address, json={**plan, "title": title}, headers={"If-Match": etag})
        assert response.status_code == 200, response.text
    for wrong in ('W/"1"', 'W/"5"', 'W/"abc"', '""', "W/", 'W/"' + "9" * 50 + '"', 'W/"-4"'):
        for method, body in (("PUT", {**plan, "title": "lost"}), ("DELETE", None)):
            response = await client.request(method, address, json=body, headers={"If-Match": wrong})
            assert (response.status_code, problems(response)[0][0]) == (412, "version-conflict")
    assert (await client.get(address)).json()["title"] == "d"
    assert (await client.get(address)).headers["etag"] == 'W/"4"'


async def test_if_match_on_what_is_not_there_is_refused(client):
    before = await total(client)
    response = await client.put("/Goal/new", json=goal(id="new"), headers={"If-Match": 'W/"1"'})
    assert (response.status_code, problems(response)) == (412, [("version-conflict", "http.If-Match")])
    assert await total(client) == before


async def test_of_two_updates_of_the_same_version_one_wins(client):
    plan = await created(client, care_plan())

    async def one(title):
        address, headers = f"/CarePlan/{plan['id']}", {"If-Match": 'W/"1"'}
        return await client.put(address, json={**plan, "title": title}, headers=headers)

    responses = await asyncio.gather(*(one(str(number)) for number in range(6)))
    assert sorted(item.status_code for item in responses) == [200] + [412] * 5
    winner = next(item for item in responses if item.status_code == 200)
    assert (await client.get(f"/CarePlan/{plan['id']}")).json() == winner.json()


async def test_racing_creates_by_id_give_one_201_and_all_writes_a_version(client):
    bodies = [goal(id="race", description={"text": str(number)}) for number in range(6)]
    responses = await asyncio.gather(*(client.put("/Goal/race", json=body) for body in bodies))
    assert sorted(item.status_code for item in responses) == [200] * 5 + [201]
    assert sorted(item.json()["meta"]["versionId"] for item in responses) == list("123456")
    history = (await client.get("/Goal/race/_history")).json()
    assert len({item["resource"]["description"]["text"] for item in history["entry"]}) == 6


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": 'W/"1"'}, 304),
        ({"If-None-Match": '"1"'}, 304),
        ({"If-None-Match": 'W/"7", W/"1"'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": 'W/"2"'}, 200),
        ({"If-None-Match": ""}, 200),
        ({"If-Modified-Since": format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)}, 304),
        ({"If-Modified-Since": "Mon, 06 Jan 2020 08:00:00 GMT"}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-Modified-Since": "Mon, 06 Jan 2020 08:00:00 +99999999999999999999"}, 200),
        # If-None-Match goes before If-Modified-Since
        ({"If-None-Match": 'W/"2"', "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 200),
    ],
)
async def test_a_client_that_has_the_version_gets_304_without_a_body(client, headers, status):
    plan = await created(client, care_plan())
    response = await client.get(f"/CarePlan/{plan['id']}", headers=headers)
    assert response.status_code == status
    assert response.headers["etag"] == 'W/"1"'
    assert bool(response.content) == (status == 200)


async def test_last_modified_sent_back_is_304(client):
    plan = await created(client, care_plan())
    moment = (await client.get(f"/CarePlan/{plan['id']}")).headers["last-modified"]
    response = await client.get(f"/CarePlan/{plan['id']}", headers={"If-Modified-Since": moment})
    assert response.status_code == 304


async def test_deleted_is_410_everywhere_and_written_again_201(client):
    plan = await created(client, care_plan())
    address = f"/CarePlan/{plan['id']}"
    gone = await client.delete(address, headers={"If-Match": 'W/"1"'})
    assert (gone.status_code, gone.content, gone.headers["etag"]) == (204, b"", 'W/"2"')
    assert "content-type" not in gone.headers
    for read in (address, f"{address}/_history/2"):
        response = await client.get(read)
        assert (response.status_code, problems(response)) == (410, [("deleted", None)])
        assert response.headers["etag"] == 'W/"2"'
    assert (await client.get(f"{address}/_history/1")).json() == plan
    assert (await client.get(f"/CarePlan?_id={plan['id']}")).json()["total"] == 0
    again = await client.delete(address)
    assert (again.status_code, again.headers["etag"]) == (204, 'W/"2"')
    assert (await client.delete("/CarePlan/never-there")).status_code == 204
    back = await client.put(address, json=plan)
    assert (back.status_code, back.headers["etag"]) == (201, 'W/"3"')
    assert back.headers["location"].endswith(f"{address}/_history/3")
    assert (await client.get(address)).status_code == 200


async def test_where_if_match_is_required_an_update_without_it_is_400(settings):
    async with client_of(settings.model_copy(update={"require_if_match": True})) as client:
        first = await client.put("/Goal/g", json=goal(id="g"))
        assert first.status_code == 201
        for method, body in (("PUT", goal(id="g", statusDate="2026-01-01")), ("DELETE", None)):
            response = await client.request(method, "/Goal/g", json=body)
            assert (response.status_code, problems(response)) == (400, [("if-match-required", "http.If-Match")])
        done = await client.delete("/Goal/g", headers={"If-Match": 'W/"1"'})
        assert done.status_code == 204
        capability = (await client.get("/metadata")).json()["rest"][0]["resource"]
        versioning = {item["type"]: item["versioning"] for item in capability if "versioning" in item}
        others = dict.fromkeys(("Provenance", "Subscription"), "versioned")
        assert versioning == dict.fromkeys(TYPES, "versioned-update") | others
