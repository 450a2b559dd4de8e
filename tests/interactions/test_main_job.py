"""The main job: a record system writes a co-produced plan, reads it back and keeps it in step."""

import orjson

from tests.support.samples import valid_example

CHANGED_BY_SERVER = ("id", "meta")


def _linked(resource: dict, locations: dict[str, str]) -> dict:
    """Return what was sent with its urn:uuid references as the service has to rewrite them."""
    text = orjson.dumps(resource).decode()
    for full_url, location in locations.items():
        text = text.replace(full_url, location)
    return orjson.loads(text)


async def test_plan_written_in_one_transaction_is_read_back_as_it_was_sent(client):
    bundle = valid_example("transaction-co-produced-plan")
    response = await client.post("", content=orjson.dumps(bundle))
    assert response.status_code == 200
    answers = [entry["response"] for entry in response.json()["entry"]]
    assert [answer["status"] for answer in answers] == ["201 Created"] * 5
    assert {answer["etag"] for answer in answers} == {'W/"1"'}

    paths = [answer["location"].removesuffix("/_history/1") for answer in answers]
    locations = dict(zip([entry["fullUrl"] for entry in bundle["entry"]], paths, strict=True))
    for entry, path in zip(bundle["entry"], paths, strict=True):
        read = await client.get(path)
        assert read.status_code == 200
        found = {key: value for key, value in read.json().items() if key not in CHANGED_BY_SERVER}
        if "text" not in entry["resource"]:
            assert found.pop("text")["div"], "a narrative that the service wrote"
        sent = {key: value for key, value in entry["resource"].items() if key not in CHANGED_BY_SERVER}
        assert orjson.dumps(found) == orjson.dumps(_linked(sent, locations))


async def test_plan_is_found_kept_in_step_and_deleted(client):
    bundle = valid_example("transaction-co-produced-plan")
    answers = (await client.post("", content=orjson.dumps(bundle))).json()["entry"]
    path = next(
        location.removesuffix("/_history/1")
        for location in (entry["response"]["location"] for entry in answers)
        if location.startswith("CarePlan/")
    )
    plan = (await client.get(path)).json()

    found = (await client.get("CarePlan", params={"patient": plan["subject"]["reference"]})).json()
    assert [entry["resource"] for entry in found["entry"]] == [plan]

    mine, theirs = {**plan, "title": "My change"}, {**plan, "title": "Their change"}
    first = await client.put(path, json=mine, headers={"If-Match": 'W/"1"'})
    second = await client.put(path, json=theirs, headers={"If-Match": 'W/"1"'})
    assert (first.status_code, first.headers["etag"], second.status_code) == (200, 'W/"2"', 412)

    history = (await client.get(f"{path}/_history")).json()
    assert [entry["resource"].get("title") for entry in history["entry"]] == ["My change", plan.get("title")]

    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 410
    assert (await client.get(f"{path}/_history/2")).json()["title"] == "My change"
