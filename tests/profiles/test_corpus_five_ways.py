"""The examples on the real service: sent in five ways they give the issues of their index, and lines and columns."""

from collections.abc import AsyncIterator

import httpx
import pytest

from service.settings import Settings
from tests.support.app import client_of
from tests.support.corpus import INVALID, UNUSUAL, Example
from tests.support.five_ways import OUTCOME, answers, ways_of
from tests.support.resources import VALIDATION_RULE
from tests.support.samples import EXAMPLES

GARBLED = [example for example in INVALID if not example.is_readable]
OF_EACH_RULE = {
    (example.issues[0][1], example.resource["resourceType"]): example
    for example in reversed(INVALID)
    if example.is_readable
}
"""The first example of each rule for each type."""
SENT = [*reversed(OF_EACH_RULE.values()), *UNUSUAL]


@pytest.fixture(scope="module")
async def client(mongodb_uri: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service that holds the sample plans, to which the examples refer."""
    async with client_of(Settings(mongodb_uri=mongodb_uri, mongodb_database="test_corpus")) as found:
        for file in sorted((EXAMPLES / "valid").glob("sample-*.json")):
            response = await found.post("", content=file.read_bytes())
            assert response.status_code == 200, response.text
        yield found


@pytest.mark.parametrize("example", SENT, ids=[example.name for example in SENT])
async def test_an_example_gives_its_issues_whichever_way_it_is_sent(
    client: httpx.AsyncClient, example: Example
) -> None:
    found = await answers(client, example.resource)
    ways = ways_of(example.resource["resourceType"])
    assert tuple(found) == ways
    first = found["create"]
    assert sorted(item[:3] for item in first.findings) == sorted(example.issues)
    assert first.is_accepted == all(severity == "warning" for severity, _, _ in example.issues)
    assert found == dict.fromkeys(ways, first)


@pytest.mark.parametrize("example", GARBLED, ids=[example.name for example in GARBLED])
async def test_what_is_no_json_is_refused_whichever_way_it_is_sent(client: httpx.AsyncClient, example: Example) -> None:
    name = "CarePlan" if b'"CarePlan"' in example.text else "Goal"
    entry = b'{"resource": %s, "request": {"method": "POST", "url": "%s"}}' % (example.text, name.encode())
    bundle = b'{"resourceType": "Bundle", "type": "%s", "entry": [%s]}'
    sent = {
        "create": await client.post(f"/{name}", content=example.text, headers=OUTCOME),
        "update": await client.put(f"/{name}/new", content=example.text, headers=OUTCOME),
        "batch": await client.post("", content=bundle % (b"batch", entry)),
        "transaction": await client.post("", content=bundle % (b"transaction", entry)),
        "$validate": await client.post(f"/{name}/$validate", content=example.text),
    }
    for way, response in sent.items():
        (issue,) = response.json()["issue"]
        assert response.status_code == 400, way
        assert issue["details"]["coding"] == [{"system": VALIDATION_RULE, "code": example.issues[0][1]}]
        assert issue["location"][0].startswith("Line["), way


@pytest.mark.parametrize("example", INVALID, ids=[example.name for example in INVALID])
async def test_validate_says_line_and_column_of_each_issue(client: httpx.AsyncClient, example: Example) -> None:
    name = next(
        name for name in ("CarePlan", "Goal", "RiskAssessment", "Provenance") if f'"{name}"'.encode() in example.text
    )
    told = (await client.post(f"/{name}/$validate", content=example.text)).json()
    lines = example.text.count(b"\n")
    for issue in told["issue"]:
        extensions = {item["url"].rpartition("-")[2]: item for item in issue["extension"]}
        assert 1 <= extensions["line"]["valueInteger"] <= lines
        assert int(extensions["col"]["valueString"]) >= 1
