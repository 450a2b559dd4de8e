"""Bodies that are too deep, too long, or wrong in too many places."""

import json
import time

import orjson
import pytest

from tests.support.app import client_of
from tests.support.resources import batch, care_plan, entry, goal, issues_of, problems, total, transaction


@pytest.fixture
def client(shared_client):
    return shared_client


def nested(levels, inside="1"):
    return (
        '{"resourceType":"CarePlan","extension":' + '[{"url":"u","extension":' * levels + inside + "}]" * levels + "}"
    )


@pytest.mark.parametrize("levels", [100, 200, 440, 460, 470, 500, 5_000, 100_000])
@pytest.mark.parametrize("inside", ["1", '{"a":1,"a":2}', '"\\u0000"'])
async def test_deep_nesting_is_refused(refused, levels, inside):
    status, found = await refused("CarePlan", nested(levels, inside))
    assert status == 400
    assert {rule for rule, _ in found} <= {"nesting", "duplicate-key", "characters", "cardinality"}


async def test_nesting_names_the_place_and_sixty_levels_are_let_through(client, refused):
    status, found = await refused("CarePlan", nested(200))
    assert (status, found[0][0]) == (400, "nesting")
    assert found[0][1].startswith("CarePlan.extension[0].extension[0].")
    leaf = [{"url": "u", "valueCode": "c"}]
    for _ in range(55):
        leaf = [{"url": "u", "extension": leaf}]
    assert (await client.post("/CarePlan", json=care_plan(extension=leaf))).status_code == 201


@pytest.mark.parametrize("levels", [85, 90, 300, 400])
async def test_deep_nesting_in_a_contained_resource_is_refused_too(refused, levels):
    items = [{"linkId": "x", "type": "display"}]
    for _ in range(levels):
        items = [{"linkId": "x", "type": "group", "item": items}]
    questions = {"resourceType": "Questionnaire", "id": "q", "status": "draft", "item": items}
    status, found = await refused("CarePlan", care_plan(contained=[questions]))
    assert (status, found) == (400, [("nesting", "CarePlan.contained[0]")])


async def test_body_over_the_limit_is_413_with_and_without_a_length(settings):
    async with client_of(settings.model_copy(update={"max_body_bytes": 1000})) as client:
        fits = json.dumps(goal(), separators=(",", ":")).ljust(1000).encode()
        assert (await client.post("/Goal", content=fits)).status_code == 201

        async def parts(content):
            for start in range(0, len(content), 100):
                yield content[start : start + 100]

        for content in (fits + b" ", parts(fits + b" ")):
            response = await client.post("/Goal", content=content)
            assert (response.status_code, problems(response)) == (413, [("body-too-large", None)])
            assert "1000" in issues_of(response)[0]["diagnostics"]
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert (await client.post("/Goal/_search", content=b"_id=" + b"1" * 1000, headers=form)).status_code == 413
        assert await total(client) == 1


async def test_ten_thousand_entries_are_413(client):
    before = await total(client)
    for make_entry in (entry("POST", "Goal", goal()), {}):
        response = await client.post("", content=orjson.dumps(batch(*[make_entry] * 10_000)))
        assert (response.status_code, problems(response)) == (413, [("bundle-too-large", "Bundle.entry")])
    assert await total(client) == before


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("{" + ",".join(f'"k{number}":0' for number in range(100_000)) + ',"k99999":0}', id="duplicate"),
        pytest.param(json.dumps({**goal(), **{f"key{number}": 1 for number in range(100_000)}}), id="unknown"),
        pytest.param(json.dumps(goal(note=[None] * 100_000)), id="nulls"),
        pytest.param(json.dumps(goal(note=["\x00"] * 100_000)), id="characters"),
        pytest.param(json.dumps(goal(note=[{"text": "x" * 5_000_000}], foo=1)), id="long"),
    ],
)
async def test_a_large_bad_body_costs_neither_minutes_nor_megabytes(client, body):
    start = time.monotonic()
    response = await client.post("/Goal", content=body)
    assert response.status_code == 400
    assert time.monotonic() - start < 30  # what is quadratic takes minutes
    assert len(response.content) < 60_000
    assert len(response.json()["issue"]) <= 101


async def test_of_very_many_issues_the_first_hundred_are_listed(client):
    for count, last in ((100, "error"), (101, "information"), (5_000, "information")):
        response = await client.post("/Goal", json=goal(note=[None] * count))
        issues = issues_of(response)
        assert len(issues) == min(count, 101)
        assert issues[99]["expression"] == ["Goal.note[99]"]
        assert issues[-1]["severity"] == last


async def test_a_resource_too_large_for_the_database_is_413_wherever_it_stands(client):
    before = await total(client)
    large = goal(id="too-large", note=[{"text": "x" * 1_000_000}] * 9)
    for response in (
        await client.post("/Goal", json=large),
        await client.put("/Goal/too-large", json=large),
        await client.post("", json=transaction(entry("POST", "CarePlan", care_plan()), entry("POST", "Goal", large))),
    ):
        assert response.status_code == 413
        assert [rule for rule, _ in problems(response)] == ["body-too-large"]
    assert await total(client) == before
