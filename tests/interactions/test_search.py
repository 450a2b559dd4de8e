"""Search by example: every type of parameter, orders, pages, totals, and what is never found."""

import json
import uuid
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from service.settings import Settings
from tests.support.app import client_of
from tests.support.extraction import R4, extract
from tests.support.oracle.definitions import Parameter, listed_parameters
from tests.support.samples import EXAMPLES

BASE = "https://recovery.example.org"
OTHER = "https://other.example.org/fhir"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
REQUEST_STATUS = "http://hl7.org/fhir/request-status"
ONE, TWO = "http://codes.example.org/one", "http://codes.example.org/two"
NEXT_REVIEW = "https://w3id.org/recovery-plan/StructureDefinition/next-review"


def concept(*codings: tuple[str | None, str]) -> dict[str, Any]:
    made = [({"system": system} if system else {}) | {"code": code} for system, code in codings]
    return {"coding": made}


def plan(subject: str, **members: Any) -> dict[str, Any]:
    start = {"resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": {"reference": subject}}
    return start | members


PLANS = {
    "p1": plan(
        "Patient/1",
        status="draft",
        identifier=[{"system": ONE, "value": "A,1"}, {"value": "loose"}],
        category=[concept((ONE, "x"), (TWO, "y"))],
        period={"start": "2024-01-01", "end": "2024-03-31"},
        instantiatesUri=["http://protocols.example.org/one"],
        meta={"tag": [{"system": ONE, "code": "t"}], "source": "http://source.example.org/a#1"},
    ),
    "p2": plan(
        f"{BASE}/fhir/R4/Patient/1",
        category=[concept((None, "x")), concept((TWO, "z"))],
        period={"start": "2024-02-15"},
        instantiatesCanonical=["http://plans.example.org/PlanDefinition/a|2.0"],
        meta={"security": [{"system": TWO, "code": "R"}], "profile": ["http://profiles.example.org/a"]},
    ),
    "p3": plan(
        f"{OTHER}/Patient/1",
        category=[concept((TWO, "x"))],
        period={"end": "2023-12-31T23:00:00-05:00"},
        contributor=[{"reference": "Practitioner/7/_history/3"}],
    ),
    "p4": plan("Group/1", status="completed", extension=[{"url": NEXT_REVIEW, "valueDate": "2027-02-28"}]),
}
RISKS = ("0.8", "0.80", "0.75", "0.85", "100", "99.5", "95.0", "0.849999999999999999999999999999999")


@pytest.fixture(scope="module")
async def held(mongodb_uri: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service that holds the plans and risks above."""
    own = Settings(mongodb_uri=mongodb_uri, mongodb_database=f"test_{uuid.uuid4().hex[:12]}", base_url=BASE)
    async with client_of(own) as client:
        for name, resource in PLANS.items():
            answer = await client.put(f"/CarePlan/{name}", json=resource | {"id": name})
            assert answer.status_code == 201, answer.text
        for number, text in enumerate(RISKS):
            body = f"""{{"resourceType":"RiskAssessment","id":"r{number}","status":"final",
                "subject":{{"reference":"Patient/1"}},"prediction":[{{"probabilityDecimal":{text}}}]}}"""
            answer = await client.put(f"/RiskAssessment/r{number}", content=body)
            assert answer.status_code == 201, answer.text
        yield client


async def searched(client: httpx.AsyncClient, query: str) -> dict[str, Any]:
    answer = await client.get(f"/{query}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["type"] == "searchset"
    return answer.json()


async def ids(client: httpx.AsyncClient, query: str) -> str:
    """Return the ids of the first page: in the order they came where one is asked for, else sorted."""
    entries = (await searched(client, query)).get("entry", [])
    assert {entry["search"]["mode"] for entry in entries} <= {"match"}
    found = [entry["resource"]["id"] for entry in entries]
    return " ".join(found if "_sort=" in query else sorted(found))


def links(bundle: dict[str, Any]) -> dict[str, str]:
    return {link["relation"]: link["url"] for link in bundle["link"]}


async def walked(client: httpx.AsyncClient, query: str) -> list[list[str]]:
    """Return the ids on each page."""
    bundle = await searched(client, query)
    pages = [[entry["resource"]["id"] for entry in bundle.get("entry", [])]]
    while "next" in links(bundle):
        answer = await client.get(links(bundle)["next"].removeprefix(f"{BASE}/fhir/R4"))
        assert answer.status_code == 200, answer.text
        bundle = answer.json()
        pages.append([entry["resource"]["id"] for entry in bundle["entry"]])
        assert len(pages) < 50
    return pages


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "p1 p2 p3 p4"),
        ("_id=p2", "p2"),
        ("_id=p3,p1,none", "p1 p3"),
        ("_id=P2", ""),
        ("status=draft", "p1"),
        ("status=draft,completed", "p1 p4"),
        ("status=draft&status=completed", ""),
        ("status=Draft", ""),
        (f"status={REQUEST_STATUS}|draft", "p1"),
        (f"status={REQUEST_STATUS}|", "p1 p2 p3 p4"),
        ("status=|draft", ""),  # the required binding gives the code its system
        (f"status={ONE}|draft", ""),
        ("category=x", "p1 p2 p3"),
        ("category=x&category=z", "p2"),
        ("category=x,z", "p1 p2 p3"),
        (f"category={ONE}|x", "p1"),
        (f"category={ONE}|y", ""),  # system and code of one and the same coding
        ("category=|x", "p2"),
        (f"category={TWO}|", "p1 p2 p3"),
        (f"category={TWO}|x,{ONE}|x", "p1 p3"),
        ("identifier=A\\,1", "p1"),
        (f"identifier={ONE}|A\\,1", "p1"),
        ("identifier=A,1", ""),
        ("identifier=|loose", "p1"),
        (f"identifier={ONE}|loose", ""),
        ("_tag=t", "p1"),
        (f"_tag={ONE}|t", "p1"),
        ("_tag=|t", ""),
        (f"_security={TWO}|R", "p2"),
        ("_profile=http://profiles.example.org/a", "p2"),
        ("_profile=http://profiles.example.org/", ""),
        ("_source=http://source.example.org/a%231", "p1"),
        ("_source=http://source.example.org/a", ""),
        ("instantiates-uri=http://protocols.example.org/one", "p1"),
        ("instantiates-uri=http://protocols.example.org/ONE", ""),
        ("instantiates-canonical=http://plans.example.org/PlanDefinition/a", "p2"),
        ("instantiates-canonical=http://plans.example.org/PlanDefinition/a|2.0", "p2"),
        ("instantiates-canonical=http://plans.example.org/PlanDefinition/a|2", ""),
        ("subject=1", "p1 p2 p4"),
        ("patient=1", "p1 p2"),
        ("patient=Patient/1", "p1 p2"),
        (f"patient={BASE}/fhir/R4/Patient/1", "p1 p2"),
        (f"patient={OTHER}/Patient/1", "p3"),
        ("patient=Patient/1/_history/4", ""),
        ("contributor=Practitioner/7/_history/3", "p3"),
        (f"contributor={BASE}/fhir/R4/Practitioner/7/_history/3", "p3"),
        ("contributor=Practitioner/7/_history/2", ""),
        ("patient=Group/1", ""),
        ("subject=Group/1", "p4"),
        ("patient=http://recovery.example.org/fhir/R4/Patient/1", ""),
        ("contributor=7", "p3"),
        ("contributor=Practitioner/7", "p3"),
        ("contributor=Patient/7", ""),
        ("date=2024", "p1"),
        ("date=2024-01", ""),
        ("date=2024-01,2024", "p1"),
        ("date=ne2024", "p2 p3"),
        ("date=gt2024-02", "p1 p2"),
        ("date=gt2024-03-31", "p2"),
        ("date=ge2024-03-31", "p2"),
        ("date=lt2024-01-01", "p3"),
        ("date=lt2024-01-02", "p1 p3"),
        ("date=le2024-01-01", "p3"),
        ("date=sa2024-01-31", "p2"),
        ("date=sa2023-12-31", "p1 p2"),
        ("date=eb2024-04-01", "p1 p3"),
        ("date=eb2024-01-01T04:00:00Z", ""),
        ("date=eb2024-01-01T04:00:01Z", "p3"),  # the end is a second long
        ("date=eb2023-12-31T23:00:00-05:00", ""),
        ("date=gt2024-01&date=lt2024-02", "p1"),
        ("date=ap2024", "p1 p2 p3"),
        ("next-review=2027", "p4"),
        ("next-review=2027-02", "p4"),
        ("next-review=2027-02-28T10:00", ""),
        ("next-review=ge2027-02-28T10:00:00Z", "p4"),
        ("next-review=lt2027-02-28", ""),
        ("_lastUpdated=gt2020&_lastUpdated=lt2999", "p1 p2 p3 p4"),
        ("_lastUpdated=lt2020", ""),
        ("status=active&patient=1&category=z", "p2"),
    ],
)
async def test_plans_are_found(held: httpx.AsyncClient, query: str, expected: str) -> None:
    encoded = query.replace("+", "%2B")
    assert await ids(held, f"CarePlan?{encoded}") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0.8", "r0 r1 r2 r7"),  # [0.75, 0.85)
        ("0.80", "r0 r1"),
        ("0.75", "r2"),
        ("100", "r4 r5"),
        ("1e2", "r4 r5 r6"),  # [95, 105), the specification's own example
        ("ne100", "r0 r1 r2 r3 r6 r7"),
        ("gt0.8", "r3 r4 r5 r6 r7"),
        ("ge0.8", "r0 r1 r3 r4 r5 r6 r7"),
        ("lt0.8", "r2"),
        ("le0.80", "r0 r1 r2"),
        ("sa99.5", "r4"),
        ("eb0.75", ""),
        ("ap0.8", "r0 r1 r2 r3 r7"),
        ("0.85,100", "r3 r4 r5 r7"),
        ("lt0.85&probability=gt0.8", "r7"),
        ("gt-1", "r0 r1 r2 r3 r4 r5 r6 r7"),
    ],
)
async def test_numbers_are_found_by_the_precision_they_are_asked_with(
    held: httpx.AsyncClient, value: str, expected: str
) -> None:
    assert await ids(held, f"RiskAssessment?probability={value}") == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("CarePlan?_sort=_id", "p1 p2 p3 p4"),
        ("CarePlan?_sort=-_id", "p4 p3 p2 p1"),
        ("CarePlan?_sort=-_id,status", "p4 p3 p2 p1"),
        ("CarePlan?_sort=status", "p2 p3 p4 p1"),
        ("CarePlan?_sort=-status", "p1 p4 p3 p2"),  # equals go the same way
        ("CarePlan?_sort=-status,-_id", "p1 p4 p3 p2"),
        ("CarePlan?_sort=status,-date", "p2 p3 p4 p1"),
        ("CarePlan?_sort=status,date", "p3 p2 p4 p1"),
        ("CarePlan?_sort=date", "p3 p1 p2 p4"),  # without a date comes last,
        ("CarePlan?_sort=-date", "p2 p1 p3 p4"),  # both ways
        ("CarePlan?_sort=date,date", "p3 p1 p2 p4"),
        ("CarePlan?_sort=next-review,-date", "p4 p2 p1 p3"),
        ("CarePlan?_sort=identifier", "p1 p2 p3 p4"),
        ("CarePlan?_sort=intent,contributor,-_id", "p3 p4 p2 p1"),  # last among its equals
        ("CarePlan?_sort=_lastUpdated", "p1 p2 p3 p4"),
        ("CarePlan?_sort=-_lastUpdated,date", "p4 p3 p2 p1"),
        ("CarePlan?_sort=category", "p1 p2 p3 p4"),  # of several the first: x, x, x
        ("CarePlan?_sort=-category", "p2 p1 p3 p4"),  # and of several the last: z, y, x
        ("RiskAssessment?_sort=-probability&probability=gt1", "r4 r5 r6"),
    ],
)
async def test_matches_come_in_the_order_that_is_asked(held: httpx.AsyncClient, query: str, expected: str) -> None:
    assert await ids(held, query) == expected
    for count in (1, 2, 3):
        pages = await walked(held, f"{query}&_count={count}")
        assert " ".join(name for page in pages for name in page) == expected
        assert {len(page) for page in pages[:-1]} <= {count}
        assert pages[-1]


def but_for_the_moment(bundle: dict[str, Any]) -> dict[str, Any]:
    """Return a Bundle without the links to other pages, which name the moment that it shows."""
    return {**bundle, "link": [link for link in bundle["link"] if link["relation"] == "self"]}


@pytest.mark.parametrize(
    "query", ["status=draft&category=x", "date=ge2024&_count=1", "patient=Patient/1&_sort=-_id", ""]
)
async def test_a_post_finds_what_a_get_finds(held: httpx.AsyncClient, query: str) -> None:
    got = await searched(held, f"CarePlan?{query}")
    posted = await held.post("/CarePlan/_search", content=query, headers=FORM)
    assert posted.status_code == 200
    assert but_for_the_moment(posted.json()) == but_for_the_moment(got)
    in_address = await held.post(f"/CarePlan/_search?{query}")
    assert but_for_the_moment(in_address.json()) == but_for_the_moment(got)


async def test_parameters_in_address_and_body_of_a_post_both_count(held: httpx.AsyncClient) -> None:
    posted = await held.post("/CarePlan/_search?category=x", content="patient=1&_sort=-_id", headers=FORM)
    assert [entry["resource"]["id"] for entry in posted.json()["entry"]] == ["p2", "p1"]
    posted = await held.post("/CarePlan/_search?category=x", content="category=z", headers=FORM)
    assert [entry["resource"]["id"] for entry in posted.json()["entry"]] == ["p2"]


async def test_the_total_is_there_when_it_is_asked_for_or_known(held: httpx.AsyncClient) -> None:
    expected = {"": 4, "_count=4": 4, "_count=3": None, "_count=3&_total=none": None, "status=none": 0}
    expected |= {"_count=3&_total=estimate": 4, "_count=3&_total=accurate": 4, "_count=1&_total=accurate&patient=1": 2}
    for query, total in expected.items():
        assert (query, (await searched(held, f"CarePlan?{query}")).get("total")) == (query, total)


async def test_later_pages_know_the_total_that_was_asked_for(held: httpx.AsyncClient) -> None:
    first = await searched(held, "CarePlan?_count=3&_total=accurate")
    last = await searched(held, links(first)["next"].removeprefix(f"{BASE}/fhir/R4/"))
    assert (last["total"], len(last["entry"])) == (4, 1)
    assert "next" not in links(last)


@pytest.mark.parametrize("query", ["_summary=count", "_count=0", "_summary=count&_count=1", "_count=0&_sort=date"])
async def test_a_count_alone_has_no_entries_and_no_next_page(held: httpx.AsyncClient, query: str) -> None:
    bundle = await searched(held, f"CarePlan?patient=1&{query}")
    assert bundle["total"] == 2
    assert "entry" not in bundle
    assert list(links(bundle)) == ["self"]


async def test_the_self_link_says_what_was_applied(held: httpx.AsyncClient) -> None:
    query = f"patient=Patient/1&category=x,{ONE}|x&date=ge2020-01-01T00:00:00%2B01:00&_sort=-date&_count=1"
    bundle = await searched(held, f"CarePlan?{query}&_format=json&_pretty=true")
    parts = urlsplit(links(bundle)["self"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{BASE}/fhir/R4/CarePlan"
    assert parse_qsl(parts.query) == parse_qsl(query)
    again = await searched(held, links(bundle)["self"].removeprefix(f"{BASE}/fhir/R4/"))
    assert but_for_the_moment(again) == but_for_the_moment(bundle)


async def test_a_lenient_client_is_told_what_was_left_out(held: httpx.AsyncClient) -> None:
    answer = await held.get("/CarePlan?status=draft&colour=green", headers={"Prefer": "handling=lenient"})
    bundle = answer.json()
    assert [entry["search"]["mode"] for entry in bundle["entry"]] == ["match", "outcome"]
    assert "colour" in json.dumps(bundle["entry"][1]["resource"])
    assert links(bundle)["self"] == f"{BASE}/fhir/R4/CarePlan?status=draft"
    assert bundle["total"] == 1


async def test_pages_of_a_lenient_search_follow_each_other(held: httpx.AsyncClient) -> None:
    lenient = {"Prefer": "handling=lenient"}
    first = (await held.get("/CarePlan?_count=2&_sort=_id&colour=green", headers=lenient)).json()
    second = await held.get(links(first)["next"].removeprefix(f"{BASE}/fhir/R4"))  # without the header: all is known
    assert [entry["resource"]["id"] for entry in second.json()["entry"]] == ["p3", "p4"]


@pytest.mark.parametrize(
    "query",
    [
        "status=",
        "status=draft,",
        "status=,draft",
        "category=|",
        "category=a|b|c",
        "date=yesterday",
        "date=2024-13",
        "date=2024-02-30",
        "date=24",
        "date=gt",
        "date=xx2024",
        "date=GE2024",
        "date=2024-01-01T10",
        "date=2024-01-01T10:00:00+01:00",  # + is a space in an address
        "date=2024-01-01T10:00:00%2B15:00",
        "date=0000",
        "date=٢٠٢٤",
        "_lastUpdated=now",
        "_sort=colour",
        "_sort=",
        "_sort=-",
        "_sort=status,",
        "_sort=status,date,intent,patient,subject",
        "_sort=status&_sort=date",
        "_count=-1",
        "_count=1000000",
        "_count=1.5",
        "_count=",
        "_count=٣",
        "_count=1&_count=2",
        "_total=exact",
        "_summary=everything",
        "_page=abc",
        "_page=",
    ],
)
async def test_a_value_that_cannot_be_read_is_refused_with_its_name(held: httpx.AsyncClient, query: str) -> None:
    for headers in ({}, {"Prefer": "handling=lenient"}):
        answer = await held.get(f"/CarePlan?{query}", headers=headers)
        assert answer.status_code == 400, answer.text
        (issue,) = answer.json()["issue"]
        assert issue["expression"] == [f"http.{query.partition('=')[0]}"]


@pytest.mark.parametrize(
    "value", ["", "abc", "1_0", "NaN", "Infinity", "0x1", "1,", "gt", "1e5000", "٣", "1" * 30, "1 0"]
)
async def test_a_number_that_cannot_be_read_is_refused(held: httpx.AsyncClient, value: str) -> None:
    answer = await held.get(f"/RiskAssessment?probability={value}")
    assert answer.status_code == 400, answer.text
    assert answer.json()["issue"][0]["expression"] == ["http.probability"]


async def test_an_unknown_parameter_is_refused_with_the_nearest_name(held: httpx.AsyncClient) -> None:
    sentences = {
        "statis=draft": "There is no search parameter statis of CarePlan; did you mean status?",
        "colour:exact=red": "There is no search parameter colour of CarePlan",
        "status:nto=draft": "status has no modifier :nto, only :missing, :not, :in, :not-in, :below, :above; "
        "did you mean not?",
        "subject:Goal=1": "subject has no modifier :Goal, only :missing, :identifier, :Group, :Patient",
        "date:not=2024": "date has no modifier :not, only :missing",
        "status.name=x": "status holds no references, so nothing can be chained to it",
        "subject.name=x": "Group or Patient is not kept here, so nothing can be chained to it; "
        "subject:identifier=system|value finds what refers so",
        "goal.statis=x": "There is no search parameter statis of Goal",
    }
    for query, sentence in sentences.items():
        answer = await held.get(f"/CarePlan?{query}")
        assert answer.status_code == 400
        (issue,) = answer.json()["issue"]
        assert issue["diagnostics"] == sentence


async def test_everything_wrong_is_said_at_once(held: httpx.AsyncClient) -> None:
    answer = await held.get("/CarePlan?colour=green&date=x&_sort=shape&_count=x")
    places = sorted(issue["expression"][0] for issue in answer.json()["issue"])
    assert places == ["http._count", "http._sort", "http.colour", "http.date"]


async def test_a_page_token_is_good_for_its_own_query_only(held: httpx.AsyncClient) -> None:
    first = await searched(held, "CarePlan?_sort=date&_count=1")
    token = links(first)["next"].partition("_page=")[2]
    others = (
        f"CarePlan?_sort=-date&_count=1&_page={token}",
        f"CarePlan?_sort=date&_count=2&_page={token}",
        f"CarePlan?_sort=date&_count=1&status=draft&_page={token}",
        f"RiskAssessment?_sort=date&_count=1&_page={token}",
        f"CarePlan?_sort=date&_count=1&_page={token[:-1]}",
        f"CarePlan?_sort=date&_count=1&_page={token}!",
        f"CarePlan?_sort=date&_count=1&_page={token}=",
        f"CarePlan?_sort=date&_count=1&_page={token[1:]}{token[0]}",
    )
    for query in others:
        answer = await held.get(f"/{query}")
        assert answer.status_code == 400, query
        assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "page-token"
    assert (await held.get(f"/CarePlan?_sort=date&_count=1&_page={token}")).status_code == 200


async def test_an_update_is_found_by_its_new_values_only(client: httpx.AsyncClient) -> None:
    old = plan("Patient/1", id="a", category=[concept((ONE, "x"))], period={"start": "2024", "end": "2024"})
    await client.put("/CarePlan/a", json=old)
    new = plan("Patient/2", id="a", status="completed", category=[concept((TWO, "y"))])
    await client.put("/CarePlan/a", json=new)
    for query in ("patient=1", "category=x", f"category={ONE}|", "date=2024", "status=active", "_id=b"):
        assert await ids(client, f"CarePlan?{query}") == "", query
    for query in ("patient=2", "category=y", f"category={TWO}|", "status=completed", "_id=a"):
        assert await ids(client, f"CarePlan?{query}") == "a", query


async def test_what_is_deleted_is_never_found(client: httpx.AsyncClient) -> None:
    for name in ("a", "b"):
        await client.put(f"/CarePlan/{name}", json=plan("Patient/1", id=name, category=[concept((ONE, "x"))]))
    await client.delete("/CarePlan/a")
    for query in ("", "_id=a,b", "patient=1", "category=x", "_lastUpdated=gt2020", "_sort=-date", "_sort=status,-_id"):
        bundle = await searched(client, f"CarePlan?{query}&_total=accurate")
        assert [entry["resource"]["id"] for entry in bundle["entry"]] == ["b"], query
        assert bundle["total"] == 1, query
    await client.put("/CarePlan/a", json=plan("Patient/1", id="a"))
    assert await ids(client, "CarePlan?patient=1") == "a b"
    assert await ids(client, "CarePlan?category=x") == "b"


async def test_an_id_that_is_found_is_found_with_its_address_and_body(held: httpx.AsyncClient) -> None:
    (entry,) = (await searched(held, "CarePlan?_id=p1"))["entry"]
    assert entry["fullUrl"] == f"{BASE}/fhir/R4/CarePlan/p1"
    assert entry["resource"] == (await held.get("/CarePlan/p1")).json()


async def test_digits_survive_a_search(held: httpx.AsyncClient) -> None:
    answer = await held.get("/RiskAssessment?probability=0.80&_id=r1")
    assert b'"probabilityDecimal":0.80}' in answer.content


def sample_values() -> list[tuple[str, str, str, str]]:
    """Return type, parameter, a value for it that a sample has, and the sample's id, or when it was recorded."""
    resources = [
        entry["resource"]
        for file in sorted((EXAMPLES / "valid").glob("sample-*.json"))
        for entry in json.loads(file.read_text())["entry"]
    ]
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for resource in resources:
        for code, parameter in listed_parameters(resource["resourceType"]).items():
            for place, value in enumerate(extract(parameter.expression, resource)):
                path = f"({parameter.expression})[{place}]"
                parts = [first_of(f"{path}.{part.expression}", part, resource) for part in parameter.components]
                text = as_query(parameter.type, value) if not parts else None if None in parts else "$".join(parts)
                if text is not None:
                    mark = resource.get("id") or resource["recorded"]
                    found.setdefault((resource["resourceType"], code), (text, mark))
    return [(*key, *value) for key, value in found.items()]


def first_of(path: str, parameter: Parameter, resource: dict[str, Any]) -> str | None:
    """Return a query value for the first value of ``parameter`` that ``path`` leads to, or None."""
    return next((as_query(parameter.type, value) for value in extract(path, resource)), None)


def as_query(kind: str, value: Any) -> str | None:
    """Return a query value that ``value`` of the samples should be found by."""
    if kind == "date":
        texts = [value] if isinstance(value, str) else [value.get("start"), value.get("boundsPeriod", {}).get("start")]
        dates = [text for text in texts if text and text[:4].isdigit()]
        return f"ge{dates[0][:10]}" if dates else None
    if kind == "reference" and isinstance(value, dict):
        value = value.get("reference")
    if kind == "token" and isinstance(value, dict):
        coding = (value.get("coding") or [value])[0]
        code = coding.get("code") or coding.get("value")
        value = f"{coding.get('system', '')}|{code}" if code else None
    if kind == "quantity":
        value = f"{value['value']}|{value['system']}|{value['code']}"
    if value is None:
        return None
    return str(value).replace(",", "\\,").replace("#", "%23")


SAMPLED = sample_values()
# In the samples these concepts are the person's own words, without codes; finding words is for the modifier :text.
WORDS_ONLY = {("CarePlan", "strength"), ("Goal", "strength"), ("RiskAssessment", "strength"), ("Goal", "description")}


@pytest.mark.parametrize(("kind", "code", "value", "sample"), SAMPLED, ids=[f"{item[0]}-{item[1]}" for item in SAMPLED])
async def test_every_parameter_finds_a_sample_by_a_value_that_it_has(
    sample_client: httpx.AsyncClient, kind: str, code: str, value: str, sample: str
) -> None:
    answer = await sample_client.get(f"/fhir/R4/{kind}?{code}={value}&_count=1000")
    assert answer.status_code == 200, answer.text
    found = [entry["resource"] for entry in answer.json().get("entry", [])]
    assert sample in [item["id"] for item in found] + [item.get("recorded") for item in found], value


EXAMPLE_SEARCHES = json.loads((R4 / "examples" / "searches.json").read_text())


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in EXAMPLE_SEARCHES.items() for code in codes])
async def test_every_example_search_of_the_documentation_finds_something(
    sample_client: httpx.AsyncClient, kind: str, code: str
) -> None:
    value = EXAMPLE_SEARCHES[kind][code]
    answer = await sample_client.get(f"/fhir/R4/{kind}", params={code: value})
    assert answer.json()["total"] > 0


def test_every_recovery_parameter_has_a_value_in_the_samples() -> None:
    sampled = {(kind, code) for kind, code, _, _ in SAMPLED}
    statement = json.loads((R4 / "CapabilityStatement-recovery-plan-service.json").read_text())
    served = {item["definition"] for kind in statement["rest"][0]["resource"] for item in kind.get("searchParam", ())}
    own = [json.loads(file.read_text()) for file in R4.glob("SearchParameter-*.json")]
    assert {(item["base"][0], item["code"]) for item in own if item["url"] in served} - sampled == WORDS_ONLY
