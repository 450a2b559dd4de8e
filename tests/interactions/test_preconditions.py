"""If-Match and If-None-Match on writes, as RFC 9110 has them; addresses that are refused before the body is read."""

import pytest

from tests.support.resources import created, goal, problems


async def test_if_match_takes_a_list_and_a_star(client):
    made = await created(client, goal())
    path = f"/Goal/{made['id']}"
    for number, condition in enumerate(['W/"1", W/"7"', "*", 'W/"3"']):
        change = {**made, "description": {"text": f"Change {number}"}}
        response = await client.put(path, json=change, headers={"If-Match": condition})
        assert (response.status_code, response.headers["etag"]) == (200, f'W/"{number + 2}"')
    response = await client.put(path, json=made, headers={"If-Match": 'W/"1", W/"2"'})
    assert (response.status_code, problems(response)) == (412, [("version-conflict", "http.If-Match")])


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_if_match_star_needs_something_to_match(client, method):
    body = {"json": {**goal(), "id": "never-written"}} if method == "PUT" else {}
    response = await client.request(method, "/Goal/never-written", headers={"If-Match": "*"}, **body)
    assert (response.status_code, problems(response)) == (412, [("version-conflict", "http.If-Match")])


async def test_if_none_match_star_creates_and_never_replaces(client):
    body = {**goal(), "id": "only-once"}
    first = await client.put("/Goal/only-once", json=body, headers={"If-None-Match": "*"})
    second = await client.put("/Goal/only-once", json=body, headers={"If-None-Match": "*"})
    assert (first.status_code, second.status_code) == (201, 412)
    assert problems(second) == [("version-conflict", "http.If-None-Match")]
    assert (await client.get("/Goal/only-once")).headers["etag"] == 'W/"1"'


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("PUT", "/metadata", 405), ("POST", "/Goal/1", 405), ("PUT", "/", 405), ("PUT", "/Patient/1", 404)],
)
async def test_address_is_judged_before_the_body(client, method, path, status):
    response = await client.request(method, path, content=b"no JSON", headers={"Content-Type": "text/plain"})
    assert response.status_code == status


async def test_encoded_body_is_415(client):
    headers = {"Content-Encoding": "gzip"}
    response = await client.post("/Goal", content=b"\x1f\x8b", headers=headers)
    found = (response.status_code, problems(response))
    assert found == (415, [("unsupported-media-type", "http.Content-Encoding")])


async def test_misshapen_entry_spoils_no_other_of_a_batch(client):
    entries = [
        {"request": {"method": "FETCH", "url": "Goal"}},
        {"request": {"method": "GET"}},
        {"request": {"method": "POST", "url": "Goal"}, "resource": goal()},
        "nothing",
    ]
    response = await client.post("", json={"resourceType": "Bundle", "type": "batch", "entry": entries})
    assert response.status_code == 200
    answers = [entry["response"] for entry in response.json()["entry"]]
    assert [answer["status"][:3] for answer in answers] == ["422", "422", "201", "400"]
    places = [answer["outcome"]["issue"][0]["expression"] for answer in answers if "outcome" in answer]
    assert places == [["Bundle.entry[0].request.method"], ["Bundle.entry[1].request.url"], ["Bundle.entry[3]"]]


async def test_reference_by_search_is_refused_in_a_transaction(client):
    linked = {**goal(), "addresses": [{"reference": "RiskAssessment?identifier=x"}]}
    entry = {"request": {"method": "POST", "url": "Goal"}, "resource": linked}
    response = await client.post("", json={"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    place = "Bundle.entry[0].resource.addresses[0].reference"
    assert (response.status_code, problems(response)) == (422, [("reference-unresolved", place)])


async def test_search_for_too_many_values_is_refused(client):
    response = await client.post(
        "/Goal/_search",
        content="_id=" + ",".join(map(str, range(1001))),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (response.status_code, problems(response)) == (400, [("parameter-value", "http._id")])


async def test_part_of_a_resource_cannot_replace_the_whole(client):
    made = await created(client, goal(note=[{"text": "Kept."}]))
    path = f"/Goal/{made['id']}"
    part = (await client.get(f"{path}?_summary=true")).json()
    response = await client.put(path, json=part)
    assert (response.status_code, problems(response)) == (422, [("subsetted", "Goal.meta.tag")])
    assert (await client.get(path)).json() == made


@pytest.mark.parametrize("query", ["patient=a%00b", "_id=%00", "a%00=b", "description=%00"])
async def test_nul_in_a_parameter_is_refused(client, query):
    for response in (
        await client.get(f"/Goal?{query}"),
        await client.post(
            "/Goal/_search", content=query, headers={"Content-Type": "application/x-www-form-urlencoded"}
        ),
    ):
        assert (response.status_code, problems(response)[0][0]) == (400, "characters")


@pytest.mark.parametrize("path", ["/Goal/$everything", "/Goal/1/$everything", "/Goal/_search/1", "/ValueSet/$validate"])
async def test_what_is_not_offered_at_a_type_is_404(client, path):
    response = await client.get(path)
    assert (response.status_code, problems(response)) == (404, [("unknown-address", None)])


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/Goal?_elements=note&_elements=text", "_elements"),
        ("/Goal?_summary=true&_summary=text", "_summary"),
        ("/metadata?mode=full&mode=full", "mode"),
        ("/Goal?_format=json&_format=json", "_format"),
    ],
)
async def test_parameter_that_may_stand_once_is_refused_twice(client, path, name):
    response = await client.get(path)
    assert (response.status_code, problems(response)) == (400, [("parameter-value", f"http.{name}")])


async def test_many_links_that_lead_nowhere_are_found_in_one_walk(client):
    links = [{"reference": f"urn:uuid:{number:08d}-0000-4000-8000-000000000000"} for number in range(20_000)]
    entry = {"request": {"method": "POST", "url": "Goal"}, "resource": goal(addresses=links)}
    response = await client.post("", json={"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    assert response.status_code == 422
    issues = response.json()["issue"]
    assert issues[0]["expression"] == ["Bundle.entry[0].resource.addresses[0].reference"]
    assert len(issues) == 101
