"""Each issue of a resource that was sent says line and column, wherever the resource stood."""

import json
from typing import Any

import httpx
import pytest

from tests.support.resources import batch, care_plan, entry, goal, transaction

Json = dict[str, Any]
LINE = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-line"
COLUMN = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-col"
RECOVERY_GOAL = "https://w3id.org/recovery-plan/StructureDefinition/RecoveryGoal"
BAD = care_plan(
    status="banana",
    note=[{"text": "Zoë’s words"}, {"text": "b", "time": "yesterday", "authorStar": 1}],
    extension=[{"url": "http://example.org/x", "valueDate": "soon"}],
    _created={"extension": [{"url": "http://example.org/x", "valueCode": " c"}]},
    period={"start": "2026-13-01"},
)
BEGINS = {
    "CarePlan.status": '"banana"',
    "CarePlan.note[1].time": '"yesterday"',
    "CarePlan.note[1].authorStar": "1",
    "CarePlan.extension[0].value.ofType(date)": '"soon"',
    "CarePlan.created.extension[0].value.ofType(code)": '" c"',
    "CarePlan.period.start": '"2026-13-01"',
}


@pytest.fixture
def client(shared_client: httpx.AsyncClient) -> httpx.AsyncClient:
    return shared_client


def place_of(issue: Json) -> tuple[int, int]:
    """Return line and column of an issue, which are told twice."""
    line, column = issue["extension"]
    assert (line["url"], column["url"]) == (LINE, COLUMN)
    place = line["valueInteger"], int(column["valueString"])
    assert issue["location"] == ["Line[{}] Col[{}]".format(*place)]
    return place


def told(outcome: Json, text: str, root: str = "CarePlan") -> dict[str, str]:
    """Return by its expression what stands in ``text`` where an issue says it does."""
    lines, found = text.split("\n"), {}
    for issue in outcome["issue"]:
        line, column = place_of(issue)
        (expression,) = issue["expression"]
        found[expression.replace(root, "CarePlan", 1)] = lines[line - 1][column - 1 :]
    return found


def check(outcome: Json, text: str, root: str = "CarePlan") -> None:
    found = told(outcome, text, root)
    assert found.keys() == BEGINS.keys()
    for expression, begins in BEGINS.items():
        assert found[expression].startswith(begins), expression


WRITTEN = [
    json.dumps(BAD),
    json.dumps(BAD, ensure_ascii=False),
    json.dumps(BAD, indent=2, ensure_ascii=False),
    json.dumps(BAD, indent="\t").replace("\n", "\r\n"),
]


@pytest.mark.parametrize("text", WRITTEN, ids=["compact", "not only ASCII", "indented", "tabs and CR LF"])
async def test_from_a_body(client: httpx.AsyncClient, text: str) -> None:
    created = await client.post("/CarePlan", content=text.encode())
    assert created.status_code == 400
    check(created.json(), text)
    validated = await client.post("/CarePlan/$validate", content=text.encode())
    assert validated.json() == created.json()


@pytest.mark.parametrize("indent", [None, 1])
async def test_from_parameters(client: httpx.AsyncClient, indent: int | None) -> None:
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": BAD}]}
    text = json.dumps(parameters, indent=indent)
    answer = await client.post("/CarePlan/$validate", content=text)
    check(answer.json(), text, "Parameters.parameter[0].resource")


@pytest.mark.parametrize("indent", [None, 1])
async def test_from_entries_of_a_bundle(client: httpx.AsyncClient, indent: int | None) -> None:
    entries = [entry("POST", "Goal", goal()), entry("POST", "CarePlan", BAD), entry("POST", "CarePlan/$validate", BAD)]
    text = json.dumps(transaction(*entries), indent=indent)
    refused = await client.post("", content=text)
    assert refused.status_code == 400
    check(refused.json(), text, "Bundle.entry[1].resource")
    text = json.dumps(batch(*entries), indent=indent)
    _, created, validated = (await client.post("", content=text)).json()["entry"]
    check(created["response"]["outcome"], text, "Bundle.entry[1].resource")
    check(validated["resource"], text, "Bundle.entry[2].resource")


async def test_what_is_wrong_with_an_entry_itself(client: httpx.AsyncClient) -> None:
    entries = '[\n{"request": {"method": "GET", "url": "Patient"}},\n  {}]'
    text = f'{{"resourceType": "Bundle", "type": "batch", "entry": {entries}}}'
    bundle = (await client.post("", content=text)).json()
    first, second = (item["response"]["outcome"]["issue"][0] for item in bundle["entry"])
    assert (first["expression"], place_of(first)) == (["Bundle.entry[0].request"], (2, 13))
    assert place_of(second) == (3, 3)


async def test_a_missing_element_is_shown_where_it_should_be(client: httpx.AsyncClient) -> None:
    text = '\n {"resourceType": "Goal", "lifecycleStatus": "active",\n  "note": [],\n  "subject": {}}'
    issues = (await client.post("/Goal", content=text)).json()["issue"]
    places = {issue["expression"][0]: place_of(issue) for issue in issues}
    assert places["Goal.description"] == (2, 2)
    assert places["Goal.subject"] == (4, 14)


async def test_warnings_of_a_write_have_places(client: httpx.AsyncClient) -> None:
    text = json.dumps(goal(meta={"profile": ["http://example.org/unknown"]}), indent=1)
    answer = await client.post("/Goal", content=text, headers={"Prefer": "return=OperationOutcome"})
    assert answer.status_code == 201, answer.text
    (warning,) = [issue for issue in answer.json()["issue"] if issue["severity"] == "warning"]
    assert warning["details"]["coding"][0]["code"] == "profile-unknown"
    line, column = place_of(warning)
    assert text.split("\n")[line - 1][column - 1 :].startswith('"http://example.org/unknown"')


@pytest.mark.parametrize(
    ("text", "rule", "place"),
    [
        (b'{"resourceType": "Goal",\n  "a": }', "not-json", (2, 8)),
        (b'{"resourceType": "Goal",\n "a": "\xff"}', "not-json", (2, 8)),
        ('{"resourceType": "Goal",\n "ä": "ö", "b": 1, "b": 2}'.encode(), "duplicate-key", (2, 25)),
        (b'{"resourceType": "Goal", "note": [{}, {"b": 1,\n "b": 2}]}', "duplicate-key", (2, 7)),
        (b'{"note": [{}, {"b": 1, "b": 2}],\n bad', "not-json", (2, 2)),
        (b'{"resourceType": "Goal",\n "note": [{"text": "\\u0000"}]}', "characters", (2, 20)),
    ],
)
async def test_what_is_no_json_says_where(client: httpx.AsyncClient, text: bytes, rule: str, place: Any) -> None:
    answer = await client.post("/Goal", content=text)
    assert answer.status_code == 400
    (issue,) = answer.json()["issue"]
    assert (issue["details"]["coding"][0]["code"], place_of(issue)) == (rule, place)


async def test_what_is_not_in_a_body_has_no_place(client: httpx.AsyncClient) -> None:
    for answer in (
        await client.get("/Goal?foo=1"),
        await client.get("/Goal/a_b"),
        await client.post("/Goal?_pretty=x", content=json.dumps(goal(status=1))),
        await client.post("/Goal", content=json.dumps(goal()), headers={"Content-Type": "text/plain"}),
        await client.post(
            "/Goal/_search", content=b"foo=1", headers={"Content-Type": "application/x-www-form-urlencoded"}
        ),
    ):
        (issue,) = answer.json()["issue"]
        assert "extension" not in issue, answer.text
        assert "location" not in issue


async def test_issues_come_sorted_by_their_places(client: httpx.AsyncClient) -> None:
    notes = [{"text": "x", "time": "bad"} for _ in range(12)]
    answer = await client.post("/CarePlan", content=json.dumps(care_plan(title=1, note=notes, created="bad")))
    places = [issue["expression"][0] for issue in answer.json()["issue"]]
    assert places == ["CarePlan.created", *(f"CarePlan.note[{n}].time" for n in range(12)), "CarePlan.title"]


async def test_many_bad_entries_of_a_large_bundle_are_answered_soon(client: httpx.AsyncClient) -> None:
    bad = care_plan(status="banana", note=[{"text": "x" * 5_000}])
    bundle = batch(*(entry("POST", "CarePlan", bad) for _ in range(600)))
    answer = await client.post("", content=json.dumps(bundle, indent=1), timeout=60)
    assert answer.elapsed.total_seconds() < 15
    lines = [place_of(item["response"]["outcome"]["issue"][0])[0] for item in answer.json()["entry"]]
    assert lines == [lines[0] + (lines[1] - lines[0]) * number for number in range(600)]
