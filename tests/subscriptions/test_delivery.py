"""What a receiver gets that works, and one that does not."""

import httpx

from tests.subscriptions.asking import ended, goal, names, person, stored, subscribed, subscription, with_status
from tests.subscriptions.receiver import Receiver


async def test_first_comes_an_empty_ping_and_then_every_version_that_meets_the_criteria(
    client: httpx.AsyncClient, one: Receiver
) -> None:
    who = person()
    await stored(client, goal(who))  # before anybody asks
    asked = await subscribed(client, subscription(one, f"Goal?patient={who}&lifecycle-status=active"))
    assert asked["status"] == "requested"
    first = await stored(client, goal(who))
    await stored(client, goal(person()))
    changed = await client.put(f"/Goal/{first['id']}", json={**first, "lifecycleStatus": "completed"})
    again = await client.put(f"/Goal/{first['id']}", json={**changed.json(), "lifecycleStatus": "active"})
    assert (await client.delete(f"/Goal/{first['id']}")).status_code == 204
    await one.until(lambda each: len(each.events) == 2)
    ping = one.received[0]
    assert (ping.method, ping.path, ping.body, ping.kind, ping.number) == ("POST", "/hook", b"", "handshake", 0)
    assert ping.headers["recovery-subscription"] == asked["id"]
    assert [each.resource for each in one.events] == [first, again.json()]
    assert [each.number for each in one.events] == [1, 2]
    for each in one.events:
        assert (each.method, each.path) == ("PUT", f"/hook/Goal/{first['id']}")
        assert each.headers["content-type"] == "application/fhir+json"
    assert (await with_status(client, asked, "active"))["meta"]["versionId"] == "2"
    await ended(client, asked)


async def test_without_payload_a_notification_is_a_post_that_says_nothing(
    client: httpx.AsyncClient, one: Receiver
) -> None:
    who = person()
    asked = await subscribed(client, subscription(one, f"Goal?patient={who}", payload=False))
    await stored(client, goal(who))
    await one.until(lambda each: len(each.events) == 1)
    (event,) = one.events
    assert (event.method, event.path, event.body, event.number) == ("POST", "/hook", b"", 1)
    assert "content-type" not in event.headers
    await ended(client, asked)


async def test_a_receiver_that_fails_gets_every_event_in_order_and_repeats_have_their_number(
    client: httpx.AsyncClient, one: Receiver
) -> None:
    who, failures = person(), iter([500, None, 307, 500])
    one.answers = lambda kind, number: next(failures, 204) if kind == "event" and number == 2 else 204
    one.location = "/elsewhere"
    asked = await subscribed(client, subscription(one, f"Goal?patient={who}"))
    made = [await stored(client, goal(who)) for _ in range(4)]
    await one.until(lambda each: len(each.events) == 4)
    assert names(one) == [(number, each["id"], "1") for number, each in enumerate(made, 1)]
    numbers = [each.number for each in one.received if each.kind == "event"]
    assert numbers == [1, 2, 2, 2, 2, 2, 3, 4]
    assert {each.path for each in one.received} == {"/hook", *(f"/hook/Goal/{each['id']}" for each in made)}
    await ended(client, asked)


async def test_a_receiver_that_hangs_delays_no_other(
    client: httpx.AsyncClient, one: Receiver, another: Receiver
) -> None:
    who = person()
    one.answers = lambda kind, number: None
    both = [await subscribed(client, subscription(each, f"Goal?patient={who}")) for each in (one, another)]
    await one.until(lambda each: bool(each.received))
    await stored(client, goal(who))
    await another.until(lambda each: len(each.events) == 1)
    assert not one.events
    await ended(client, *both)


async def test_a_receiver_that_is_down_is_told_of_and_gets_what_it_missed(
    client: httpx.AsyncClient, one: Receiver
) -> None:
    who = person()
    asked = await subscribed(
        client, subscription(one, f"Goal?patient={who}", header=["Authorization: Bearer of-a-test"])
    )
    await with_status(client, asked, "active")
    await one.stop()
    made = [await stored(client, goal(who)) for _ in range(3)]
    failing = await with_status(client, asked, "error")
    assert "the receiver was not reached (ConnectError); it is tried again" in failing["error"]
    assert "of-a-test" not in str(failing)
    await one.start()
    working = await with_status(client, asked, "active")
    assert "error" not in working
    await one.until(lambda each: len(each.events) == 3)
    assert [number for number, _, _ in names(one)] == [1, 2, 3]
    assert [each for _, each, _ in names(one)] == [each["id"] for each in made]
    assert {each.headers["authorization"] for each in one.received} == {"Bearer of-a-test"}
    await ended(client, asked)
