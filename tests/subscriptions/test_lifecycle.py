"""A Subscription from the first request to its end: what clients write, and what the service writes."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from service.settings import Settings
from tests.subscriptions.asking import Json, ended, goal, names, person, stored, subscribed, subscription, with_status
from tests.subscriptions.conftest import ALL
from tests.subscriptions.receiver import Receiver
from tests.support.app import client_of
from tests.support.issuer import token_settings


@pytest.fixture
async def impatient(mongodb_uri: str, one: Receiver, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service, with Motor, that says often that all is well and gives up soon."""
    settings = Settings(
        mongodb_uri=mongodb_uri,
        mongodb_database="test_subscriptions_impatient",
        mongodb_driver="motor",
        subscription_hosts=one.host,
        subscription_heartbeat=1,
        subscription_days=0.4 / 86_400,
        **token_settings(tmp_path),
    )
    async with client_of(settings) as found:
        found.headers.update(ALL)
        yield found


async def test_after_silence_comes_a_ping_and_who_fails_for_long_is_given_up(
    impatient: httpx.AsyncClient, one: Receiver
) -> None:
    asked = await subscribed(impatient, subscription(one, "Goal"))
    await stored(impatient, goal())
    await one.until(lambda each: each.received[-1:] != [] and each.received[-1].kind == "heartbeat")
    ping = one.received[-1]
    assert (ping.method, ping.path, ping.body, ping.number) == ("POST", "/hook", b"", 1)
    assert [each.kind for each in one.received] == ["handshake", "event", "heartbeat"]
    one.answers = lambda kind, number: 500
    await stored(impatient, goal())
    off = await with_status(impatient, asked, "off")
    assert "is off; the last time the receiver answered 500" in off["error"]
    one.answers = lambda kind, number: 204
    told = await impatient.put(f"/Subscription/{asked['id']}", json={**off, "status": "requested"})
    assert "error" not in told.json()
    await with_status(impatient, asked, "active")
    new = await stored(impatient, goal())
    await one.until(lambda each: len(each.events) == 2)
    assert names(one)[1][:2] == (3, new["id"])  # 2 was perhaps received, and is not used for another version
    await ended(impatient, asked)


async def test_a_client_brings_back_a_subscription_with_an_error_at_once(
    client: httpx.AsyncClient, one: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = person()
    asked = await subscribed(client, subscription(one, f"Goal?patient={who}"))
    await with_status(client, asked, "active")
    one.answers = lambda kind, number: 500
    made = await stored(client, goal(who))
    failing = await with_status(client, asked, "error")
    monkeypatch.setattr("service.background.delivery.FIRST_PAUSE", 300)
    await asyncio.sleep(0.4)  # from here on it waits for five minutes
    one.answers = lambda kind, number: 204
    answer = await client.put(f"/Subscription/{asked['id']}", json={**failing, "status": "requested"})
    assert answer.status_code == 200
    await one.until(lambda each: len(each.events) == 1)
    assert [each.kind for each in one.received[-2:]] == ["handshake", "event"]
    assert names(one) == [(1, made["id"], "1")]
    await ended(client, asked)


async def test_nothing_is_delivered_while_it_is_off_and_after_it_was_deleted(
    client: httpx.AsyncClient, one: Receiver
) -> None:
    who = person()
    asked = await subscribed(client, subscription(one, f"Goal?patient={who}"))
    active = await with_status(client, asked, "active")
    off = await client.put(f"/Subscription/{asked['id']}", json={**active, "status": "off"})
    await stored(client, goal(who))
    await client.put(f"/Subscription/{asked['id']}", json={**off.json(), "status": "requested"})
    await with_status(client, asked, "active")
    seen = await stored(client, goal(who))
    await one.until(lambda each: len(each.events) == 1)
    assert names(one) == [(1, seen["id"], "1")]
    await ended(client, asked)
    await stored(client, goal(who))
    other = await subscribed(client, subscription(one, f"Goal?patient={who}"))
    last = await stored(client, goal(who))
    await one.until(lambda each: each.received[-1].headers["recovery-subscription"] == other["id"], 3)
    await one.until(lambda each: each.received[-1].kind == "event")
    assert [each.resource["id"] for each in one.received if each.kind == "event"] == [seen["id"], last["id"]]
    await ended(client, other)


async def test_at_its_end_it_is_off(client: httpx.AsyncClient, one: Receiver) -> None:
    end = (datetime.now(UTC) + timedelta(seconds=0.5)).isoformat()
    asked = await subscribed(client, subscription(one, f"Goal?patient={person()}", end=end))
    off = await with_status(client, asked, "off")
    assert off["error"] == "It has come to its end"
    refused = await client.put(f"/Subscription/{asked['id']}", json={**off, "status": "requested"})
    assert refused.json()["issue"][0]["expression"] == ["Subscription.end"]
    await ended(client, asked)


REFUSED: list[tuple[Json, str, str]] = [
    ({"status": "active"}, "Subscription.status", "A client writes one of requested, off"),
    ({"status": "error"}, "Subscription.status", "A client writes one of requested, off"),
    ({"end": "2020-01-01T00:00:00Z"}, "Subscription.end", "has passed"),
    ({"criteria": "Patient?name=x"}, "Subscription.criteria", "one of CarePlan, Goal, RiskAssessment, Provenance"),
    ({"criteria": "Goals"}, "Subscription.criteria", "did you mean Goal"),
    ({"criteria": "/Goal?patient=1"}, "Subscription.criteria", "Criteria are one of"),
    ({"criteria": "Goal?addresses:RiskAssessment.risk=x"}, "Subscription.criteria", "no chain and no _has"),
    ({"criteria": "Goal?_has:CarePlan:goal:status=active"}, "Subscription.criteria", "no chain and no _has"),
    ({"criteria": "Goal?_filter=addresses.risk eq x"}, "Subscription.criteria", "no chain and no _has"),
    ({"criteria": "Goal?_include=Goal:addresses"}, "Subscription.criteria", "_include selects nothing"),
    ({"criteria": "Goal?_count=1&_sort=patient"}, "Subscription.criteria", "_count selects nothing"),
    ({"criteria": "Goal?colour=red"}, "Subscription.criteria", "colour"),
    ({"criteria": "Goal?target-date=soon"}, "Subscription.criteria", "target-date"),
    ({"criteria": "Goal?patient"}, "Subscription.criteria", "a name, an equals sign and a value"),
    ({"criteria": "Goal?patient=%ff"}, "Subscription.criteria", "percent-encoded"),
    ({"channel": {"type": "email", "endpoint": "mailto:a@example.org"}}, "Subscription.channel.type", "rest-hook"),
    ({"channel": {"type": "rest-hook"}}, "Subscription.channel.endpoint", "needs the address"),
]
ENDPOINTS = [
    ("http://127.0.0.1:1/hook", "is not listed"),
    ("https://localhost/hook", "is not listed"),
    ("http://{host}.example.org/hook", "without user, query and fragment"),
    ("http://me:secret@{host}/hook", "without user, query and fragment"),
    ("http://{host}/hook?key=secret", "without user, query and fragment"),
    ("http://{host}/hook#a", "without user, query and fragment"),
    ("ftp://{host}/hook", "without user, query and fragment"),
    ("hook", "without user, query and fragment"),
    ("http://{host}\\@elsewhere.example.org/", "without user, query and fragment"),
]
HEADERS = [
    ("Host: elsewhere", "is set by the service"),
    ("Recovery-Event-Number: 5", "is set by the service"),
    ("Content-Length: 5", "is set by the service"),
    ("Transfer-Encoding: chunked", "is set by the service"),
    ("Authorization Bearer x", "a name, a colon"),
    ("A: b\r\nC: d", "a name, a colon"),
    ("A: ", "a name, a colon"),
    ("A: (kept secret, 0123456789ab)", "mark of a value that is not known"),
]


async def test_what_is_not_offered_is_refused_with_its_place(client: httpx.AsyncClient, one: Receiver) -> None:
    whole = subscription(one, "Goal?lifecycle-status=active")
    told = [(whole | change, place, sentence) for change, place, sentence in REFUSED]
    for endpoint, sentence in ENDPOINTS:
        channel = {**whole["channel"], "endpoint": endpoint.replace("{host}", one.host)}
        told.append(({**whole, "channel": channel}, "Subscription.channel.endpoint", sentence))
    for line, sentence in HEADERS:
        channel = {**whole["channel"], "header": ["X-First: 1", line]}
        told.append(({**whole, "channel": channel}, "Subscription.channel.header[1]", sentence))
    for payload in ("application/fhir+xml", "application/json", "text/plain"):
        channel = {**whole["channel"], "payload": payload}
        told.append(({**whole, "channel": channel}, "Subscription.channel.payload", "application/fhir+json"))
    for asked, place, sentence in told:
        answer = await client.post("/Subscription", json=asked)
        assert answer.status_code == 422, (asked, answer.text)
        issues = [(each["expression"], each["diagnostics"]) for each in answer.json()["issue"]]
        assert [place] in [found for found, _ in issues], (asked, issues)
        assert any(sentence in text for _, text in issues), (sentence, issues)
        assert "secret@" not in answer.text
    assert (await client.get("/Subscription?status=active,requested")).json()["total"] == 0


async def test_without_listed_hosts_there_are_no_subscriptions(sample_client: httpx.AsyncClient, one: Receiver) -> None:
    answer = await sample_client.post("/fhir/R4/Subscription", json=subscription(one, "Goal"))
    assert answer.status_code == 422
    (issue,) = answer.json()["issue"]
    assert "RECOVERY_SUBSCRIPTION_HOSTS" in issue["diagnostics"]


async def test_it_is_read_and_found_and_has_a_history_and_no_other_interactions(
    client: httpx.AsyncClient, one: Receiver
) -> None:
    asked = await subscribed(client, subscription(one, "Goal?category=hope", status="off"))
    path = f"/Subscription/{asked['id']}"
    assert (await client.get(path)).json() == asked
    for query in ("criteria=Goal?cat", f"url={one.endpoint}", "type=rest-hook", "status=off", "payload:missing=false"):
        found = (await client.get(f"/Subscription?_id={asked['id']}&{query.replace('Goal?', 'Goal%3F')}")).json()
        assert found["total"] == 1, query
    history = (await client.get(f"{path}/_history")).json()
    assert [entry["resource"] for entry in history["entry"]] == [asked]
    assert (await client.patch(path, json=[])).status_code == 405
    assert (await client.put("/Subscription?status=off", json=asked)).status_code == 405
    assert (await client.get("/Subscription/_history")).status_code == 404
    assert (await client.get("?_type=Subscription")).status_code == 400
    named = {"resourceType": "Provenance", "recorded": "2026-11-20T10:00:00Z", "agent": [{"who": {"display": "x"}}]}
    told = await client.put(path, json=asked, headers={"X-Provenance": str(named).replace("'", '"')})
    assert told.status_code == 400
    await ended(client, asked)
    assert (await client.get(path)).status_code == 410
    again = await client.put(path, json=asked)
    assert again.status_code == 201
    await ended(client, asked)
