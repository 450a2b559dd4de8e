"""batch and transaction: what becomes of each entry, and of all together."""

import orjson
import pytest

from tests.support.resources import (
    batch,
    care_plan,
    created,
    entry,
    goal,
    new_urn,
    paths,
    problems,
    problems_in,
    risk_assessment,
    send,
    statuses,
    total,
    transaction,
)

URN = "urn:uuid:5c4fb1a6-0001-4b1c-8a4d-3a2f1d0c9b8a"


@pytest.fixture
def client(shared_client):
    return shared_client


def outcomes(response):
    """Return rule and place of the failures in each entry of an answer."""
    return [
        problems_in(item["response"]["outcome"]) if "outcome" in item["response"] else []
        for item in response.json()["entry"]
    ]


async def test_batch_does_what_it_can_and_each_failure_stays_with_its_entry(client):
    kept, gone = await created(client, goal()), await created(client, goal())
    before = await total(client)
    response = await send(
        client,
        batch(
            entry("POST", "Goal", goal()),
            entry("POST", "Goal", goal(lifecycleStatus="bogus", foo=1)),
            entry("GET", f"Goal/{kept['id']}"),
            entry("GET", "Goal/never-there"),
            entry("DELETE", f"Goal/{gone['id']}"),
            entry("PUT", f"Goal/{kept['id']}", {**kept, "statusDate": "2026-01-01"}, ifMatch='W/"7"'),
            entry("POST", "Patient", {"resourceType": "Patient"}),
            entry("GET", "Goal?nonsense=1"),
            entry("GET", f"Goal?_id={kept['id']}"),
            entry("PATCH", f"Goal/{kept['id']}"),
            entry("GET", f"Goal/{kept['id']}", ifNoneMatch='W/"1"'),
            entry("GET", f"Goal/{kept['id']}", ifModifiedSince="2100-01-01T00:00:00Z"),
            entry("GET", "//["),
            {"fullUrl": new_urn()},
        ),
    )
    assert response.json()["type"] == "batch-response"
    assert " ".join(statuses(response)) == "201 400 200 404 204 412 404 400 200 400 304 304 422 422"
    assert await total(client) == before  # one more, one less
    found = outcomes(response)
    assert set(found[1]) == {
        ("binding", "Bundle.entry[1].resource.lifecycleStatus"),
        ("unknown-element", "Bundle.entry[1].resource.foo"),
    }
    assert found[3] == [("unknown-resource", "Bundle.entry[3].request")]
    assert found[5] == [("version-conflict", "Bundle.entry[5].request")]
    assert found[6] == [("unknown-type", "Bundle.entry[6].request")]
    assert found[7] == [("unknown-parameter", "Bundle.entry[7].request")]
    assert found[9] == [("resource-type", "Bundle.entry[9].resource.resourceType")]
    assert found[12] == [("entry-request", "Bundle.entry[12].request.url")]
    assert found[13] == [("bdl-3", "Bundle.entry[13]"), ("bdl-5", "Bundle.entry[13]")]
    entries = response.json()["entry"]
    assert entries[2]["resource"] == kept
    assert entries[2]["response"]["etag"] == 'W/"1"'
    assert entries[8]["resource"]["total"] == 1
    assert "resource" not in entries[4]


async def test_transaction_answers_in_the_order_of_its_entries(client):
    old, gone = await created(client, goal()), await created(client, goal())
    subject = {"reference": f"Patient/{old['id']}"}
    response = await send(
        client,
        transaction(
            entry("GET", f"Goal?subject={subject['reference']}"),
            entry("GET", f"Goal/{gone['id']}/_history"),
            entry("PUT", f"Goal/{old['id']}", {**old, "subject": subject}),
            entry("POST", "Goal", goal(subject=subject)),
            entry("DELETE", f"Goal/{gone['id']}"),
        ),
    )
    assert response.json()["type"] == "transaction-response"
    assert statuses(response) == ["200", "200", "200", "201", "204"]
    answers = [item["response"] for item in response.json()["entry"]]
    assert answers[3]["location"].startswith("Goal/")
    assert answers[3]["location"].endswith("/_history/1")
    assert [answer.get("etag") for answer in answers[2:]] == ['W/"2"', 'W/"1"', 'W/"2"']
    seen, history = (item["resource"] for item in response.json()["entry"][:2])
    assert seen["total"] == 2  # GET comes last and sees what was written
    assert len(history["entry"]) == 2
    assert "resource" not in response.json()["entry"][3]


async def test_delete_comes_before_post_and_put(client):
    old = await created(client, goal())
    both = transaction(entry("PUT", f"Goal/{old['id']}", old), entry("DELETE", f"Goal/{old['id']}"))
    response = await send(client, both)
    assert (response.status_code, problems(response)) == (422, [("entry-duplicate", "Bundle.entry[1].request.url")])
    assert (await client.get(f"/Goal/{old['id']}")).headers["etag"] == 'W/"1"'


@pytest.mark.parametrize(
    ("spoiler", "status", "problem"),
    [
        (entry("POST", "Goal", goal(lifecycleStatus="bogus")), 422, ("binding", "resource.lifecycleStatus")),
        (entry("POST", "Goal", goal(foo=1)), 400, ("unknown-element", "resource.foo")),
        (entry("POST", "Goal", care_plan()), 400, ("resource-type", "resource.resourceType")),
        (entry("POST", "Goal"), 400, ("resource-type", "resource.resourceType")),
        (entry("PUT", "Goal/nobody", goal(id="nobody"), ifMatch='W/"1"'), 412, ("version-conflict", "request")),
        (entry("PUT", "Goal/nobody", goal(id="somebody")), 400, ("id-mismatch", "resource.id")),
        (entry("PUT", "Goal/no_body", goal(id="no_body")), 400, None),
        (entry("GET", "Goal/nobody"), 404, ("unknown-resource", "request")),
        (entry("GET", "Goal?nonsense=1"), 400, ("unknown-parameter", "request")),
        (entry("POST", "Patient", {"resourceType": "Patient"}), 422, ("entry-type", "request.url")),
        (entry("DELETE", "CareTeam/1"), 422, ("entry-type", "request.url")),
        (entry("POST", "Goal", goal(), ifNoneExist="colour=red"), 400, ("unknown-parameter", "request")),
        (entry("PATCH", "Goal/1"), 400, ("resource-type", "resource.resourceType")),
        (entry("HEAD", "Goal/nobody"), 404, ("unknown-resource", "request")),
        (entry("FETCH", "Goal/1"), 422, ("binding", "request.method")),
        (entry("GET", "http://elsewhere.example/fhir/Goal/1"), 422, ("entry-request", "request.url")),
        (entry("GET", "http://["), 422, ("entry-request", "request.url")),
        (entry("GET", "?"), 422, ("entry-request", "request.url")),
        ({"resource": goal()}, 422, ("bdl-3", None)),
        ({"resource": goal(), "request": {"method": "POST"}}, 422, ("cardinality", "request.url")),
        (entry("POST", "Goal/1/2", goal()), 404, ("unknown-address", "request")),
        (entry("PUT", "Goal", goal()), 400, ("parameter-value", "request")),
        (
            entry("POST", "Goal", goal(subject={"reference": "urn:uuid:00000000-0000-0000-0000-000000000000"})),
            422,
            ("reference-unresolved", "resource.subject.reference"),
        ),
    ],
)
async def test_one_bad_entry_among_five_and_nothing_is_stored(client, spoiler, status, problem):
    before = await total(client)
    entries = [entry("POST", "CarePlan", care_plan(), new_urn()) for _ in range(4)]
    entries.insert(2, spoiler)
    response = await send(client, transaction(*entries))
    assert response.status_code == status, response.text
    found = problems(response)
    if problem:
        assert (problem[0], f"Bundle.entry[2].{problem[1]}" if problem[1] else "Bundle.entry[2]") in found
    assert all(place.startswith("Bundle.entry[2]") for _, place in found)
    assert await total(client) == before


async def test_transaction_refused_late_undoes_deletes_and_updates_too(client):
    first, second = await created(client, goal()), await created(client, goal())
    response = await send(
        client,
        transaction(
            entry("DELETE", f"Goal/{first['id']}"),
            entry("PUT", f"Goal/{second['id']}", {**second, "statusDate": "2026-01-01"}),
            entry("GET", "RiskAssessment/never-there"),
        ),
    )
    assert response.status_code == 404
    for made in (first, second):
        assert (await client.get(f"/Goal/{made['id']}")).json() == made
        assert (await client.get(f"/Goal/{made['id']}/_history")).json()["total"] == 1


@pytest.mark.parametrize(
    ("entries", "rule"),
    [
        ([entry("PUT", "Goal/dup-1", goal(id="dup-1"))] * 2, "entry-duplicate"),
        ([entry("POST", "Goal", goal(), URN)] * 2, "bdl-7"),
        ([entry("POST", "Goal", goal(meta={"versionId": each}), URN) for each in "12"], "entry-duplicate"),
    ],
    ids=["target", "fullUrl", "fullUrl of two versions"],
)
async def test_two_entries_with_one_target_are_refused(client, entries, rule):
    response = await send(client, transaction(*entries))
    assert response.status_code == 422
    assert [found for found, _ in problems(response)] == [rule]
    assert (await client.get("/Goal/dup-1")).status_code == 404


@pytest.mark.parametrize("make", [batch, transaction])
async def test_preferred_representation_and_outcome_come_with_each_entry(client, make):
    bundle = make(entry("POST", "Goal", goal()), entry("POST", "CarePlan", care_plan()))
    whole = await send(client, bundle, Prefer="return=representation")
    assert [item["resource"]["resourceType"] for item in whole.json()["entry"]] == ["Goal", "CarePlan"]
    told = await send(client, bundle, Prefer="return=OperationOutcome")
    assert all(item["response"]["outcome"]["issue"][0]["severity"] == "information" for item in told.json()["entry"])
    short = await send(client, bundle, Prefer="return=minimal")
    assert all(set(item) == {"response"} for item in short.json()["entry"])
    assert statuses(whole) == statuses(told) == statuses(short) == ["201", "201"]


@pytest.mark.parametrize("make", [batch, transaction])
async def test_search_by_post_as_an_entry(client, make):
    made = await created(client, risk_assessment())
    parameters = {"resourceType": "Parameters"}
    response = await send(client, make(entry("POST", f"RiskAssessment/_search?_id={made['id']}", parameters)))
    assert statuses(response) == ["200"]
    assert response.json()["entry"][0]["resource"]["entry"][0]["resource"] == made


@pytest.mark.parametrize("make", [batch, transaction])
async def test_a_thousand_entries_are_done_and_one_more_is_413(client, make):
    entries = [entry("POST", "Goal", goal(), new_urn()) for _ in range(1000)]
    response = await send(client, make(*entries), Prefer="return=minimal")
    assert statuses(response) == ["201"] * 1000
    assert len(set(paths(response))) == 1000
    before = await total(client)
    refused = await send(client, make(*entries, entries[0]))
    assert (refused.status_code, problems(refused)) == (413, [("bundle-too-large", "Bundle.entry")])
    assert await total(client) == before


@pytest.mark.parametrize("make", [batch, transaction])
async def test_a_bundle_without_entries_has_an_empty_answer(client, make):
    response = await client.post("", content=orjson.dumps({"resourceType": "Bundle", "type": make()["type"]}))
    assert (response.status_code, response.json()) == (
        200,
        {"resourceType": "Bundle", "type": f"{make()['type']}-response"},
    )


@pytest.mark.parametrize("kind", ["collection", "searchset", "history", "transaction-response", "document"])
async def test_other_bundles_are_refused(client, kind):
    response = await client.post("", content=orjson.dumps({"resourceType": "Bundle", "type": kind}))
    assert (response.status_code, problems(response)) == (422, [("bundle-type", "Bundle.type")])
