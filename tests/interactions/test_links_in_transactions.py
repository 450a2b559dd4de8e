"""Links between the entries of a transaction become links between the resources that they become."""

import asyncio

import pytest

from tests.support.resources import care_plan, entry, goal, new_urn, paths, problems, risk_assessment, send, transaction

BASE = "http://record.example/fhir"


@pytest.fixture
def client(shared_client):
    return shared_client


async def stored(client, response):
    """Return the resources of a transaction's answer as reads give them."""
    assert response.status_code == 200, response.text
    return [(await client.get(f"/{path}")).json() for path in paths(response)]


@pytest.mark.parametrize(
    ("full_url", "reference"),
    [
        ("urn:uuid:5c4fb1a6-0001-4b1c-8a4d-3a2f1d0c9b8a", None),
        ("urn:oid:1.2.3.4.5", None),
        (f"{BASE}/Goal/17", None),
        (f"{BASE}/Goal/17", "Goal/17"),
    ],
)
async def test_reference_follows_its_target_however_it_is_written(client, full_url, reference):
    plan = care_plan(goal=[{"reference": reference or full_url, "display": full_url}])
    bundle = transaction(
        entry("POST", "CarePlan", plan, f"{BASE}/CarePlan/1"), entry("POST", "Goal", goal(id="17"), full_url)
    )
    response = await send(client, bundle)
    made, _ = await stored(client, response)
    assert made["goal"] == [{"reference": paths(response)[1], "display": full_url}]


async def test_relative_reference_is_of_the_entrys_own_server_only(client):
    plan = care_plan(goal=[{"reference": "Goal/17"}, {"reference": "http://other.example/fhir/Goal/17"}])
    bundle = transaction(
        entry("POST", "CarePlan", plan, "http://other.example/fhir/CarePlan/1"),
        entry("POST", "CarePlan", plan, new_urn()),
        entry("POST", "Goal", goal(), f"{BASE}/Goal/17"),
    )
    first, second, _ = await stored(client, await send(client, bundle))
    assert first["goal"] == second["goal"] == plan["goal"]


async def test_links_are_rewritten_wherever_they_are_addresses_and_nowhere_else(client):
    urn, other = new_urn(), new_urn()
    div = '<div xmlns="http://www.w3.org/1999/xhtml"><a href="%s">x</a><img src=\'%s\' alt="%s"/> %s</div>'
    extension = {
        "url": "http://example.org/x",
        "extension": [{"url": "u", "valueUri": urn}, {"url": "s", "valueString": urn}],
    }
    plan = care_plan(
        text={"status": "generated", "div": div % (urn, urn, urn, urn)},
        identifier=[{"system": "urn:ietf:rfc:3986", "value": urn}],
        extension=[extension, {"url": "http://example.org/r", "valueReference": {"reference": urn}}],
        instantiatesUri=[urn, "http://untouched.example"],
        description=urn,
        contained=[risk_assessment(id="c", basis=[{"reference": urn}])],
        supportingInfo=[{"reference": "#c"}, {"reference": urn, "_reference": {"id": "kept"}}],
        activity=[{"outcomeReference": [{"reference": other}]}],
    )
    bundle = transaction(
        entry("POST", "CarePlan", plan),
        entry("POST", "Goal", goal(), urn),
        entry("PUT", f"Goal/{other[9:]}", goal(id=other[9:]), other),
    )
    response = await send(client, bundle)
    made, *_ = await stored(client, response)
    path = paths(response)[1]
    assert made["text"]["div"] == div % (path, path, urn, urn)
    assert made["identifier"] == plan["identifier"]
    assert made["extension"][0]["extension"] == [{"url": "u", "valueUri": path}, {"url": "s", "valueString": urn}]
    assert made["extension"][1]["valueReference"] == {"reference": path}
    assert made["instantiatesUri"] == [path, "http://untouched.example"]
    assert made["description"] == urn
    assert made["contained"][0]["basis"] == [{"reference": path}]
    assert made["supportingInfo"] == [{"reference": "#c"}, {"reference": path, "_reference": {"id": "kept"}}]
    assert made["activity"] == [{"outcomeReference": [{"reference": f"Goal/{other[9:]}"}]}]


async def test_entries_may_refer_to_each_other_and_to_themselves(client):
    plan_urn, goal_urn = new_urn(), new_urn()
    plan = care_plan(goal=[{"reference": goal_urn}], partOf=[{"reference": plan_urn}])
    aim = goal(extension=[{"url": "http://example.org/plan", "valueReference": {"reference": plan_urn}}])
    response = await send(
        client, transaction(entry("POST", "CarePlan", plan, plan_urn), entry("POST", "Goal", aim, goal_urn))
    )
    made, made_goal = await stored(client, response)
    plan_path, goal_path = paths(response)
    assert (made["goal"], made["partOf"]) == ([{"reference": goal_path}], [{"reference": plan_path}])
    assert made_goal["extension"][0]["valueReference"] == {"reference": plan_path}


async def test_updated_resource_is_the_target_of_its_full_url(client):
    urn, new_id = new_urn(), new_urn()[9:]
    bundle = transaction(
        entry("PUT", f"Goal/{new_id}", goal(id=new_id), urn),
        entry("POST", "CarePlan", care_plan(goal=[{"reference": urn}])),
    )
    _, made = await stored(client, await send(client, bundle))
    assert made["goal"] == [{"reference": f"Goal/{new_id}"}]


async def test_every_reference_that_leads_nowhere_is_named(client):
    plan = care_plan(
        goal=[{"reference": new_urn()}, {"reference": "Goal/elsewhere"}],
        activity=[{"detail": {"status": "scheduled", "performer": [{"reference": "urn:oid:1.2.3"}]}}],
    )
    response = await send(client, transaction(entry("POST", "Goal", goal()), entry("POST", "CarePlan", plan)))
    assert response.status_code == 422
    assert problems(response) == [
        ("reference-unresolved", "Bundle.entry[1].resource.activity[0].detail.performer[0].reference"),
        ("reference-unresolved", "Bundle.entry[1].resource.goal[0].reference"),
    ]
    assert plan["goal"][0]["reference"] not in response.text


async def test_target_type_is_checked_after_rewriting(client):
    urn = new_urn()
    bundle = transaction(
        entry("POST", "CarePlan", care_plan(goal=[{"reference": urn}])),
        entry("POST", "RiskAssessment", risk_assessment(), urn),
    )
    response = await send(client, bundle)
    assert response.status_code == 422
    assert problems(response) == [("reference-target", "Bundle.entry[0].resource.goal[0].reference")]


async def test_transactions_that_touch_the_same_resource_all_get_through_or_are_told(client):
    new_id = new_urn()[9:]

    async def one(number):
        body = goal(id=new_id, description={"text": str(number)})
        return await send(
            client, transaction(entry("PUT", f"Goal/{new_id}", body), entry("POST", "CarePlan", care_plan()))
        )

    responses = await asyncio.gather(*(one(number) for number in range(5)))
    assert {item.status_code for item in responses} <= {200, 409}
    done = sum(item.status_code == 200 for item in responses)
    history = (await client.get(f"/Goal/{new_id}/_history")).json()
    assert done == history["total"] == len(history["entry"])
    assert done >= 1
