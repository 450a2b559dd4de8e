"""$import: what is sent line by line is stored as updates would store it, and what is refused is told line by line."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from service.fhir.outcome import Issue, OutcomeError
from service.interactions.bulk_import import run as import_run
from service.interactions.job_audit import record
from service.settings import Settings
from tests.support import recovery
from tests.support.app import client_of
from tests.support.resources import care_plan, goal, without

Json = dict[str, Any]
NDJSON = {"Content-Type": "application/fhir+ndjson", "Prefer": "respond-async"}


def ndjson(*lines: Json | str) -> bytes:
    return b"\n".join(line.encode() if isinstance(line, str) else orjson.dumps(line) for line in lines)


@pytest.fixture(scope="module")
async def client(mongodb_uri: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of one service for all tests here, each of which has ids of its own."""
    settings = Settings(mongodb_uri=mongodb_uri, mongodb_database=f"test_{uuid.uuid4().hex[:12]}")
    async with client_of(settings) as found:
        yield found


@pytest.fixture
def own() -> str:
    """What ids of this test begin with."""
    return uuid.uuid4().hex[:8]


def plan(own: str, name: str, **members: Any) -> Json:
    """Return a plan with a goal, both of a test's own, that is valid once the goal is there."""
    return recovery.plan(id=f"{own}{name}", goal=[{"reference": f"Goal/{own}aim"}], **members)


def to(own: str, *names: str) -> list[Json]:
    return [{"reference": f"CarePlan/{own}{name}"} for name in names]


def aim(own: str) -> Json:
    return recovery.goal(id=f"{own}aim", addresses=None)


async def started(client: httpx.AsyncClient, body: Any) -> str:
    answer = await client.post("$import", content=body, headers=NDJSON)
    assert answer.status_code == 202, answer.text
    return answer.headers["content-location"]


async def done(client: httpx.AsyncClient, address: str) -> Json:
    async with asyncio.timeout(60):
        while (answer := await client.get(address)).status_code == 202:
            assert int(answer.headers["retry-after"]) > 0
            await asyncio.sleep(0.02)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


async def imported(client: httpx.AsyncClient, *lines: Json | str) -> Json:
    return await done(client, await started(client, ndjson(*lines)))


async def refusals(client: httpx.AsyncClient, manifest: Json) -> dict[int, list[str]]:
    """Return by the number of each line that was refused the rules that it breaks."""
    if not manifest["error"]:
        return {}
    (file,) = manifest["error"]
    answer = await client.get(file["url"])
    assert answer.headers["content-type"] == "application/fhir+ndjson"
    outcomes = [orjson.loads(line) for line in answer.content.splitlines()]
    assert len(outcomes) == file["count"]
    found: dict[int, list[str]] = {}
    for outcome in outcomes:
        for issue in outcome["issue"]:
            line = next(each["valueInteger"] for each in issue["extension"] if each["url"].endswith("issue-line"))
            found.setdefault(line, []).append(issue["details"]["coding"][0]["code"])
    return found


def counts(manifest: Json) -> dict[str, int]:
    return {each["type"]: each["count"] for each in manifest["output"]}


async def test_what_was_sent_is_stored_under_its_ids(client: httpx.AsyncClient, own: str) -> None:
    manifest = await imported(client, goal(id=f"{own}a"), "", care_plan(id=f"{own}b"), goal(id=f"{own}c"))
    assert counts(manifest) == {"CarePlan": 1, "Goal": 2}
    assert (manifest["error"], manifest["requiresAccessToken"]) == ([], False)
    assert manifest["request"].endswith("/fhir/R4/$import")
    assert (await client.get(f"Goal/{own}c")).json()["meta"]["versionId"] == "1"


async def test_the_same_once_more_changes_nothing_and_what_differs_is_updated(
    client: httpx.AsyncClient, own: str
) -> None:
    await imported(client, goal(id=f"{own}a"), goal(id=f"{own}b"))
    manifest = await imported(client, goal(id=f"{own}a"), goal(id=f"{own}b", lifecycleStatus="completed"))
    assert counts(manifest) == {"Goal": 2}
    versions = [(await client.get(f"Goal/{own}{name}")).json()["meta"]["versionId"] for name in "ab"]
    assert versions == ["1", "2"]


async def test_each_line_that_is_refused_is_told_with_its_reasons_and_spoils_no_other(
    client: httpx.AsyncClient, own: str
) -> None:
    manifest = await imported(
        client,
        goal(id=f"{own}good"),
        '{"resourceType": "Goal", ',
        goal(id=f"{own}wrong", lifecycleStatus="banana", statusDate=1),
        without(goal(id="x"), "id"),
        goal(id="no good"),
        "[]",
        "{}",
        '{"resourceType": ["Goal"], "id": "1"}',
        {"resourceType": "Spaceship", "id": "1"},
        goal(id=f"{own}good", lifecycleStatus="completed"),
        "",
        care_plan(id=f"{own}last"),
    )
    assert counts(manifest) == {"CarePlan": 1, "Goal": 1}
    assert await refusals(client, manifest) == {
        2: ["not-json"],
        3: ["binding", "format"],
        4: ["id-format"],
        5: ["id-format"],
        6: ["resource-type"],
        7: ["resource-type"],
        8: ["resource-type"],
        9: ["unknown-type"],
        10: ["entry-duplicate"],
    }
    assert (await client.get(f"Goal/{own}good")).json()["lifecycleStatus"] == "active"


async def test_a_line_may_refer_to_a_later_one(client: httpx.AsyncClient, own: str) -> None:
    manifest = await imported(client, plan(own, "a"), aim(own))
    assert counts(manifest) == {"CarePlan": 1, "Goal": 1}, await refusals(client, manifest)


async def test_lines_may_refer_to_each_other(client: httpx.AsyncClient, own: str) -> None:
    lines = [
        plan(own, "a", partOf=to(own, "b")),
        plan(own, "b", replaces=to(own, "a")),
        plan(own, "c", partOf=to(own, "a")),
    ]
    manifest = await imported(client, *lines, aim(own))
    assert counts(manifest) == {"CarePlan": 3, "Goal": 1}, await refusals(client, manifest)


async def test_what_refers_to_what_is_refused_is_refused_too(client: httpx.AsyncClient, own: str) -> None:
    lines = [
        plan(own, "a", partOf=to(own, "b")),
        plan(own, "b", replaces=to(own, "a", "nowhere")),
        plan(own, "c", partOf=to(own, "a")),
    ]
    manifest = await imported(client, *lines, aim(own))
    assert counts(manifest) == {"Goal": 1}
    assert await refusals(client, manifest) == {number: ["reference-exists"] for number in (1, 2, 3)}


async def test_lines_that_refer_forward_one_after_the_other_are_stored_in_pieces(
    client: httpx.AsyncClient, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.interactions.bulk_import.lines.MOST_LINES", 3)
    monkeypatch.setattr(import_run, "_CIRCLES", 2)
    lines = [plan(own, str(n), partOf=to(own, str(n + 1))) for n in range(10)]
    manifest = await imported(client, *lines, plan(own, "10"), aim(own))
    assert counts(manifest) == {"CarePlan": 11, "Goal": 1}, await refusals(client, manifest)


async def test_a_body_comes_in_parts_of_any_size(client: httpx.AsyncClient, own: str) -> None:
    body = ndjson(*(goal(id=f"{own}{n}", description={"text": "Ä" * n}) for n in range(1, 30))) + b"\r\n"

    async def parts() -> Any:
        for start in range(0, len(body), 7):
            yield body[start : start + 7]

    assert counts(await done(client, await started(client, parts()))) == {"Goal": 29}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/fhir+json", b'{"resourceType":"Parameters","parameter":[{"name":"input"}]}'),
        ("application/json", b'{"input":[{"type":"Goal","url":"http://169.254.169.254/"}]}'),
        ("text/csv", b"a,b"),
    ],
)
async def test_only_the_resources_themselves_are_taken(
    client: httpx.AsyncClient, content_type: str, body: bytes
) -> None:
    answer = await client.post("$import", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == 415


async def test_what_is_too_large_is_refused_and_nothing_stored(settings: Settings) -> None:
    small = settings.model_copy(update={"max_body_bytes": 1_000, "max_import_bytes": 2_000})
    async with client_of(small) as client:
        for body in (goal(id="a", description={"text": "x" * 1_000}), *([[goal(id=f"g{n}") for n in range(30)]])):
            lines = body if isinstance(body, list) else [body]
            answer = await client.post("$import", content=ndjson(*lines), headers=NDJSON)
            assert answer.status_code == 413
        assert (await client.get("Goal?_summary=count")).json()["total"] == 0


async def test_a_job_is_cancelled_and_forgotten(client: httpx.AsyncClient, own: str) -> None:
    address = await started(client, ndjson(*(goal(id=f"{own}{n}") for n in range(300))))
    assert (await client.delete(address)).status_code == 202
    assert (await client.get(address)).status_code == 404
    assert (await client.delete(address)).status_code == 404


async def test_a_job_has_the_files_that_its_manifest_names_and_no_other(client: httpx.AsyncClient, own: str) -> None:
    address = await started(client, ndjson(goal(id=f"{own}a")))
    await done(client, address)
    for path in ("errors.ndjson", "given", "errors.ndjson/more"):
        assert (await client.get(f"{address}/{path}")).status_code == 404
    assert (await client.post(address)).status_code == 405
    assert (await client.get("$job")).status_code == 404


async def test_each_line_is_audited(client: httpx.AsyncClient, own: str) -> None:
    await imported(client, goal(id=f"{own}a"), goal(id=f"{own}b", lifecycleStatus="banana"))
    found = (await client.get(f"AuditEvent?entity=Goal/{own}a")).json()
    (event,) = [each["resource"] for each in found["entry"]]
    assert event["action"] == "E"
    whats = [each["what"].get("reference") for each in event["entity"] if "what" in each]
    assert f"Goal/{own}a/_history/1" in whats
    assert "Patient/example" in whats
    assert "binding" in event["outcomeDesc"]


async def test_what_a_worker_stored_that_died_is_found_and_audited_as_stored(
    client: httpx.AsyncClient, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths = 0

    async def die_once(*_: Any, **__: Any) -> None:
        nonlocal deaths
        deaths += 1
        if deaths == 1:  # the lines are stored; of that nothing is kept and nothing recorded
            raise OutcomeError(Issue("database-unavailable", "No answer"))
        monkeypatch.undo()
        await record(*_, **__)

    monkeypatch.setattr(import_run, "record", die_once)
    monkeypatch.setattr("service.store.jobs.LEASE", 0.2)
    manifest = await imported(client, plan(own, "a"), aim(own))
    assert (deaths, counts(manifest)) == (2, {"CarePlan": 1, "Goal": 1})
    assert (await client.get(f"Goal/{own}aim")).json()["meta"]["versionId"] == "1"
    found = (await client.get(f"AuditEvent?entity=Goal/{own}aim&action=E")).json()
    (told,) = found["entry"]
    lifecycles = [each.get("lifecycle", {}).get("code") for each in told["resource"]["entity"]]
    assert "1" in lifecycles  # origination
