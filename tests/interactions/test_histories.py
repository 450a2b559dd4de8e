"""history-type and history-system: all versions of many resources, and which were current when."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import httpx
import pytest

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.conformance.validation.validator import Validator
from service.fhir import json
from service.fhir.reference import Addresses
from service.fhir.versions import R4
from service.settings import Settings
from tests.support.app import client_of
from tests.support.resources import batch, care_plan, created, entry, goal, problems, send, transaction

Json = dict[str, Any]

ADDRESSES = ("/CarePlan/a/_history", "/CarePlan/_history", "/Goal/_history", "/_history")


class Clock:
    """A clock that shows what it is set to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def set(self, text: str) -> None:
        self.now = datetime.fromisoformat(text).replace(tzinfo=UTC)


async def at(clock: Clock, time: str, request: Any) -> None:
    clock.set(time)
    answer = await request
    assert answer.status_code in (200, 201, 204), answer.text


@pytest.fixture(scope="module")
async def told(mongodb_uri: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service whose resources were changed at known times."""
    clock = Clock()
    settings = Settings(
        mongodb_uri=mongodb_uri, mongodb_database="test_histories", default_page_size=6, max_page_size=8
    )
    async with client_of(settings, clock=clock, new_id=lambda: "made") as client:
        await at(clock, "2026-10-30 12:00", client.put("/CarePlan/a", json=care_plan(id="a", title="1")))
        await at(clock, "2026-11-01 09:00", client.post("/Goal", json=goal()))
        await at(clock, "2026-11-01 10:00", client.put("/CarePlan/a", json=care_plan(id="a", title="2")))
        await at(clock, "2026-11-01 11:00:00.250", client.delete("/Goal/made"))
        await at(clock, "2026-11-02 09:00", client.put("/Goal/made", json=goal(id="made", startDate="2026-11-02")))
        await at(clock, "2026-11-03 09:00", client.delete("/CarePlan/a"))
        clock.set("2026-11-05 09:00")
        yield client


def versions(answer: httpx.Response) -> list[str]:
    """Return ``Type/id version`` of each entry."""
    assert answer.status_code == 200, answer.text
    entries = answer.json().get("entry", [])
    names = ["/".join(item["fullUrl"].rsplit("/", 2)[1:]) for item in entries]
    return [f"{name} {item['response']['etag'][3:-1]}" for name, item in zip(names, entries, strict=True)]


def link(answer: httpx.Response, relation: str) -> str | None:
    return next((item["url"] for item in answer.json()["link"] if item["relation"] == relation), None)


async def test_a_history_of_all_tells_each_version_and_what_was_asked(told: httpx.AsyncClient) -> None:
    answer = await told.get("/_history")
    bundle = answer.json()
    assert (bundle["resourceType"], bundle["type"], bundle["total"]) == ("Bundle", "history", 6)
    assert bundle["link"] == [{"relation": "self", "url": "http://testserver/fhir/R4/_history"}]
    assert versions(answer) == [
        "CarePlan/a 3",
        "Goal/made 3",
        "Goal/made 2",
        "CarePlan/a 2",
        "Goal/made 1",
        "CarePlan/a 1",
    ]
    deleted, revived, _, changed, made, first = bundle["entry"]
    assert deleted == {
        "fullUrl": "http://testserver/fhir/R4/CarePlan/a",
        "request": {"method": "DELETE", "url": "CarePlan/a"},
        "response": {"status": "204 No Content", "etag": 'W/"3"', "lastModified": "2026-11-03T09:00:00.000Z"},
    }
    assert revived["request"] == {"method": "PUT", "url": "Goal/made"}
    assert [item["response"]["status"] for item in (revived, changed, made, first)] == [
        "201 Created",
        "200 OK",
        "201 Created",
        "201 Created",
    ]
    assert made["request"] == {"method": "POST", "url": "Goal"}
    assert first["resource"]["meta"] == {"versionId": "1", "lastUpdated": "2026-10-30T12:00:00.000Z"}
    assert changed["resource"]["title"] == "2"


AT = [
    ("2026-10-29", []),
    ("2026-10-30", ["CarePlan/a 1"]),
    ("2026-10", ["CarePlan/a 1"]),
    ("2026-10-31T00:00:00Z", ["CarePlan/a 1"]),
    ("2026-11-01", ["Goal/made 2", "CarePlan/a 2", "Goal/made 1", "CarePlan/a 1"]),
    ("2026-11-01T09:30:00Z", ["Goal/made 1", "CarePlan/a 1"]),
    ("2026-11-01T10:00:00Z", ["CarePlan/a 2", "Goal/made 1"]),
    ("2026-11-01T10:59:59.9999+01:00", ["Goal/made 1", "CarePlan/a 1"]),
    ("2026-11-01T11:00:00.2499Z", ["CarePlan/a 2", "Goal/made 1"]),
    ("2026-11-01T11:00:00.25Z", ["Goal/made 2", "CarePlan/a 2"]),
    ("2026-11-01T11:00:00Z", ["Goal/made 2", "CarePlan/a 2", "Goal/made 1"]),
    ("2026-11-02T08:00Z", ["Goal/made 2", "CarePlan/a 2"]),
    ("2026-11-04", ["CarePlan/a 3", "Goal/made 3"]),
    ("2026-12", ["CarePlan/a 3", "Goal/made 3"]),
]


@pytest.mark.parametrize(("moment", "expected"), AT)
async def test_what_was_current_at_some_time_of_a_stretch(
    told: httpx.AsyncClient, moment: str, expected: list[str]
) -> None:
    for address in ADDRESSES:
        start = address.removesuffix("/_history")[1:]
        belonging = [name for name in expected if name.startswith(start)]
        for count in ("", "1"):
            found, answer = [], await told.get(address, params={"_at": moment} | ({"_count": count} if count else {}))
            while True:
                found += versions(answer)
                following = link(answer, "next")
                if following is None:
                    break
                answer = await told.get(following)
            assert found == belonging, (address, count)


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("2026-11-01T11:00:00.25Z", ["CarePlan/a 3", "Goal/made 3", "Goal/made 2"]),
        ("2026-11-01T11:00:00.2501Z", ["CarePlan/a 3", "Goal/made 3"]),
        ("2026-11-02", ["CarePlan/a 3", "Goal/made 3"]),
        ("2026-11-03T10:00:00+01:00", ["CarePlan/a 3"]),
        ("2026-11-04", []),
    ],
)
async def test_what_came_to_be_since(told: httpx.AsyncClient, since: str, expected: list[str]) -> None:
    for address in ADDRESSES:
        start = address.removesuffix("/_history")[1:]
        answer = await told.get(address, params={"_since": since})
        assert versions(answer) == [name for name in expected if name.startswith(start)]
        assert answer.json()["total"] == len(versions(answer))
    both = await told.get("/_history", params={"_since": since, "_at": "2026-11-02"})
    assert versions(both) == [name for name in expected if name in ("Goal/made 3", "Goal/made 2")]


async def test_pages_are_as_large_as_those_of_searches(told: httpx.AsyncClient) -> None:
    for address in ("/CarePlan/a/_history", "/_history"):
        assert (await told.get(f"{address}?_count=8")).status_code == 200
        answer = await told.get(f"{address}?_count=9")
        assert (answer.status_code, problems(answer)) == (400, [("parameter-value", "http._count")])
    page = await told.get("/_history?_count=4")
    assert "total" not in page.json()
    assert (await told.get("/_history?_count=0")).json()["type"] == "history"
    assert "entry" not in (await told.get("/_history?_count=0")).json()


async def test_links_lead_on_and_back(told: httpx.AsyncClient) -> None:
    for address in ("/CarePlan/a/_history", "/Goal/_history", "/_history", "/_history?_at=2026-11-01"):
        pages = [await told.get(address, params={"_count": "2", **httpx.URL(address).params})]
        while following := link(pages[-1], "next"):
            pages.append(await told.get(following))
        assert len(pages) > 1
        for earlier, page in pairwise(pages):
            assert versions(await told.get(link(page, "prev") or "")) == versions(earlier)
            assert versions(await told.get(link(page, "first") or "")) == versions(pages[0])
            assert versions(await told.get(link(page, "self") or "")) == versions(page)
        assert (link(pages[0], "prev"), link(pages[0], "first")) == (None, None)


async def test_head_says_the_same_without_a_body(told: httpx.AsyncClient) -> None:
    same = {"X-Request-Id": "same"}
    for address in ADDRESSES:
        whole, head = await told.get(address, headers=same), await told.head(address, headers=same)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers == whole.headers


async def test_parts_of_the_versions_can_be_asked_for(told: httpx.AsyncClient) -> None:
    for query in ("_elements=title", "_summary=true"):
        for address in ("/CarePlan/a/_history", "/_history"):
            answer = await told.get(f"{address}?{query}")
            shown = [item["resource"] for item in answer.json()["entry"] if "resource" in item]
            assert {item["meta"]["tag"][0]["code"] for item in shown} == {"SUBSETTED"}
            assert any("title" in item for item in shown)
            assert query in (link(answer, "self") or "")
    (_, plan, _) = (await told.get("/CarePlan/a/_history?_elements=status")).json()["entry"]
    assert plan["resource"].keys() == {"resourceType", "id", "meta", "status", "intent", "subject"}


async def test_a_history_can_be_asked_for_in_a_batch_and_in_a_transaction(told: httpx.AsyncClient) -> None:
    entries = [entry("GET", address[1:]) for address in (*ADDRESSES, "/Goal/_history?_at=2026-11-01T12:00Z")]
    for kind in (batch, transaction):
        answer = await send(told, kind(*entries))
        histories = [item["resource"] for item in answer.json()["entry"]]
        assert [item["type"] for item in histories] == ["history"] * 5
        assert [len(item["entry"]) for item in histories] == [3, 3, 3, 6, 1]


async def test_a_history_in_a_transaction_tells_what_that_wrote(client: httpx.AsyncClient) -> None:
    made = await created(client, goal())
    changes = [
        entry("PUT", f"Goal/{made['id']}", goal(id=made["id"], startDate="2026-01-01")),
        entry("POST", "CarePlan", care_plan()),
        entry("GET", f"Goal/{made['id']}/_history"),
        entry("GET", "_history?_count=2"),
    ]
    answer = await send(client, transaction(*changes))
    of_goal, of_all = [item["resource"] for item in answer.json()["entry"][2:]]
    assert [item["response"]["etag"] for item in of_goal["entry"]] == ['W/"2"', 'W/"1"']
    assert {item["resource"]["resourceType"] for item in of_all["entry"]} == {"Goal", "CarePlan"}


async def test_every_history_is_a_valid_bundle(told: httpx.AsyncClient) -> None:
    definitions = Definitions(R4)
    validator = Validator(
        definitions, Structures(definitions), Terminology(definitions), Addresses(frozenset()).same_reference
    )
    for address in ADDRESSES:
        for query in ("", "?_count=2", "?_count=0", "?_at=2026-11-01", "?_since=2027"):
            answer = await told.get(address + query)
            assert validator.issues(json.parse(answer.content), "Bundle") == [], address


async def test_only_what_is_stored_has_a_history(told: httpx.AsyncClient) -> None:
    for address, status, rule in (
        ("/CodeSystem/_history", 404, "unknown-address"),
        ("/Observation/_history", 404, "unknown-type"),
        ("/CarePlan/never/_history", 404, "unknown-resource"),
        ("/CarePlan/a_b/_history", 400, "id-format"),
    ):
        answer = await told.get(address)
        assert (answer.status_code, problems(answer)[0][0]) == (status, rule), address
    assert (await told.get("/RiskAssessment/_history")).json()["total"] == 0
    refused = await told.post("/Goal/_history", json=goal())
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
