"""Addresses, methods, parameters and page tokens that are refused."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.support.app import client_of
from tests.support.resources import batch, care_plan, created, entry, goal, issues_of, problems

SERVED = "CarePlan, Goal, RiskAssessment"


@pytest.fixture
def client(shared_client):
    return shared_client


@pytest.mark.parametrize(
    ("path", "status", "found"),
    [
        ("/Patient", 404, [("unknown-type", None)]),
        ("/Patient/1", 404, [("unknown-type", None)]),
        ("/CareTeam/1/_history", 404, [("unknown-type", None)]),
        ("/careplan", 404, [("unknown-address", None)]),
        ("/_histories", 404, [("unknown-address", None)]),
        ("/CarePlan/_histories", 404, [("unknown-address", None)]),
        ("/$validate", 404, [("unknown-address", None)]),
        ("/Device/1/$everything", 404, [("unknown-address", None)]),
        ("/CarePlan/1/_history/1/$diff", 404, [("unknown-address", None)]),
        ("/CarePlan/1/2", 404, [("unknown-address", None)]),
        ("/CarePlan/1/_history/1/2", 404, [("unknown-address", None)]),
        ("/CarePlan/a%2Fb", 404, [("unknown-address", None)]),
        ("/metadata/1", 404, [("unknown-address", None)]),
        ("/%00", 404, [("unknown-address", None)]),
        ("/%F0%9F%99%82", 404, [("unknown-address", None)]),
        ("/CarePlan/under_score", 400, [("id-format", "CarePlan.id")]),
        ("/CarePlan/" + "x" * 65, 400, [("id-format", "CarePlan.id")]),
        ("/CarePlan/a%00b", 400, [("id-format", "CarePlan.id")]),
        ("/CarePlan/a%0A", 400, [("id-format", "CarePlan.id")]),
        ("/CarePlan/%ED%A0%80", 400, [("id-format", "CarePlan.id")]),
        ("/CarePlan/%D9%A1", 400, [("id-format", "CarePlan.id")]),
        ("/CarePlan/$everything", 404, [("unknown-address", None)]),
        ("/CarePlan/a_b/_history", 400, [("id-format", "CarePlan.id")]),
        ("/CarePlan/a_b/_history/1", 400, [("id-format", "CarePlan.id")]),
    ],
)
async def test_unknown_address_is_refused(client, path, status, found):
    response = await client.get(path)
    assert (response.status_code, problems(response)) == (status, found)
    assert ("unknown-type" not in response.text) or SERVED in response.text


@pytest.mark.parametrize("new_id", ["under_score", "x" * 65, "a b", "%F0%9F%99%82"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_writing_to_a_bad_id_is_refused(client, method, new_id):
    response = await client.request(method, f"/Goal/{new_id}", json=goal(id=new_id))
    assert (response.status_code, problems(response)) == (400, [("id-format", "Goal.id")])


@pytest.mark.parametrize(
    "path", ["/nowhere", "/fhir", "/fhir/", "/fhir/R4x", "/fhir/R5/CarePlan", "/docs/x", "/openapi"]
)
async def test_addresses_outside_are_outcomes_too(settings, path):
    async with client_of(settings, path="") as client:
        response = await client.get(path)
        assert (response.status_code, problems(response)) == (404, [("unknown-address", None)])
        for known in ("/health/live", "/openapi.json"):
            refused = await client.delete(known)
            assert (refused.status_code, problems(refused)) == (405, [("method-not-allowed", None)])
            assert "GET" in refused.headers["allow"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/CarePlan/1", "GET, PUT, PATCH, DELETE, HEAD"),
        ("PATCH", "/Provenance/1", "GET, HEAD"),
        ("DELETE", "/Provenance", "GET, POST, HEAD"),
        ("DELETE", "/_history", "GET, HEAD"),
        ("PUT", "/$meta", "GET, POST, HEAD"),
        ("GET", "/Goal/1/$meta-add", "POST"),
        ("DELETE", "/CarePlan/1/_history", "GET, HEAD"),
        ("PUT", "/CarePlan/1/_history/1", "GET, HEAD"),
        ("GET", "/CarePlan/_search", "POST"),
        ("POST", "/metadata", "GET, HEAD"),
        ("DELETE", "", "GET, POST, HEAD"),
        ("DELETE", "/Patient/1/CarePlan", "GET, HEAD"),
        ("GET", "/Patient/1/*/_search", "POST"),
        ("BREW", "/CarePlan", "GET, POST, PUT, PATCH, DELETE, HEAD"),
    ],
)
async def test_a_method_that_is_not_offered_is_405_and_says_which_are(client, method, path, allowed):
    response = await client.request(method, path, json=goal() if method in ("POST", "PUT") else None)
    assert (response.status_code, problems(response)) == (405, [("method-not-allowed", None)])
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize(
    ("query", "rule", "place", "words"),
    [
        ("statuss=active", "unknown-parameter", "http.statuss", "did you mean status?"),
        ("_cuont=1", "unknown-parameter", "http._cuont", "did you mean _count?"),
        ("zzzz=1", "unknown-parameter", "http.zzzz", "There is no search parameter zzzz"),
        ("$where=1", "unknown-parameter", "http.$where", "$where"),
        ("search.status=active", "unknown-parameter", "http.search.status", "no search parameter search"),
        ("subject:Patient.name=x", "unknown-parameter", "http.subject:Patient.name", "nothing can be chained"),
        ("a%00b=1", "characters", None, "NUL"),
        ("date=yesterday", "parameter-value", "http.date", "date"),
        ("date=2026-13-01", "parameter-value", "http.date", "date"),
        ("date=xx2026", "parameter-value", "http.date", "ne, gt, lt"),
        ("date=gt", "parameter-value", "http.date", "date"),
        ("date=%D9%A2%D9%A0%D9%A2%D9%A6", "parameter-value", "http.date", "date"),
        ("date=2026-01-01T00:00:00+01:00", "parameter-value", "http.date", "%2B"),
        ("_lastUpdated=ge", "parameter-value", "http._lastUpdated", "_lastUpdated"),
        ("status=", "parameter-value", "http.status", "empty"),
        ("status=active,", "parameter-value", "http.status", "empty"),
        ("_count=-1", "parameter-value", "http._count", "from 0 to 1000"),
        ("_count=1000000", "parameter-value", "http._count", "from 0 to 1000"),
        ("_count=1.5", "parameter-value", "http._count", "from 0 to 1000"),
        ("_count=%D9%A1", "parameter-value", "http._count", "from 0 to 1000"),
        ("_count=", "parameter-value", "http._count", "from 0 to 1000"),
        ("_count=1&_count=2", "parameter-value", "http._count", "twice"),
        ("_sort=statuss", "parameter-value", "http._sort", "did you mean status?"),
        ("_sort=", "parameter-value", "http._sort", "sort"),
        ("_total=many", "parameter-value", "http._total", "none, estimate, accurate"),
        ("_summary=some", "parameter-value", "http._summary", "true, text, data, count, false"),
        ("_page=", "page-token", "http._page", "first page"),
        ("_page=AAAA", "page-token", "http._page", "first page"),
        ("_page=%F0%9F%99%82", "page-token", "http._page", "first page"),
        ("_id=%ED%A0%80", "parameter-value", None, "UTF-8"),
        ("_id=%FF", "parameter-value", None, "UTF-8"),
    ],
)
async def test_parameters_that_cannot_be_read_are_refused(client, query, rule, place, words):
    response = await client.get(f"/CarePlan?{query}")
    assert (response.status_code, problems(response)) == (400, [(rule, place)])
    assert words in issues_of(response)[0]["diagnostics"]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    posted = await client.post("/CarePlan/_search", content=query.encode(), headers=form)
    assert (posted.status_code, posted.json()) == (400, response.json())


@pytest.mark.parametrize(
    "query", ["probability=half", "probability=NaN", "probability=1e9999", "probability=gtgt1", "probability=1_0"]
)
async def test_numbers_that_cannot_be_read_are_refused(client, query):
    response = await client.get(f"/RiskAssessment?{query}")
    assert (response.status_code, problems(response)) == (400, [("parameter-value", "http.probability")])


async def test_more_than_a_thousand_parameters_are_refused(client):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for count, status in ((1000, 200), (1001, 400), (200_000, 400)):
        query = "&".join(["_id=x"] * count)
        response = await client.post("/Goal/_search", content=query, headers=form)
        assert response.status_code == status
        answers = await client.post("", json=batch(entry("GET", f"Goal?{query}")))
        assert answers.json()["entry"][0]["response"]["status"][:3] == ("200" if status == 200 else "422")
    assert problems(response) == [("parameter-value", None)]


async def test_all_bad_parameters_are_named_at_once(client):
    response = await client.get("/CarePlan?foo=1&date=x1&_count=z")
    assert [place for _, place in problems(response)] == ["http._count", "http.date", "http.foo"]


async def test_lenient_client_gets_its_answer_and_an_outcome_beside_it(client):
    plan = await created(client, care_plan())
    query = f"/CarePlan?_id={plan['id']}&statuss=active&status=active"
    response = await client.get(query, headers={"Prefer": "handling=lenient"})
    assert response.status_code == 200
    bundle = response.json()
    assert [item["search"]["mode"] for item in bundle["entry"]] == ["match", "outcome"]
    (issue,) = bundle["entry"][1]["resource"]["issue"]
    assert "did you mean status?" in issue["diagnostics"]
    assert bundle["link"][0]["url"].endswith(f"/CarePlan?_id={plan['id']}&status=active")
    assert bundle["total"] == 1
    bad_value = await client.get("/CarePlan?date=x&foo=1", headers={"Prefer": "handling=lenient"})
    assert (bad_value.status_code, problems(bad_value)[0][1]) == (400, "http.date")


async def page_link(client: httpx.AsyncClient, query: str) -> str:
    """Return the token of the second page of a search of CarePlans."""
    bundle = (await client.get(f"/CarePlan?{query}")).json()
    (url,) = (link["url"] for link in bundle["link"] if link["relation"] == "next")
    return parse_qs(urlsplit(url).query)["_page"][0]


async def test_page_token_that_was_changed_or_is_of_another_query_is_refused(client):
    for _ in range(2):
        await created(client, care_plan(subject={"reference": "Patient/tokens"}))
    query = "subject=Patient/tokens&_count=1"
    token = await page_link(client, query)
    assert (await client.get(f"/CarePlan?{query}&_page={token}")).status_code == 200
    changed = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(len(token))]
    for other in (
        *changed,
        token + "A",
        token + "!!!!",
        token[:8] + "!!!!" + token[8:],
        token[:-1],
        token[4:],
        token * 2,
        token + "==",
    ):
        response = await client.get(f"/CarePlan?{query}&_page={other}")
        assert (response.status_code, problems(response)) == (400, [("page-token", "http._page")]), other
    for others in (
        "subject=Patient/tokens&_count=2",
        "subject=Patient/other&_count=1",
        "_count=1",
        f"{query}&_sort=date",
    ):
        response = await client.get(f"/CarePlan?{others}&_page={token}")
        assert (response.status_code, problems(response)) == (400, [("page-token", "http._page")])
    response = await client.get(f"/Goal?{query}&_page={token}")
    assert response.status_code == 400


async def test_values_that_would_be_database_operators_only_match_themselves(client):
    await created(client, care_plan(identifier=[{"system": "http://s", "value": "$ne"}], title="x"))
    for query in ("identifier=$ne", 'identifier=http://s|{"$ne":null}', "identifier=.*", "_id=$gt"):
        total = (await client.get(f"/CarePlan?{query}")).json()["total"]
        assert total == (1 if query == "identifier=$ne" else 0)
