"""Rules that need other resources, where several are written at once or one after the other.

What a single resource may refer to stands in ``test_five_ways.py``.
"""

import pytest

from service.settings import Settings
from tests.interactions.test_five_ways import obligation, to
from tests.support.app import client_of
from tests.support.five_ways import CLINICAL, OF_OTHER_PERSON, OTHER_PERSON
from tests.support.recovery import PERSON, assessment, goal, plan
from tests.support.resources import created, entry, new_urn, problems_in, send, statuses, transaction


@pytest.fixture
def client(world):
    return world


def errors(response):
    """Return rule and place of each error; the transaction was refused."""
    assert response.status_code == 422, response.text
    issues = [issue for issue in response.json()["issue"] if issue["severity"] == "error"]
    return problems_in({**response.json(), "issue": issues})


async def test_what_a_transaction_writes_may_be_referred_to_in_it(client):
    first, second, third = new_urn(), new_urn(), new_urn()
    pertains = {"url": "http://hl7.org/fhir/StructureDefinition/resource-pertainsToGoal", "valueReference": to(first)}
    bundle = transaction(
        entry("POST", "CarePlan", plan(goal=[to(first), to(second)], supportingInfo=[to(third)]), new_urn()),
        entry("POST", "Goal", obligation(to(first)), second),
        entry("POST", "RiskAssessment", assessment(extension=[*assessment()["extension"], pertains]), third),
        entry("POST", "Goal", goal(), first),
    )
    assert statuses(await send(client, bundle)) == ["201"] * 4


async def test_what_a_transaction_puts_may_be_referred_to_by_its_id(client):
    made = f"put-{new_urn()[9:]}"
    bundle = transaction(
        entry("POST", "CarePlan", plan(goal=[to(f"Goal/{made}")])), entry("PUT", f"Goal/{made}", goal(id=made))
    )
    assert statuses(await send(client, bundle)) == ["201", "201"]


async def test_an_obligation_may_support_a_goal_that_becomes_personal_with_it(client):
    aim = await created(client, goal(category=CLINICAL, expressedBy=None))
    address = f"Goal/{aim['id']}"
    assert errors(await client.post("/Goal", json=obligation(to(address))))[0][0] == "rg-5"
    bundle = transaction(
        entry("POST", "Goal", obligation(to(address))), entry("PUT", address, {**goal(), "id": aim["id"]})
    )
    assert statuses(await send(client, bundle)) == ["201", "200"]


async def test_what_a_transaction_deletes_may_not_be_referred_to_in_it(client):
    aim = await created(client, goal())
    address = f"Goal/{aim['id']}"
    bundle = transaction(entry("POST", "CarePlan", plan(goal=[to(address)])), entry("DELETE", address))
    assert errors(await send(client, bundle)) == [("reference-exists", "Bundle.entry[0].resource.goal[0].reference")]
    assert (await client.get(f"/{address}")).status_code == 200


async def test_a_goal_that_a_transaction_gives_to_another_person_counts_as_theirs(client):
    aim = await created(client, goal())
    address = f"Goal/{aim['id']}"
    moved = {**goal(**OF_OTHER_PERSON), "id": aim["id"]}
    bundle = transaction(entry("PUT", address, moved), entry("POST", "CarePlan", plan(goal=[to(address)])))
    assert errors(await send(client, bundle)) == [("same-person", "Bundle.entry[1].resource.goal[0].reference")]
    assert statuses(await send(client, transaction(entry("PUT", address, moved)))) == ["200"]


async def test_every_entry_of_a_transaction_is_told_its_issues(client):
    bundle = transaction(
        entry("POST", "CarePlan", plan(goal=[to("Goal/none"), to("Goal/of-other-person")])),
        entry("POST", "Goal", obligation(to("Goal/clinical"))),
        entry("POST", "Goal", goal(aim="x")),
    )
    response = await send(client, bundle)
    assert response.status_code == 400
    assert problems_in(response.json()) == [
        ("reference-exists", "Bundle.entry[0].resource.goal[0].reference"),
        ("same-person", "Bundle.entry[0].resource.goal[1].reference"),
        ("rg-5", "Bundle.entry[1].resource.extension[1].extension[1].value.ofType(Reference)"),
        ("unknown-element", "Bundle.entry[2].resource.aim"),
    ]


@pytest.mark.parametrize("malformed", ["text", 7, [1], [], None, {}, {"resourceType": "Goal", "subject": "x"}])
async def test_what_another_entry_makes_a_mess_of_is_told_there_alone(client, malformed):
    urn = new_urn()
    bundle = transaction(
        entry("POST", "CarePlan", plan(goal=[to(urn)])),
        entry("POST", "Goal", obligation(to(urn))),
        {**entry("POST", "Goal", {}, urn), "resource": malformed},
    )
    response = await send(client, bundle)
    assert response.status_code == 400
    rules = {rule for rule, place in problems_in(response.json()) if not place.startswith("Bundle.entry[2]")}
    assert rules <= {"rg-5", "same-person"}


async def test_rules_hold_at_the_time_of_the_write_alone(client):
    aim = await created(client, goal())
    address = f"Goal/{aim['id']}"
    made = await created(client, plan(goal=[to(address)]))
    assert (await client.delete(f"/{address}")).status_code == 204
    assert (await client.get(f"/CarePlan/{made['id']}")).json() == made
    refused = await client.put(f"/CarePlan/{made['id']}", json={**made, "title": "changed"})
    assert errors(refused) == [("reference-exists", "CarePlan.goal[0].reference")]
    withdrawn = await client.put(f"/CarePlan/{made['id']}", json={**made, "status": "entered-in-error"})
    assert withdrawn.status_code == 200


async def test_a_resource_may_refer_to_itself_only_where_it_is_put(client):
    made = f"self-{new_urn()[9:]}"
    own = plan(id=made, replaces=[to(f"CarePlan/{made}")])
    assert (await client.put(f"/CarePlan/{made}", json=own)).status_code == 201
    other = f"self-{new_urn()[9:]}"
    posted = await client.post("/CarePlan", json=plan(id=other, replaces=[to(f"CarePlan/{other}")]))
    assert errors(posted) == [("reference-exists", "CarePlan.replaces[0].reference")]


async def test_thousands_of_references_are_asked_for_at_once_and_a_hundred_told(client):
    many = [to(f"Goal/none-{number}") for number in range(11_000)]
    response = await client.post("/CarePlan", json=plan(goal=[to("Goal/example"), *many]))
    assert response.status_code == 422
    assert [issue["severity"] for issue in response.json()["issue"]] == ["error"] * 100 + ["information"]


@pytest.fixture(scope="module")
async def addressed_client(mongodb_uri):
    """A client of a service that knows its own address, and one at which persons are the same."""
    settings = Settings(
        mongodb_uri=mongodb_uri,
        mongodb_database="test_addresses",
        base_url="https://plans.example",
        patient_bases=("https://records.example/fhir",),
    )
    async with client_of(settings) as found:
        yield found


@pytest.mark.parametrize(
    ("subject", "of_goal", "is_same"),
    [
        ("Patient/1", "Patient/1/_history/2", True),
        ("Patient/1", "https://plans.example/fhir/R4/Patient/1", True),
        ("https://plans.example/fhir/R4/Patient/1", "Patient/1", True),
        ("Patient/1", "https://records.example/fhir/Patient/1", True),
        ("https://plans.example/fhir/R4/Patient/1", "https://records.example/fhir/Patient/1/_history/4", True),
        ("Patient/1", "https://elsewhere.example/fhir/Patient/1", False),
        ("https://elsewhere.example/fhir/Patient/1", "https://elsewhere.example/fhir/Patient/1", True),
        ("https://elsewhere.example/fhir/Patient/1", "https://records.example/fhir/Patient/1", False),
        ("Patient/1", "Patient/2", False),
        ("Patient/1", "Patient/1x", False),
    ],
)
async def test_the_same_person_under_other_addresses(addressed_client, subject, of_goal, is_same):
    aim = await created(addressed_client, goal(subject=to(of_goal), expressedBy=to(of_goal)))
    whose = {"subject": to(subject), "contributor": [to(subject)], "note": None, "extension": None}
    response = await addressed_client.post("/CarePlan", json=plan(goal=[to(f"Goal/{aim['id']}")], **whose))
    if is_same:
        assert response.status_code == 201, response.text
    else:
        assert errors(response) == [("same-person", "CarePlan.goal[0].reference")]


NUMBER = {"system": "https://numbers.example", "value": "17"}


@pytest.mark.parametrize(
    ("subject", "of_goal", "is_same"),
    [
        ({"identifier": NUMBER}, {"identifier": NUMBER}, True),
        ({"identifier": NUMBER}, {"identifier": {**NUMBER, "use": "official"}, **PERSON}, True),
        ({"identifier": NUMBER}, {"identifier": {**NUMBER, "value": "18"}}, False),
        ({"identifier": NUMBER}, {"identifier": {**NUMBER, "system": "https://other.example"}}, False),
        ({"identifier": {"value": "17"}}, {"identifier": {"value": "17"}}, False),
        ({"identifier": NUMBER}, PERSON, False),
        ({"identifier": NUMBER, **OTHER_PERSON}, {"identifier": NUMBER, **PERSON}, False),
        ({"display": "Robin"}, {"display": "Robin"}, False),
    ],
)
async def test_the_same_person_by_identifier(client, subject, of_goal, is_same):
    aim = await created(client, goal(subject=of_goal, expressedBy=of_goal))
    made = plan(goal=[to(f"Goal/{aim['id']}")], subject=subject, status="draft", extension=None, note=None)
    response = await client.post("/CarePlan", json=made)
    if is_same:
        assert response.status_code == 201, response.text
    else:
        assert errors(response) == [("same-person", "CarePlan.goal[0].reference")]


async def test_a_contained_person_is_nobody_elses(client):
    someone = {"resourceType": "Patient", "id": "someone"}
    whole = {"contained": [someone], "subject": to("#someone")}
    aim = await created(client, goal(**whole, expressedBy=to("#someone")))
    made = plan(**whole, goal=[to(f"Goal/{aim['id']}")], status="draft", extension=None, note=None)
    assert errors(await client.post("/CarePlan", json=made)) == [("same-person", "CarePlan.goal[0].reference")]
    inner = goal(id="inner", subject=to("#someone"), expressedBy=None, meta=None, text=None)
    both = {**made, "contained": [someone, inner], "goal": [to("#inner")]}
    assert (await client.post("/CarePlan", json=both)).status_code == 201
