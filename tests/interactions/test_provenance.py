"""Provenance: who contributed which version, as a resource and in the header X-Provenance.

https://hl7.org/fhir/R4/provenance.html
"""

import base64
import itertools
import json

import pytest

from tests.support.app import client_of
from tests.support.resources import (
    batch,
    care_plan,
    created,
    entry,
    goal,
    new_urn,
    problems,
    send,
    statuses,
    total,
    transaction,
    without,
)

PLACE = "http.X-Provenance"
PARTS = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
ROLES = "https://w3id.org/recovery-plan/CodeSystem/contributor-role"


@pytest.fixture
def client(shared_client):
    return shared_client


def agent(part: str, role: str, who: str):
    """Return somebody who took part."""
    return {
        "type": {"coding": [{"system": PARTS, "code": part}]},
        "role": [{"coding": [{"system": ROLES, "code": role}]}],
        "who": {"reference": who},
    }


PERSON = agent("author", "person", "Patient/example")
PEER = agent("author", "peer-support-worker", "Practitioner/example-peer")
SISTER = agent("informant", "family-or-friend", "RelatedPerson/example-sister")
NURSE = agent("enterer", "clinician", "Practitioner/example-nurse")


def record(*agents, **members):
    """Return a Provenance of what ``agents`` did; without a target as the header has it."""
    return {"resourceType": "Provenance", "agent": list(agents or [PERSON]), **members}


def by(*agents, **members) -> dict[str, str]:
    """Return the header that tells of ``agents``."""
    return {"X-Provenance": json.dumps(record(*agents, **members))}


async def records_of(client, target: str):
    """Return the Provenance of a resource or of one of its versions, the earliest first."""
    found = (await client.get("/Provenance", params={"target": target, "_sort": "_id"})).json()
    return [item["resource"] for item in found.get("entry", [])]


async def targets_of(client, target: str) -> list[list[str]]:
    """Return of each Provenance of a resource the references of its targets."""
    return [[item["reference"] for item in found["target"]] for found in await records_of(client, target)]


async def test_a_record_is_created_and_read_and_has_one_version(client):
    plan = await created(client, care_plan())
    target = f"CarePlan/{plan['id']}/_history/1"
    sent = record(PERSON, NURSE, target=[{"reference": target}], recorded="2026-11-20T11:40:00.120+00:00")
    answer = await client.post("/Provenance", json=sent)
    assert answer.status_code == 201
    stored = answer.json()
    assert without(stored, "id", "meta") == sent
    address = f"/Provenance/{stored['id']}"
    assert answer.headers["location"].endswith(f"{address}/_history/1")
    for path in (address, f"{address}/_history/1"):
        read = await client.get(path)
        assert (read.status_code, read.headers["etag"], read.json()) == (200, 'W/"1"', stored)
    history = (await client.get(f"{address}/_history")).json()
    assert [item["resource"] for item in history["entry"]] == [stored]
    assert (await client.get(f"/Provenance?target={target}")).json()["entry"][0]["resource"] == stored
    assert (await client.get(f"{address}/_history/2")).status_code == 404


async def test_what_was_recorded_is_not_changed(client):
    sent = record(target=[{"reference": "CarePlan/any"}], recorded="2026-11-20T11:40:00Z")
    stored = await created(client, sent)
    for address, allowed in ((f"/Provenance/{stored['id']}", "GET, HEAD"), ("/Provenance", "GET, POST, HEAD")):
        for method in ("PUT", "PATCH", "DELETE"):
            answer = await client.request(method, f"{address}?target=CarePlan/any", json=stored)
            assert (answer.status_code, answer.headers["allow"]) == (405, allowed), (method, address)
            assert problems(answer) == [("method-not-allowed", None)]
    entries = [entry("PUT", f"Provenance/{stored['id']}", stored), entry("DELETE", f"Provenance/{stored['id']}")]
    assert statuses(await send(client, batch(*entries))) == ["405", "405"]
    for each in entries:
        assert (await send(client, transaction(each, entry("POST", "Goal", goal())))).status_code == 405
    for mode in ("update", "delete"):
        answer = await client.post(f"/Provenance/{stored['id']}/$validate?mode={mode}", json=stored)
        assert problems(answer) == [("parameter-value", "http.mode")]
    assert (await client.get(f"/Provenance/{stored['id']}")).json() == stored
    (capability,) = [
        item for item in (await client.get("/metadata")).json()["rest"][0]["resource"] if item["type"] == "Provenance"
    ]
    assert {item["code"] for item in capability["interaction"]}.isdisjoint({"update", "patch", "delete"})


@pytest.mark.parametrize(
    ("change", "rule", "place"),
    [
        ({"target": None}, "cardinality", "Provenance.target"),
        ({"recorded": None}, "cardinality", "Provenance.recorded"),
        ({"recorded": "2026-11-20"}, "format", "Provenance.recorded"),
        ({"agent": None}, "cardinality", "Provenance.agent"),
        ({"agent": [{"type": PERSON["type"]}]}, "cardinality", "Provenance.agent[0].who"),
        ({"location": {"reference": "Goal/1"}}, "reference-target", "Provenance.location.reference"),
        ({"entity": [{"role": "x", "what": {"display": "a"}}]}, "binding", "Provenance.entity[0].role"),
        ({"signature": [{"data": "*"}]}, "format", "Provenance.signature[0].data"),
        ({"policies": ["urn:x"]}, "unknown-element", "Provenance.policies"),
    ],
)
async def test_a_record_that_breaks_a_rule_is_refused(client, change, rule, place):
    whole = record(target=[{"reference": "CarePlan/1"}], recorded="2026-11-20T11:40:00Z") | change
    answer = await client.post("/Provenance", json={key: value for key, value in whole.items() if value is not None})
    assert answer.status_code in (400, 422)
    assert (rule, place) in problems(answer)


async def test_where_references_have_to_exist_so_do_targets(settings):
    async with client_of(settings.model_copy(update={"references": "always"})) as client:
        lost = record(target=[{"reference": "CarePlan/none"}], recorded="2026-11-20T11:40:00Z")
        answer = await client.post("/Provenance", json=lost)
        assert (answer.status_code, problems(answer)) == (422, [("reference-exists", "Provenance.target[0].reference")])
        plan = await client.put("/CarePlan/p", json=care_plan(id="p"), headers=by())
        assert plan.status_code == 201
        assert await targets_of(client, "CarePlan/p") == [["CarePlan/p/_history/1"]]
        lost = by(entity=[{"role": "source", "what": {"reference": "Goal/none"}}])
        answer = await client.post("/Goal", json=goal(), headers=lost)
        assert problems(answer) == [("reference-exists", f"{PLACE}.entity[0].what.reference")]


async def test_the_header_tells_who_contributed_which_version(client):
    plan = (await client.post("/CarePlan", json=care_plan(), headers=by(PERSON, PEER))).json()
    name = f"CarePlan/{plan['id']}"
    changed = await client.put(f"/{name}", json={**plan, "title": "Ours"}, headers=by(SISTER, NURSE))
    assert (changed.status_code, changed.headers["etag"]) == (200, 'W/"2"')
    first, second = await records_of(client, name)
    assert first["target"] == [{"reference": f"{name}/_history/1"}]
    assert second["target"] == [{"reference": f"{name}/_history/2"}]
    assert (first["agent"], second["agent"]) == ([PERSON, PEER], [SISTER, NURSE])
    assert first["recorded"] == plan["meta"]["lastUpdated"]
    assert second["recorded"] == changed.json()["meta"]["lastUpdated"]
    assert await records_of(client, f"{name}/_history/2") == [second]
    found = (await client.get(f"/CarePlan?_id={plan['id']}&_revinclude=Provenance:target")).json()["entry"]
    assert [(item["resource"]["resourceType"], item["search"]["mode"]) for item in found] == [
        ("CarePlan", "match"),
        ("Provenance", "include"),
        ("Provenance", "include"),
    ]
    (led_to,) = [
        item["resource"]
        for item in (await client.get(f"/Provenance?_id={first['id']}&_include=Provenance:target")).json()["entry"]
        if item["search"]["mode"] == "include"
    ]
    assert led_to == changed.json()
    asked = f"/CarePlan?_has:Provenance:target:agent-role=family-or-friend&_id={plan['id']}&_summary=count"
    assert (await client.get(asked)).json()["total"] == 1


@pytest.mark.parametrize("resource_type", ["CarePlan", "Goal", "RiskAssessment"])
async def test_it_goes_with_an_update_that_creates_and_with_one_after_a_deletion(client, resource_type):
    resource = {
        "CarePlan": care_plan(),
        "Goal": goal(),
        "RiskAssessment": {"resourceType": "RiskAssessment", "status": "draft", "subject": {"display": "Robin"}},
    }[resource_type]
    if resource_type == "RiskAssessment":
        resource["status"] = "preliminary"
    name = f"{resource_type}/{new_urn().rpartition(':')[2]}"
    whole = {**resource, "id": name.partition("/")[2]}
    assert (await client.put(f"/{name}", json=whole, headers=by(PERSON))).status_code == 201
    assert (await client.delete(f"/{name}")).status_code == 204
    assert (await client.put(f"/{name}", json=whole, headers=by(PEER))).status_code == 201
    assert await targets_of(client, name) == [[f"{name}/_history/1"], [f"{name}/_history/3"]]


async def test_it_goes_with_a_patch(client):
    plan = await created(client, care_plan())
    name = f"CarePlan/{plan['id']}"
    headers = {**by(PEER), "Content-Type": "application/json-patch+json"}
    patch = [{"op": "add", "path": "/title", "value": "Ours"}]
    assert (await client.patch(f"/{name}", json=patch, headers=headers)).status_code == 200
    assert (await client.patch(f"/{name}", json=patch, headers=headers)).headers["etag"] == 'W/"2"'
    assert (await client.patch(f"/{name}", json=[{"op": "remove", "path": "/no"}], headers=headers)).status_code == 422
    assert await targets_of(client, name) == [[f"{name}/_history/2"]]


async def test_it_goes_with_conditional_writes_that_write(client):
    value = new_urn()
    known, body = f"identifier={value}", goal(identifier=[{"value": value}])
    create = [await client.post("/Goal", json=body, headers={**by(), "If-None-Exist": known}) for _ in range(2)]
    assert [answer.status_code for answer in create] == [201, 200]
    name = f"Goal/{create[0].json()['id']}"
    changed = {**body, "statusDate": "2026-11-20"}
    update = [await client.put(f"/Goal?{known}", json=changed, headers=by(NURSE)) for _ in range(2)]
    assert [answer.headers["etag"] for answer in update] == ['W/"2"', 'W/"2"']
    assert await targets_of(client, name) == [[f"{name}/_history/1"], [f"{name}/_history/2"]]


async def test_what_changes_nothing_or_is_refused_has_none(client):
    plan = await created(client, care_plan())
    name = f"CarePlan/{plan['id']}"
    before = await total(client)
    same = await client.put(f"/{name}", json=plan, headers=by())
    assert (same.status_code, same.headers["etag"]) == (200, 'W/"1"')
    late = {**by(), "If-Match": 'W/"7"'}
    assert (await client.put(f"/{name}", json={**plan, "title": "x"}, headers=late)).status_code == 412
    assert (await client.post("/CarePlan", json=care_plan(status="x"), headers=by())).status_code == 422
    assert (await client.post("/CarePlan", content="{", headers=by())).status_code == 400
    assert await total(client) == before


HEADERS = [
    ("{", 400, "not-json", ""),
    ("", 400, "not-json", ""),
    ("null", 400, "resource-type", ".resourceType"),
    ("[]", 400, "resource-type", ".resourceType"),
    ("{}", 400, "resource-type", ".resourceType"),
    ('{"resourceType": "Goal"}', 400, "resource-type", ".resourceType"),
    ('{"resourceType": "Provenance", "agent": [], "agent": []}', 400, "duplicate-key", ""),
    (f"{json.dumps(record())}, {json.dumps(record())}", 400, "not-json", ""),
    ('{"resourceType": "Provenance"}', 422, "cardinality", ".agent"),
    (json.dumps(record(target=[{"reference": "CarePlan/1"}])), 400, "header-value", ".target"),
    (json.dumps(record(recorded="yesterday")), 400, "format", ".recorded"),
    (json.dumps(record(_recorded={})), 400, "wrong-type", ".recorded"),
    (json.dumps(record(agents=[])), 400, "unknown-element", ".agents"),
    (json.dumps(record({"who": {"reference": "Goal/1"}})), 422, "reference-target", ".agent[0].who.reference"),
    (json.dumps(record(text={"status": "generated", "div": "<div/>"})), 422, "txt-2", ".text.div"),
    (b'{"resourceType": "Provenance", "id": "\xff"}', 400, "not-json", ""),
    (json.dumps(record(policy=["urn:" + "x" * 40_000])), 431, "header-too-long", ""),
    ("[" * 20_000, 400, "nesting", ""),
]


@pytest.mark.parametrize(("header", "status", "rule", "place"), HEADERS, ids=[item[0][:60] for item in HEADERS])
async def test_a_header_that_cannot_be_used_leaves_nothing_stored(client, header, status, rule, place):
    old = await created(client, goal())
    before = await total(client)
    sent = {"X-Provenance": header}
    answers = [
        await client.post("/Goal", json=goal(), headers=sent),
        await client.put(f"/Goal/{old['id']}", json={**old, "statusDate": "2026-11-20"}, headers=sent),
        await send(client, transaction(entry("POST", "Goal", goal())), **sent),
    ]
    for answer in answers:
        assert answer.status_code == status, answer.text
        assert (rule, PLACE + place) in problems(answer)
        assert "location" not in answer.json()["issue"][0]
    assert await total(client) == before
    assert (await client.get(f"/Goal/{old['id']}")).headers["etag"] == 'W/"1"'


async def test_a_request_that_writes_no_version_takes_no_header(client):
    old = await created(client, goal())
    name, before = f"Goal/{old['id']}", await total(client)
    answers = [
        await client.get(f"/{name}", headers=by()),
        await client.get("/Goal", headers=by()),
        await client.get("", headers=by()),
        await client.get("/metadata", headers=by()),
        await client.get(f"/{name}/_history", headers=by()),
        await client.post("/Goal/$validate", json=goal(), headers=by()),
        await client.delete(f"/{name}", headers=by()),
        await client.post("/Goal/_search", headers=by()),
        await send(client, batch(entry("POST", "Goal", goal())), **by()),
        await send(client, transaction(entry("DELETE", name)), **by()),
        await send(client, transaction(entry("GET", name)), **by()),
    ]
    for answer in answers:
        assert (answer.status_code, problems(answer)) == (400, [("header-value", PLACE)]), answer.text
    assert await total(client) == before


async def test_one_tells_of_all_that_a_transaction_wrote(client):
    same, old, gone = [await created(client, goal()) for _ in range(3)]
    urn = new_urn()
    bundle = transaction(
        entry("POST", "CarePlan", care_plan(goal=[{"reference": urn}])),
        entry("POST", "Goal", goal(), urn),
        entry("PUT", f"Goal/{old['id']}", {**old, "statusDate": "2026-11-20"}),
        entry("PUT", f"Goal/{same['id']}", same),
        entry("DELETE", f"Goal/{gone['id']}"),
        entry("GET", f"Goal/{same['id']}"),
    )
    before = await total(client)
    answer = await send(client, bundle, **by(PERSON, SISTER))
    assert statuses(answer) == ["201", "201", "200", "200", "204", "200"]
    written = [item["response"]["location"] for item in answer.json()["entry"][:3]]
    (told,) = await records_of(client, written[0])
    assert {item["reference"] for item in told["target"]} == set(written)
    assert written[2] == f"Goal/{old['id']}/_history/2"
    assert [await records_of(client, name) for name in written[1:]] == [[told], [told]]
    assert await total(client) == before + 2  # a plan, a goal and who wrote them, and one goal less
    again = await send(client, transaction(entry("PUT", f"Goal/{same['id']}", same)), **by())
    assert statuses(again) == ["200"]
    assert await total(client) == before + 2


async def test_a_transaction_that_fails_has_none(client):
    before = await total(client)
    bundle = transaction(entry("POST", "Goal", goal()), entry("PUT", "Goal/x", goal(id="x"), ifMatch='W/"9"'))
    assert (await send(client, bundle, **by())).status_code == 412
    assert await total(client) == before


async def test_a_record_may_come_as_an_entry_of_the_transaction_that_it_is_about(client):
    urn = new_urn()
    told = record(target=[{"reference": urn}], recorded="2026-11-20T11:40:00Z")
    answer = await send(client, transaction(entry("POST", "Provenance", told), entry("POST", "Goal", goal(), urn)))
    _, location = [item["response"]["location"] for item in answer.json()["entry"]]
    name = location.partition("/_history/")[0]
    assert await targets_of(client, name) == [[name]]


@pytest.fixture
async def clashing(settings):
    """A client of a service whose second new id, and every later one, is that of a Provenance that is stored."""
    ids = itertools.chain(["taken", "first"], itertools.repeat("taken"))
    async with client_of(settings, new_id=lambda: next(ids)) as client:
        old = record(target=[{"reference": "Goal/any"}], recorded="2026-11-20T11:40:00Z")
        assert (await created(client, old))["id"] == "taken"
        yield client


async def test_where_the_record_cannot_be_stored_nothing_is(clashing):
    answer = await clashing.post("/CarePlan", json=care_plan(), headers=by())
    assert (answer.status_code, problems(answer)) == (409, [("write-conflict", None)])
    assert (await clashing.get("/CarePlan/first")).status_code == 404

    plan = care_plan(id="plan")
    assert (await clashing.put("/CarePlan/plan", json=plan)).status_code == 201
    ways = {
        "update": await clashing.put("/CarePlan/plan", json={**plan, "title": "x"}, headers=by()),
        "transaction": await send(
            clashing,
            transaction(entry("PUT", "CarePlan/plan", {**plan, "title": "x"}), entry("PUT", "Goal/g", goal(id="g"))),
            **by(),
        ),
    }
    for way, refused in ways.items():
        assert refused.status_code == 409, way
    assert (await clashing.get("/CarePlan/plan")).headers["etag"] == 'W/"1"'
    assert (await clashing.get("/CarePlan/plan/_history")).json()["total"] == 1
    assert (await clashing.get("/Goal/g")).status_code == 404
    assert await total(clashing) == 2


async def test_signatures_come_back_byte_for_byte(client):
    data = base64.b64encode(bytes(range(256)) * 8).decode()
    signature = (
        '{"type":[{"system":"urn:iso-astm:E1762-95:2013","code":"1.2.840.10065.1.12.1.1"}],'
        '"when":"2026-11-20T11:38:00.10+00:00","who":{"reference":"Patient/example"},'
        f'"targetFormat":"application/fhir+json","sigFormat":"application/jose","data":"{data}"}}'
    )
    agents = json.dumps([PERSON], separators=(",", ":"))
    header = f'{{"resourceType":"Provenance","agent":{agents},"signature":[{signature}]}}'
    plan = await client.post("/CarePlan", json=care_plan(), headers={"X-Provenance": header})
    (told,) = await records_of(client, f"CarePlan/{plan.json()['id']}")
    read = await client.get(f"/Provenance/{told['id']}")
    assert f'"signature":[{signature}]' in read.text
    whole = f'{{"resourceType":"Provenance","target":[{{"reference":"CarePlan/1"}}],{header[29:-1]},"recorded":"2026-11-20T11:40:00.120+00:00"}}'  # noqa: E501
    stored = await client.post("/Provenance", content=whole)
    assert stored.status_code == 201
    assert f'"signature":[{signature}],"recorded":"2026-11-20T11:40:00.120+00:00"' in stored.text


async def test_a_moment_and_names_in_the_header_are_kept_as_they_are(client):
    given = record(PERSON, recorded="2026-11-19T23:00:00.1200+09:00", location={"display": "Café Zoë"})
    for text in (json.dumps(given), json.dumps(given, ensure_ascii=False)):
        made = await client.post("/Goal", json=goal(), headers={"X-Provenance": text.encode()})
        (told,) = await records_of(client, f"Goal/{made.json()['id']}")
        assert without(told, "id", "meta", "target") == given


async def test_a_write_sent_again_with_its_key_has_one(client):
    headers = {**by(), "Idempotency-Key": f'"{new_urn()}"'}
    first, again = [await client.post("/Goal", json=goal(), headers=headers) for _ in range(2)]
    assert again.content == first.content
    assert len(await records_of(client, f"Goal/{first.json()['id']}")) == 1
    other = {**headers, **by(NURSE)}
    assert (await client.post("/Goal", json=goal(), headers=other)).status_code == 422


async def test_it_goes_with_labels_that_make_a_version(client):
    old = await created(client, goal())
    name = f"Goal/{old['id']}"
    tags = {"tag": [{"system": "http://tags.example.org", "code": "read-together"}]}
    body = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": tags}]}
    for _ in range(2):
        assert (await client.post(f"/{name}/$meta-add", json=body, headers=by(NURSE))).status_code == 200
    assert await targets_of(client, name) == [[f"{name}/_history/2"]]


async def test_the_header_is_json_whatever_the_body_is(client):
    body = (
        '<Goal xmlns="http://hl7.org/fhir"><lifecycleStatus value="active"/><description><text value="My own money"/>'
        '</description><subject><reference value="Patient/example"/></subject></Goal>'
    )
    form = {"Content-Type": "application/fhir+xml", "Accept": "application/fhir+xml"}
    made = await client.post("/Goal", content=body, headers={**form, **by(PERSON)})
    assert made.status_code == 201, made.text
    name = made.headers["location"].partition("/R4/")[2].partition("/_history/")[0]
    (told,) = await records_of(client, name)
    assert told["agent"] == [PERSON]
    read = await client.get(f"/Provenance/{told['id']}", headers=form)
    assert read.headers["content-type"].startswith("application/fhir+xml")
    assert f'<target><reference value="{name}/_history/1"/></target>' in read.text
    put_back = await client.post("/Provenance", content=read.content, headers=form)
    assert put_back.status_code == 201, put_back.text
