"""history-instance: every version, the newest first, in pages."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.resources import care_plan, created, goal, problems


@pytest.fixture
def client(shared_client):
    return shared_client


async def versions_of(client, count):
    """Make a Goal with ``count`` versions and return its address."""
    made = await created(client, goal(description={"text": "1"}))
    for number in range(2, count + 1):
        body = {**made, "description": {"text": str(number)}}
        assert (await client.put(f"/Goal/{made['id']}", json=body)).status_code == 200
    return f"/Goal/{made['id']}"


def etags(bundle):
    return [item["response"]["etag"] for item in bundle.get("entry", [])]


async def test_history_tells_each_version_and_what_was_asked(client):
    address = await versions_of(client, 2)
    assert (await client.delete(address)).status_code == 204
    goal_id = address.removeprefix("/Goal/")
    assert (await client.put(address, json=goal(id=goal_id))).status_code == 201
    response = await client.get(f"{address}/_history")
    assert response.status_code == 200
    bundle = response.json()
    assert (bundle["resourceType"], bundle["type"], bundle["total"]) == ("Bundle", "history", 4)
    asked = [(item["request"]["method"], item["request"]["url"]) for item in bundle["entry"]]
    assert asked == [
        ("PUT", f"Goal/{goal_id}"),
        ("DELETE", f"Goal/{goal_id}"),
        ("PUT", f"Goal/{goal_id}"),
        ("POST", "Goal"),
    ]
    assert etags(bundle) == ['W/"4"', 'W/"3"', 'W/"2"', 'W/"1"']
    assert [item["response"]["status"][:3] for item in bundle["entry"]] == ["201", "204", "200", "201"]
    assert [item.get("resource", {}).get("meta", {}).get("versionId") for item in bundle["entry"]] == [
        "4",
        None,
        "2",
        "1",
    ]
    assert {item["fullUrl"] for item in bundle["entry"]} == {f"http://testserver/fhir/R4{address}"}
    moments = [item["response"]["lastModified"] for item in bundle["entry"]]
    assert moments == sorted(moments, reverse=True)
    assert len(set(moments)) == 4
    assert [link["relation"] for link in bundle["link"]] == ["self"]


async def test_history_of_a_deleted_resource_is_still_told(client):
    plan = await created(client, care_plan())
    await client.delete(f"/CarePlan/{plan['id']}")
    bundle = (await client.get(f"/CarePlan/{plan['id']}/_history")).json()
    assert etags(bundle) == ['W/"2"', 'W/"1"']
    assert "resource" not in bundle["entry"][0]
    assert bundle["entry"][1]["resource"] == plan


async def test_pages_of_a_history_hold_every_version_once_while_new_ones_come(client):
    address = await versions_of(client, 5)
    found, url = [], f"{address}/_history?_count=2"
    while url:
        bundle = (await client.get(url)).json()
        assert len(bundle["entry"]) <= 2
        found += etags(bundle)
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)
        goal_id = address.removeprefix("/Goal/")
        await client.put(address, json=goal(id=goal_id, description={"text": f"later {len(found)}"}))
    assert found == [f'W/"{number}"' for number in (5, 4, 3, 2, 1)]


async def test_history_with_count_nought_only_counts(client):
    address = await versions_of(client, 2)
    bundle = (await client.get(f"{address}/_history?_count=0")).json()
    assert (bundle["total"], bundle.get("entry")) == (2, None)
    assert [link["relation"] for link in bundle["link"]] == ["self"]


async def test_history_since_a_moment(client):
    address = await versions_of(client, 3)
    moment = (await client.get(f"{address}/_history/2")).json()["meta"]["lastUpdated"]
    bundle = (await client.get(f"{address}/_history", params={"_since": moment})).json()
    assert etags(bundle) == ['W/"3"', 'W/"2"']
    assert etags((await client.get(f"{address}/_history?_since=2999")).json()) == []
    assert len(etags((await client.get(f"{address}/_history?_since=0001")).json())) == 3


@pytest.mark.parametrize(
    ("query", "rule", "place"),
    [
        ("_count=-1", "parameter-value", "http._count"),
        ("_count=1000000", "parameter-value", "http._count"),
        ("_count=", "parameter-value", "http._count"),
        ("_count=%D9%A1", "parameter-value", "http._count"),
        ("_since=today", "parameter-value", "http._since"),
        ("_since=2026-02-30", "parameter-value", "http._since"),
        ("_since=0001-01-01T00:00:00%2B14:00", "parameter-value", "http._since"),
        ("_since=9999-12-31T23:59:59-14:00", "parameter-value", "http._since"),
        ("_page=", "page-token", "http._page"),
        ("_page=abc", "page-token", "http._page"),
        ("_at=", "parameter-value", "http._at"),
        ("_at=yesterday", "parameter-value", "http._at"),
        ("_at=ge2026", "parameter-value", "http._at"),
        ("_at=2026,2027", "parameter-value", "http._at"),
        ("_at=9999-12-31T23:59:59-14:00", "parameter-value", "http._at"),
        ("_summary=count", "parameter-value", "http._summary"),
        ("_since=2026&_since=2027", "parameter-value", "http._since"),
        ("status=active", "unknown-parameter", "http.status"),
        ("_sort=_lastUpdated", "unknown-parameter", "http._sort"),
        ("_list=$current-problems", "unknown-parameter", "http._list"),
    ],
)
async def test_history_refuses_what_it_cannot_read(client, query, rule, place):
    address = await versions_of(client, 1)
    for path in (address, "/Goal", ""):
        response = await client.get(f"{path}/_history?{query}")
        assert (response.status_code, problems(response)) == (400, [(rule, place)])


async def test_all_that_cannot_be_read_is_told_at_once_and_what_was_meant(client):
    response = await client.get("/Goal/_history?_since=x&_at=y&_count=z")
    assert [place for _, place in problems(response)] == ["http._at", "http._count", "http._since"]
    for name, meant in (("_cuont", "_count"), ("since", "_since"), ("_att", "_at")):
        (issue,) = (await client.get(f"/Goal/_history?{name}=1")).json()["issue"]
        assert issue["diagnostics"] == f"A history has no parameter {name}; did you mean {meant}?"
    (issue,) = (await client.get("/_history?_sort=-_lastUpdated")).json()["issue"]
    assert issue["diagnostics"] == "A history comes with the latest version first; R4 has no other order for it"


async def test_page_of_one_history_is_no_page_of_another(client):
    first, second = await versions_of(client, 2), await versions_of(client, 2)
    bundle = (await client.get(f"{first}/_history?_count=1")).json()
    token = parse_qs(urlsplit(bundle["link"][1]["url"]).query)["_page"][0]
    for url in (f"{second}/_history?_count=1", f"{first}/_history?_count=2"):
        response = await client.get(f"{url}&_page={token}")
        assert (response.status_code, problems(response)) == (400, [("page-token", "http._page")])


async def test_history_of_what_never_was_is_404(client):
    response = await client.get("/Goal/nothing/_history")
    assert (response.status_code, problems(response)) == (404, [("unknown-resource", None)])
