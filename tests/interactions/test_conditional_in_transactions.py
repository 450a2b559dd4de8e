"""Conditions in a transaction: which resource an entry is about, or a reference leads to, is found by a search."""

import asyncio
import json
from base64 import b64encode

import pytest

from service.conformance.validation.validator import Validator
from service.interactions import batch as batches
from service.interactions import transaction as transactions
from tests.support.resources import (
    batch,
    by,
    care_plan,
    created,
    entry,
    fresh,
    goal,
    identified,
    new_urn,
    paths,
    problems,
    send,
    statuses,
    total,
    transaction,
)


@pytest.fixture
def client(shared_client):
    return shared_client


async def goals_of(client, plan_path: str) -> list[str]:
    plan = (await client.get(f"/{plan_path.partition('/_history')[0]}")).json()
    return [item["reference"] for item in plan["goal"]]


async def test_a_conditional_create_is_referred_to_whether_it_is_there_or_not(client):
    there, missing, one, two = await created(client, identified(value := fresh())), fresh(), new_urn(), new_urn()
    response = await send(
        client,
        transaction(
            entry("POST", "CarePlan", care_plan(goal=[{"reference": one}, {"reference": two}])),
            entry("POST", "Goal", identified(value), one, ifNoneExist=by(value)),
            entry("POST", "Goal", identified(missing), two, ifNoneExist=by(missing)),
        ),
    )
    assert statuses(response) == ["201", "200", "201"]
    plan, first, second = paths(response)
    assert first == f"Goal/{there['id']}"
    assert await goals_of(client, plan) == [first, second]


async def test_two_entries_with_the_same_condition_are_one_resource(client):
    value, one, two = fresh(), new_urn(), new_urn()
    response = await send(
        client,
        transaction(
            entry("POST", "Goal", identified(value), one, ifNoneExist=by(value)),
            entry("POST", "Goal", identified(value), two, ifNoneExist=by(value)),
            entry("POST", "CarePlan", care_plan(goal=[{"reference": two}])),
        ),
    )
    assert statuses(response) == ["201", "200", "201"]
    first, second, plan = paths(response)
    assert first == second
    assert await goals_of(client, plan) == [first]


async def test_conditions_see_what_the_entries_before_them_leave(client):
    value = fresh()
    gone = await created(client, identified(value))
    response = await send(
        client,
        transaction(
            entry("POST", "Goal", identified(value), ifNoneExist=by(value)),
            entry("DELETE", f"Goal?{by(value)}"),
        ),
    )
    assert statuses(response) == ["201", "204"]
    assert paths(response)[0] != f"Goal/{gone['id']}"
    assert (await client.get(f"/Goal/{gone['id']}")).status_code == 410


async def test_conditional_updates(client):
    there, value, missing, urn = await created(client, identified(known := fresh())), fresh(), fresh(), new_urn()
    response = await send(
        client,
        transaction(
            entry("PUT", f"Goal?{by(known)}", identified(known, statusDate="2026-01-01")),
            entry("PUT", f"Goal?{by(missing)}", identified(missing), urn),
            entry("PUT", f"Goal?{by(value)}", identified(value, id=value)),
            entry("POST", "CarePlan", care_plan(goal=[{"reference": urn}])),
        ),
    )
    assert statuses(response) == ["200", "201", "201", "201"]
    first, second, third, plan = paths(response)
    assert (first, third) == (f"Goal/{there['id']}", f"Goal/{value}")
    assert await goals_of(client, plan) == [second]
    assert (await client.get(f"/{first}")).json()["meta"]["versionId"] == "2"


@pytest.mark.parametrize(
    ("method", "condition"), [("PUT", by("{value}")), ("DELETE", by("{value}")), ("POST", by("{value}"))]
)
async def test_several_matches_are_412_and_nothing_is_done(client, method, condition):
    value = fresh()
    for _ in range(2):
        await created(client, identified(value))
    before = await total(client)
    condition = condition.format(value=value)
    address, header = (f"Goal?{condition}", {}) if method != "POST" else ("Goal", {"ifNoneExist": condition})
    body = None if method == "DELETE" else identified(value)
    response = await send(client, transaction(entry("POST", "Goal", goal()), entry(method, address, body, **header)))
    assert (response.status_code, problems(response)) == (412, [("multiple-matches", "Bundle.entry[1].request")])
    assert await total(client) == before


async def test_a_resource_that_two_entries_come_to_mean_is_refused(client):
    value = fresh()
    there = await created(client, identified(value))
    response = await send(
        client,
        transaction(
            entry("PUT", f"Goal/{there['id']}", {**there, "statusDate": "2026-01-01"}),
            entry("PUT", f"Goal?{by(value)}", identified(value)),
        ),
    )
    assert (response.status_code, problems(response)) == (422, [("entry-duplicate", "Bundle.entry[1].request.url")])
    assert (await client.get(f"/Goal/{there['id']}")).json() == there


async def test_references_by_search_lead_to_what_is_there_and_to_what_comes(client):
    there, new = await created(client, identified(known := fresh())), fresh()
    plan = care_plan(goal=[{"reference": f"Goal?{by(known)}"}, {"reference": f"Goal?{by(new)}"}])
    response = await send(client, transaction(entry("POST", "CarePlan", plan), entry("POST", "Goal", identified(new))))
    assert statuses(response) == ["201", "201"]
    assert await goals_of(client, paths(response)[0]) == [f"Goal/{there['id']}", paths(response)[1]]


async def test_references_by_search_in_a_circle(client):
    one, two = fresh(), fresh()
    plans = [
        care_plan(identifier=[{"system": "urn:plans", "value": own}], partOf=[{"reference": f"CarePlan?{by(other)}"}])
        for own, other in ((one, two), (two, one))
    ]
    response = await send(client, transaction(*(entry("POST", "CarePlan", plan) for plan in plans)))
    first, second = paths(response)
    assert (await client.get(f"/{first}")).json()["partOf"] == [{"reference": second}]
    assert (await client.get(f"/{second}")).json()["partOf"] == [{"reference": first}]


@pytest.mark.parametrize(
    ("reference", "status", "rule"),
    [
        ("Goal?identifier=urn:plans|nobody-has-this", 422, "reference-unresolved"),
        ("Patient?identifier=urn:plans|1", 422, "reference-unresolved"),
        ("Goal?colour=red", 400, "unknown-parameter"),
        ("Goal?_count=1", 400, "parameter-value"),
        ("Goal?patient=Patient/several", 412, "multiple-matches"),
    ],
)
async def test_references_by_search_that_lead_to_none_or_several(client, reference, status, rule):
    for _ in range(2):
        await created(client, goal(subject={"reference": "Patient/several"}))
    before = await total(client)
    plan = care_plan(goal=[{"reference": reference}])
    response = await send(client, transaction(entry("POST", "Goal", goal()), entry("POST", "CarePlan", plan)))
    place = "Bundle.entry[1].resource.goal[0].reference"
    assert (response.status_code, problems(response)) == (status, [(rule, place)])
    assert await total(client) == before


async def test_a_malformed_resource_is_told_and_matches_nothing(client):
    value = fresh()
    response = await send(
        client,
        transaction(
            entry("POST", "Goal", identified(value, lifecycleStatus=7)),
            entry("POST", "Goal", identified(value), ifNoneExist=by(value)),
        ),
    )
    assert response.status_code == 400
    assert problems(response) == [("format", "Bundle.entry[0].resource.lifecycleStatus")]


async def test_a_chain_is_refused_where_the_transaction_could_change_its_answer(client):
    plan = care_plan(goal=[{"reference": "Goal?_has:CarePlan:goal:status=active"}])
    response = await send(client, transaction(entry("POST", "CarePlan", plan), entry("POST", "Goal", goal())))
    place = "Bundle.entry[0].resource.goal[0].reference"
    assert (response.status_code, problems(response)) == (400, [("parameter-value", place)])


async def test_equal_conditional_transactions_at_once_make_each_resource_once(client):
    one, two = fresh(), fresh()
    bundle = transaction(
        entry("POST", "Goal", identified(one), urn := new_urn(), ifNoneExist=by(one)),
        entry(
            "PUT",
            f"CarePlan?{by(two)}",
            care_plan(identifier=[{"system": "urn:plans", "value": two}], goal=[{"reference": urn}]),
        ),
    )
    answers = await asyncio.gather(*(send(client, bundle) for _ in range(16)))
    assert sorted(statuses(answer) for answer in answers) == [["200", "200"]] * 15 + [["201", "201"]]
    assert len({tuple(paths(answer)) for answer in answers}) == 1
    assert paths(answers[0])[1].partition("/")[0] == "CarePlan"


async def test_head_and_a_search_of_the_whole_system(client):
    there = await created(client, goal())
    response = await send(
        client,
        transaction(entry("HEAD", f"Goal/{there['id']}"), entry("GET", f"?_type=Goal&_id={there['id']}")),
    )
    head, search = response.json()["entry"]
    assert head["response"]["etag"] == 'W/"1"'
    assert "resource" not in head
    assert [item["resource"] for item in search["resource"]["entry"]] == [there]


@pytest.mark.parametrize(
    ("method", "url", "status"),
    [
        ("DELETE", "Provenance?recorded=ge2000", 405),
        ("DELETE", "goal?identifier=1", 404),
        ("PUT", "_history?identifier=1", 405),
        ("PATCH", "metadata?identifier=1", 405),
        ("DELETE", "Goal?identifier=urn:plans|1#2", 422),
        ("DELETE", "Goal?identifier=%00", 422),
        ("DELETE", "Goal?identifier=%FF", 422),
        ("GET", "foo:Goal/1", 422),
    ],
)
async def test_a_condition_at_an_address_that_offers_none_is_refused(client, method, url, status):
    before = await total(client)
    body = goal() if method == "PUT" else {"resourceType": "Parameters"} if method == "PATCH" else None
    response = await send(client, transaction(entry("POST", "Goal", goal()), entry(method, url, body)))
    assert response.status_code == status, response.text
    assert await total(client) == before


async def test_links_in_patches_lead_to_the_entries(client):
    plan, one, two = await created(client, care_plan()), new_urn(), new_urn()
    operations = [{"op": "add", "path": "/goal", "value": [{"reference": one}]}]
    binary = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": b64encode(json.dumps(operations).encode()).decode(),
    }
    added = {"name": "operation", "part": [{"name": "type", "valueCode": "add"}]}
    added["part"] += [{"name": "path", "valueString": "CarePlan"}, {"name": "name", "valueString": "goal"}]
    added["part"].append({"name": "value", "valueReference": {"reference": two}})
    other = await created(client, care_plan())
    response = await send(
        client,
        transaction(
            entry("PATCH", f"CarePlan/{plan['id']}", binary),
            entry("PATCH", f"CarePlan/{other['id']}", {"resourceType": "Parameters", "parameter": [added]}),
            entry("POST", "Goal", goal(), one),
            entry("POST", "Goal", goal(), two),
        ),
    )
    assert statuses(response) == ["200", "200", "201", "201"]
    first, second, *goals = paths(response)
    assert [await goals_of(client, first), await goals_of(client, second)] == [[goals[0]], [goals[1]]]


async def test_a_lenient_search_stays_lenient_in_a_transaction(client):
    lenient = {"Prefer": "handling=lenient"}
    response = await client.post("", json=transaction(entry("GET", "Goal?colour=red&_count=1")), headers=lenient)
    assert response.status_code == 200


async def test_an_answer_that_grows_too_large_undoes_a_transaction_and_is_cut_in_a_batch(client, monkeypatch):
    value = fresh()
    there = await created(client, identified(value))
    for module in (batches, transactions):
        monkeypatch.setattr(module, "MOST_ANSWERED", 100)
    entries = [entry("POST", "Goal", goal()), entry("GET", f"Goal/{there['id']}")]
    before = await total(client)
    whole = await send(client, transaction(*entries))
    assert (whole.status_code, problems(whole)) == (413, [("answer-too-large", "Bundle.entry[1].request.url")])
    assert await total(client) == before
    parts = await send(client, batch(*entries))
    assert statuses(parts) == ["201", "413"]
    assert "resource" not in parts.json()["entry"][0]


async def test_many_conditional_creates_cost_as_much_as_as_many_times_one(client):
    """Each condition looks through what is made, which must not be made anew for each."""
    values = [fresh() for _ in range(150)]
    entries = [entry("POST", "Goal", identified(value), ifNoneExist=by(value)) for value in values]
    looked = []
    original = Validator.issues
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Validator, "issues", lambda self, *args: looked.append(1) or original(self, *args))
        response = await send(client, transaction(*entries))
    assert set(statuses(response)) == {"201"}
    assert len(looked) < 3 * len(entries)
