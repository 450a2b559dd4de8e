"""Conditions in a transaction: which resource an entry is about, or a reference leads to, is found by a search."""

import asyncio

import pytest

from tests.support.resources import (
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
