"""/reports: for whom it is, what may be asked, and that it is recorded who did."""

import asyncio
import csv
import gzip
import io
from base64 import b64decode
from collections.abc import AsyncIterator
from errno import ENOSPC
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from service.cli import main
from service.reporting.dashboard.page import POLICY
from service.rest.reports import lead_to_operation
from service.settings import Settings
from tests.support.app import client_of
from tests.support.issuer import bearer, token_settings

_READER = bearer("recovery/reports.read system/CarePlan.rs")
_AUDITOR = bearer("system/AuditEvent.rs", clearance="*")
_ONE = "/reports?months=1"


@pytest.fixture(scope="module")
async def service(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service that wants tokens."""
    settings = Settings(
        mongodb_uri=mongodb_uri,
        mongodb_database="test_reports",
        audit_heads=tmp_path_factory.mktemp("heads"),
        **token_settings(tmp_path_factory.mktemp("keys")),
    )
    async with client_of(settings, path="") as client:
        yield client


@pytest.mark.parametrize("address", ["/reports", "/reports.csv", "/fhir/R4/$report"])
async def test_is_for_who_may_read_reports(service: httpx.AsyncClient, address: str) -> None:
    assert (await service.get(address)).status_code == 401
    refused = await service.get(address, headers=bearer("user/*.rs", fhirUser="Practitioner/1"))
    assert refused.status_code == 403
    assert "recovery/reports.read" in refused.json()["issue"][0]["diagnostics"]
    assert (await service.get(f"{address}?months=1&_format=csv", headers=_READER)).status_code == 200


async def test_is_a_page_that_nobody_keeps(service: httpx.AsyncClient) -> None:
    answer = await service.get(_ONE, headers=_READER | {"Accept": "text/html,*/*;q=0.8"})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["cache-control"] == "no-store"
    assert "<h1>How recovery-oriented is our practice?</h1>" in answer.text
    assert (await service.head(_ONE, headers=_READER)).content == b""


async def test_is_a_binary_for_who_asks_for_a_resource(service: httpx.AsyncClient) -> None:
    answer = await service.get("/fhir/R4/$report?months=1", headers=_READER)
    assert answer.json()["resourceType"] == "Binary"
    assert answer.json()["contentType"] == "text/html"


async def test_the_numbers_alone_are_csv(service: httpx.AsyncClient) -> None:
    answer = await service.get("/reports.csv?months=2&indicator=M1,M18&by=custodian", headers=_READER)
    assert answer.headers["content-type"].startswith("text/csv; charset=utf-8")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["indicator"] for row in rows} == {"M1", "M18"}
    assert len({row["month"] for row in rows}) == 2
    async with service.stream("GET", "/reports.csv", headers=_READER | {"Accept-Encoding": "gzip"}) as packed:
        raw = b"".join([part async for part in packed.aiter_raw()])
    assert gzip.decompress(raw).startswith(b"indicator,title")


@pytest.mark.parametrize(
    ("query", "status", "place"),
    [
        ("months=0", 400, "http.months"),
        ("months=61", 400, "http.months"),
        ("months=many", 400, "http.months"),
        ("until=2999-01", 400, "http.until"),
        ("until=October", 400, "http.until"),
        ("until=2026-13", 400, "http.until"),
        ("until=0001-01", 400, "http.until"),
        ("by=practitioner", 400, "http.by"),
        ("indicator=M99", 400, "http.indicator"),
        ("practitioner=Practitioner/1", 400, "http.practitioner"),
        ("_format=xml", 406, "http._format"),
    ],
)
async def test_what_cannot_be_asked(service: httpx.AsyncClient, query: str, status: int, place: str) -> None:
    answer = await service.get(f"/reports?{query}", headers=_READER)
    assert answer.status_code == status
    assert [issue["expression"] for issue in answer.json()["issue"]] == [[place]]


async def test_who_asked_is_recorded(service: httpx.AsyncClient) -> None:
    reader = bearer("recovery/reports.read system/CarePlan.rs", sub="team-lead", client_id="portal")
    await service.get("/reports.csv?months=1&by=care-setting", headers=reader)
    found = (await service.get("/fhir/R4/AuditEvent?_count=100", headers=_AUDITOR)).json()
    events = [entry["resource"] for entry in found["entry"]]
    (told,) = [event for event in events if any(agent.get("altId") == "team-lead" for agent in event["agent"])]
    assert (told["outcome"], told["subtype"][0]["code"]) == ("0", "operation")
    (query,) = [b64decode(entity["query"]).decode() for entity in told["entity"] if "query" in entity]
    assert query == "GET $report?months=1&by=care-setting&_format=csv"


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/reports", b"", ("/fhir/R4/$report", b"_format=html")),
        ("/reports", b"_format=csv&months=1", ("/fhir/R4/$report", b"_format=html&_format=csv&months=1")),
        ("/reports.csv", b"months=1", ("/fhir/R4/$report", b"months=1&_format=csv")),
        ("/behind/reports", b"", ("/behind/fhir/R4/$report", b"_format=html")),
        ("/reports/", b"", ("/reports/", b"")),
        ("/fhir/R4/CarePlan", b"status=active", ("/fhir/R4/CarePlan", b"status=active")),
    ],
)
def test_the_addresses_lead_to_the_operation(path: str, query: bytes, expected: tuple[str, bytes]) -> None:
    root = "/behind" if path.startswith("/behind") else ""
    scope = {"type": "http", "path": path, "query_string": query, "root_path": root}
    lead_to_operation(scope, "/fhir/R4")
    assert (scope["path"], scope["query_string"]) == expected


@pytest.fixture
def variables(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database of a test, as the settings of a command."""
    monkeypatch.setenv("RECOVERY_MONGODB_URI", str(settings.mongodb_uri))
    monkeypatch.setenv("RECOVERY_MONGODB_DATABASE", settings.mongodb_database)


@pytest.mark.usefixtures("variables")
class TestCommand:
    """``recovery-plan report``."""

    @pytest.mark.parametrize(("name", "start"), [("r.pdf", b"%PDF-"), ("r.csv", b"indicator,")])
    async def test_writes_what_the_name_says(self, tmp_path: Path, name: str, start: bytes) -> None:
        out = tmp_path / name
        arguments = ["report", "--out", str(out), "--months", "1", "--data", str(tmp_path)]
        result = await asyncio.to_thread(CliRunner().invoke, main, arguments)
        assert result.exit_code == 0, result.output
        assert out.read_bytes().startswith(start)

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (["--out", "r.doc"], "--out r.doc: the name ends in .html, .pdf or .csv"),
            (["--out", "none/r.csv"], "there is no directory none"),
            (["--out", "r.csv", "--until", "2999-01"], "The last month that has ended"),
        ],
    )
    async def test_tells_in_one_line_what_is_wrong(self, tmp_path: Path, arguments: list[str], reason: str) -> None:
        result = await asyncio.to_thread(CliRunner().invoke, main, ["report", *arguments, "--data", str(tmp_path)])
        assert result.exit_code in (1, 2)
        assert reason in result.stderr
        assert result.stderr.count("\n") == 1

    async def test_leaves_the_last_report_where_it_cannot_write_another(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = tmp_path / "r.csv"
        out.write_bytes(b"last month's")

        def full(path: Path, content: bytes) -> None:
            path.touch()
            raise OSError(ENOSPC, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", full)
        arguments = ["report", "--out", str(out), "--months", "1", "--data", str(tmp_path)]
        result = await asyncio.to_thread(CliRunner().invoke, main, arguments)
        assert result.stderr == f"Error: --out {out} cannot be written to: No space left on device\n"
        assert out.read_bytes() == b"last month's"
        assert not out.with_name(".r.csv.part").exists()
