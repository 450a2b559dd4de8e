"""Who gets what: the client of the subscription at the time of delivery, and nobody a secret."""

from typing import Any

import httpx

from tests.subscriptions.asking import ended, goal, names, person, stored, subscribed, subscription, with_status
from tests.subscriptions.conftest import ALL
from tests.subscriptions.receiver import Receiver
from tests.support.issuer import bearer

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
SECRET = "Authorization: Bearer of-the-receiver"
RESTRICTED = {"meta": {"security": [{"system": CONFIDENTIALITY, "code": "R"}]}}


def one_person(who: str, **claims: Any) -> dict[str, str]:
    """Return the header of a client that may subscribe, and see the goals of one person."""
    return bearer(f"system/Subscription.cruds system/Goal.rs?patient={who}", client_id="one-person", **claims)


async def test_a_client_that_may_see_one_person_gets_that_person_alone(
    client: httpx.AsyncClient, one: Receiver
) -> None:
    who = person()
    asked = await subscribed(client, subscription(one, "Goal?lifecycle-status=active"), one_person(who))
    await stored(client, goal(person()))
    seen = await stored(client, goal(who))
    await stored(client, goal(who, **RESTRICTED))
    await stored(client, goal(person()))
    last = await stored(client, goal(who))
    await one.until(lambda each: len(each.events) == 2)
    assert names(one) == [(1, seen["id"], "1"), (2, last["id"], "1")]
    assert len([each for each in one.received if each.kind == "event"]) == 2
    await ended(client, asked)


async def test_what_is_hidden_before_it_is_delivered_is_not_delivered(client: httpx.AsyncClient, one: Receiver) -> None:
    who, is_down = person(), True
    one.answers = lambda kind, number: 503 if is_down else 204
    asked = await subscribed(client, subscription(one, f"Goal?patient={who}"), one_person(who))
    hidden = await stored(client, goal(who))
    await client.put(f"/Goal/{hidden['id']}", json={**hidden, **RESTRICTED})
    shown = await stored(client, goal(who))
    is_down = False
    await one.until(lambda each: len(each.events) == 1)
    assert names(one) == [(1, shown["id"], "1")]
    assert not any(hidden["id"] in each.path for each in one.received)
    await ended(client, asked)


async def test_a_number_that_was_perhaps_received_is_not_given_to_another_version(
    client: httpx.AsyncClient, one: Receiver
) -> None:
    who, is_down = person(), True
    one.answers = lambda kind, number: 503 if is_down and kind == "event" else 204
    asked = await subscribed(client, subscription(one, f"Goal?patient={who}"), one_person(who))
    hidden = await stored(client, goal(who))
    await one.until(lambda each: each.received[-1:] != [] and each.received[-1].kind == "event")
    await client.put(f"/Goal/{hidden['id']}", json={**hidden, **RESTRICTED})
    shown = await stored(client, goal(who))
    is_down = False
    await one.until(lambda each: len(each.events) == 2)
    withdrawn, event = one.events
    assert (withdrawn.kind, withdrawn.method, withdrawn.number, withdrawn.body) == ("withdrawn", "POST", 1, b"")
    assert (event.number, event.resource) == (2, shown)
    await ended(client, asked)


async def test_whoever_writes_a_subscription_is_the_one_whose_access_counts(
    client: httpx.AsyncClient, one: Receiver
) -> None:
    who, other = person(), person()
    asked = await subscribed(client, subscription(one, f"Goal?patient={who}"))
    await with_status(client, asked, "active")
    taken = {**asked, "criteria": "Goal?lifecycle-status=active"}
    answer = await client.put(f"/Subscription/{asked['id']}", json=taken, headers=one_person(other))
    assert answer.status_code == 200
    await stored(client, goal(who))
    seen = await stored(client, goal(other))
    await one.until(lambda each: len(each.events) == 1)
    assert names(one) == [(1, seen["id"], "1")]
    await ended(client, asked)


async def test_nobody_subscribes_to_what_they_may_not_read_or_in_the_name_of_a_person(
    client: httpx.AsyncClient, one: Receiver
) -> None:
    asked = subscription(one, "CarePlan?status=active")
    for who, sentence in (
        (one_person("ann"), "What is delivered is what this client may read and search for, and no CarePlan is"),
        (bearer("system/Subscription.cruds system/CarePlan.r"), "What is delivered"),
        (bearer("patient/*.cruds", patient="ann"), "a client that no practitioner uses"),
        (bearer("patient/*.cruds", patient="ann", fhirUser="Practitioner/p"), "This takes the scope"),
        (bearer("system/*.rs"), "This takes the scope"),
        (bearer("system/CarePlan.cruds"), "This takes the scope"),
    ):
        answer = await client.post("/Subscription", json=asked, headers=who)
        assert answer.status_code == 403
        assert sentence in answer.json()["issue"][0]["diagnostics"]


async def test_a_person_sees_no_subscription_anywhere(client: httpx.AsyncClient, one: Receiver) -> None:
    who = person()
    asked = await subscribed(client, subscription(one, f"Goal?patient={who}", status="off"))
    in_record = bearer("patient/*.cruds", patient=who, fhirUser=f"Patient/{who}")
    for path in ("/Subscription", f"/Subscription/{asked['id']}", f"/Subscription/{asked['id']}/_history"):
        assert (await client.get(path, headers=in_record)).status_code == 403
    for path in (f"/Patient/{who}/$everything", f"/Patient/{who}/*", "", "/_history"):
        for headers in (in_record, ALL):
            answer = await client.get(path, headers=headers)
            assert answer.status_code == 200
            assert asked["id"] not in answer.text
    assert (await client.get(f"/Patient/{who}/Subscription", headers=ALL)).status_code == 404
    await ended(client, asked)


async def test_the_value_of_a_header_is_told_to_nobody_and_kept_by_its_mark(
    client: httpx.AsyncClient, one: Receiver
) -> None:
    who = person()
    asked = await subscribed(client, subscription(one, f"Goal?patient={who}", header=[SECRET, "X-Tenant: five"]))
    (mark, tenant) = asked["channel"]["header"]
    assert mark.startswith("Authorization: (kept secret, ")
    await with_status(client, asked, "active")
    path = f"/Subscription/{asked['id']}"
    new = {**asked, "channel": {**asked["channel"], "header": ["X-Tenant: six", mark]}}
    changed = (await client.put(path, json=new)).json()
    assert changed["channel"]["header"][1] == mark
    assert changed["channel"]["header"][0] not in (tenant, "X-Tenant: six")
    await stored(client, goal(who))
    await one.until(lambda each: len(each.events) == 1)
    assert one.received[0].headers["x-tenant"] == "five"
    assert {each.headers["authorization"] for each in one.received} == {"Bearer of-the-receiver"}
    assert one.events[0].headers["x-tenant"] == "six"
    for address in (path, f"{path}/_history", "/Subscription?_count=100", "/AuditEvent?_count=100"):
        answer = await client.get(address, headers=bearer("system/*.rs system/AuditEvent.rs", clearance="*"))
        assert answer.status_code == 200
        assert "of-the-receiver" not in answer.text
    foreign = await client.post("/Subscription", json=subscription(one, "Goal", header=[mark]))
    assert foreign.status_code == 422
    assert foreign.json()["issue"][0]["expression"] == ["Subscription.channel.header[0]"]
    await ended(client, asked)


async def test_each_version_that_is_sent_is_audited_as_disclosed_to_the_client(
    client: httpx.AsyncClient, one: Receiver
) -> None:
    who, found = person(), []

    def answer(kind: str, number: int) -> int:
        found.append(kind)
        return 500 if found.count("event") == 1 and kind == "event" else 204

    one.answers = answer
    asked = await subscribed(client, subscription(one, f"Goal?patient={who}"), one_person(who))
    made = await stored(client, goal(who))
    await one.until(lambda each: len(each.events) == 1)
    auditor = bearer("system/AuditEvent.rs", clearance="*")
    told = (await client.get(f"/AuditEvent?entity=Goal/{made['id']}&action=R", headers=auditor)).json()["entry"]
    assert len(told) == 2  # it was sent twice
    for each in told:
        event = each["resource"]
        assert event["agent"][0]["who"]["identifier"]["value"] == "one-person"
        assert event["agent"][0]["network"]["address"] == "127.0.0.1"
        references = [item["what"].get("reference") for item in event["entity"] if "what" in item]
        assert {f"Goal/{made['id']}/_history/1", f"Patient/{who}"} <= set(references)
    await ended(client, asked)
