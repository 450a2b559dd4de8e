"""A new search parameter is one JSON file and one line in the CapabilityStatement, and no Python."""

import asyncio
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymongo import AsyncMongoClient

from service.app import create_app
from service.commands.reindex import reindex_database
from service.conformance.definitions import Definitions
from service.fhir.versions import R4
from service.settings import Settings
from service.store import readiness
from tests.support.app import client_of
from tests.support.resources import issues_of
from tests.support.service import PATIENCE

TITLE = {"code": "title", "type": "string", "expression": "CarePlan.title"}
PLAN = {"resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": {"reference": "Patient/1"}}
SEASON = "http://example.org/season"
IN_SEASON = {
    "code": "season",
    "type": "string",
    "expression": f"CarePlan.extension.where(url = '{SEASON}').value.ofType(string)",
}


def with_parameter(folder: Path, **definition: Any) -> Definitions:
    """Return our definitions and one more search parameter of CarePlan."""
    schemas = folder / "r4"
    shutil.copytree(R4.definitions, schemas, ignore=shutil.ignore_patterns("examples"))
    new_id = f"CarePlan-{definition['code']}"
    url = f"https://example.org/SearchParameter/{new_id}"
    whole = {"resourceType": "SearchParameter", "id": new_id, "url": url, "base": ["CarePlan"]} | definition
    (schemas / f"SearchParameter-{new_id}.json").write_text(json.dumps(whole))
    (file,) = schemas.glob("CapabilityStatement-*.json")
    statement = json.loads(file.read_text())
    line = {"name": definition["code"], "definition": url, "type": definition["type"], "documentation": "One more."}
    statement["rest"][0]["resource"][0]["searchParam"].append(line)
    file.write_text(json.dumps(statement))
    return Definitions(R4, schemas)


async def found(client: httpx.AsyncClient, query: str) -> list[str]:
    answer = await client.get(f"/CarePlan?{query}")
    assert answer.status_code == 200, answer.text
    return [entry["resource"]["title"] for entry in answer.json().get("entry", [])]


async def test_a_new_string_parameter_is_searched_sorted_and_listed(settings: Settings, tmp_path: Path) -> None:
    titles = ["Élan  vital", "elan", "ELANDS, and more", "Zwölf Schritte", "Straße"]
    async with client_of(settings, definitions=with_parameter(tmp_path, **TITLE)) as client:
        for number, title in enumerate(titles):
            await client.put(f"/CarePlan/{number}", json=PLAN | {"id": str(number), "title": title})
        await client.put("/CarePlan/9", json=PLAN | {"id": "9"})
        assert await found(client, "title=ELAN&_sort=_id") == titles[:3]
        assert await found(client, "title=élan&_sort=_id") == titles[:3]
        assert await found(client, "title=Elan VITAL") == titles[:1]
        assert await found(client, r"title=elands\, and") == titles[2:3]
        assert await found(client, "title=strasse,zwolf&_sort=_id") == titles[3:]
        assert await found(client, "title=vital") == []  # it does not start so
        assert await found(client, "title=e.*") == []
        assert await found(client, "title=elan&_sort=-title") == ["ELANDS, and more", "Élan  vital", "elan"]
        assert (await client.get("/CarePlan?_sort=title")).json()["entry"][-1]["resource"]["id"] == "9"
        listed = (await client.get("/metadata")).json()["rest"][0]["resource"][0]["searchParam"]
        assert listed[-1]["name"] == "title"


async def test_without_its_line_a_parameter_is_unknown(client: httpx.AsyncClient) -> None:
    answer = await client.get("/CarePlan?title=x")
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "unknown-parameter"


async def test_a_new_reference_parameter_without_targets_is_found_by_id(settings: Settings, tmp_path: Path) -> None:
    whose = {"code": "whose", "type": "reference", "expression": "CarePlan.subject"}
    async with client_of(settings, definitions=with_parameter(tmp_path, **whose)) as client:
        await client.put("/CarePlan/a", json=PLAN | {"id": "a", "title": "x"})
        assert await found(client, "whose=1") == ["x"]
        assert await found(client, "whose=Patient/1") == ["x"]
        assert await found(client, "whose=Group/1") == []


async def test_a_condition_on_a_choice_of_types_is_understood(settings: Settings, tmp_path: Path) -> None:
    marked = {
        "code": "marked",
        "type": "token",
        "expression": "CarePlan.where(extension.where(value = 'yes').exists()).status",
    }
    async with client_of(settings, definitions=with_parameter(tmp_path, **marked)) as client:
        extension = [{"url": "http://example.org/mark", "valueString": "yes"}]
        await client.put("/CarePlan/a", json=PLAN | {"id": "a", "title": "x", "extension": extension})
        await client.put("/CarePlan/b", json=PLAN | {"id": "b", "title": "y"})
        assert await found(client, "marked=active") == ["x"]


@pytest.mark.parametrize(
    "definition",
    [
        TITLE | {"expression": "CarePlan.titel"},
        TITLE | {"expression": "Goal.title"},
        TITLE | {"expression": "title"},
        TITLE | {"expression": ""},
        TITLE | {"expression": "CarePlan.title."},
        TITLE | {"expression": "CarePlan.title.lower()"},
        TITLE | {"expression": "CarePlan.title[0]"},
        TITLE | {"expression": "CarePlan.title.where(x = 1)"},
        TITLE | {"expression": "CarePlan.extension.where(uri = 'x').value.ofType(string)"},
        TITLE | {"expression": "CarePlan.title | (CarePlan.period as dateTime)"},
        TITLE | {"expression": "CarePlan.activity.detail.scheduled.ofType(strng)"},
        TITLE | {"expression": "CarePlan.category"},
        TITLE | {"type": "number"},
        TITLE | {"type": "date"},
        TITLE | {"type": "reference"},
        TITLE | {"type": "quantity"},
        TITLE | {"type": "composite"},
        TITLE | {"type": "special"},
        {"code": "title", "type": "string"},
    ],
    ids=lambda definition: f"{definition['type']}: {definition.get('expression')}",
)
def test_a_listed_parameter_that_cannot_be_served_stops_the_start(
    settings: Settings, tmp_path: Path, definition: dict[str, Any]
) -> None:
    definitions = with_parameter(tmp_path, **definition)
    with pytest.raises((LookupError, ValueError)):
        create_app(settings, definitions=definitions)


def test_a_listed_parameter_without_a_definition_stops_the_start(settings: Settings, tmp_path: Path) -> None:
    definitions = with_parameter(tmp_path, **TITLE)
    (definitions.folder / "SearchParameter-CarePlan-title.json").unlink()
    with pytest.raises(LookupError, match="CarePlan-title"):
        create_app(settings, definitions=definitions)


def in_season(name: str, season: str) -> dict[str, Any]:
    """Return a plan with the extension that the parameter ``season`` looks into."""
    return PLAN | {"id": name, "title": name, "extension": [{"url": SEASON, "valueString": season}]}


async def refused(client: httpx.AsyncClient, address: str) -> str:
    """Return what the service says of the parameter that makes it refuse a search for now."""
    answer = await client.get(address)
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    (issue,) = issues_of(answer)
    assert issue["details"]["coding"][0]["code"] == "parameter-not-indexed"
    assert (issue["code"], issue["expression"]) == ("transient", ["http.season"])
    return issue["diagnostics"]


async def answered(client: httpx.AsyncClient, query: str) -> list[str]:
    """Return what a search finds that the running service refused a moment ago."""
    deadline = time.monotonic() + PATIENCE
    while (await client.get(f"/CarePlan?{query}")).status_code == 503:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    return await found(client, query)


async def test_a_new_parameter_answers_when_what_is_stored_is_indexed_by_it(settings: Settings, tmp_path: Path) -> None:
    definitions = with_parameter(tmp_path, **IN_SEASON)
    async with client_of(settings) as before:
        await before.put("/CarePlan/a", json=in_season("a", "Spring"))
        await before.put("/CarePlan/b", json=PLAN | {"id": "b", "title": "b"})
        async with client_of(settings, definitions=definitions) as client:
            told = await refused(client, "/CarePlan?season=spring")
            assert told.startswith("CarePlan?season is not indexed yet in 2 of about 2 resources")
            assert "`recovery-plan reindex`" in told
            await client.put("/CarePlan/c", json=in_season("c", "spring time"))
            for address in (
                "/CarePlan?season:missing=true",
                "/CarePlan?status=active&season:exact=x",
                "/CarePlan?_sort=-season",
                "/CarePlan?season=spring&_total=accurate&_count=0",
                "/Goal?_has:CarePlan:goal:season=spring",
                "/CarePlan?_filter=season%20eq%20spring",
            ):
                assert "in 2 of about 3" in await refused(client, address)
            assert sorted(await found(client, "status=active&_sort=-_lastUpdated")) == ["a", "b", "c"]
            await reindex_database(settings, str(settings.mongodb_uri), definitions)
            assert sorted(await answered(client, "season=spring")) == ["a", "c"]
            assert await found(client, "season:missing=true") == ["b"]


async def test_a_service_with_other_definitions_that_writes_on_shows(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "_READY_AGAIN", 0.0)
    definitions = with_parameter(tmp_path, **IN_SEASON)
    async with client_of(settings) as before, client_of(settings, definitions=definitions) as client:
        await client.put("/CarePlan/a", json=in_season("a", "spring"))
        assert await found(client, "season=spring") == ["a"]
        await before.put("/CarePlan/b", json=in_season("b", "spring"))
        await refused(client, "/CarePlan?season=spring")
        await client.put("/CarePlan/b", json=in_season("b", "spring again"))
        assert sorted(await answered(client, "season=spring")) == ["a", "b"]
        await before.put("/CarePlan/c", json=in_season("c", "spring"))
        await before.delete("/CarePlan/c")
        assert sorted(await answered(client, "season=spring")) == ["a", "b"]


_REINDEX = """
import asyncio, sys
from pathlib import Path
from service.conformance.definitions import Definitions
from service.fhir.versions import R4
from service.commands.reindex import reindex_database
from service.settings import Settings
from service.store import reindex
reindex.BATCH = 20
uri, database, folder = sys.argv[1:]
settings = Settings(mongodb_uri=uri, mongodb_database=database)
asyncio.run(reindex_database(settings, uri, Definitions(R4, Path(folder))))
"""


async def test_reindexing_that_was_killed_is_gone_on_with(settings: Settings, tmp_path: Path) -> None:
    definitions = with_parameter(tmp_path, **IN_SEASON)
    names = [f"n{number:04}" for number in range(1_500)]
    database = settings.mongodb_database
    arguments = [sys.executable, "-c", _REINDEX, str(settings.mongodb_uri), database, str(definitions.folder)]
    async with client_of(settings) as client, AsyncMongoClient(settings.mongodb_uri) as mongo:
        for start in range(0, len(names), 500):
            entries = [
                {"resource": in_season(name, "spring"), "request": {"method": "PUT", "url": f"CarePlan/{name}"}}
                for name in names[start : start + 500]
            ]
            stored = await client.post("", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
            assert stored.status_code == 200
        plans = mongo[database]["CarePlan"]
        done = {"words": "season=spring"}
        killed = await asyncio.create_subprocess_exec(*arguments, stdout=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + PATIENCE
            while await plans.count_documents(done) < 100:
                assert time.monotonic() < deadline
        finally:
            killed.kill()
            await killed.wait()
        assert 100 <= await plans.count_documents(done) < len(names)
        async with client_of(settings, definitions=definitions) as new:
            await refused(new, "/CarePlan?season=spring")
            await new.put("/CarePlan/n0000", json=in_season("n0000", "summer"))
            ended = await asyncio.to_thread(subprocess.run, arguments, capture_output=True, text=True, timeout=PATIENCE)
            assert ended.returncode == 0, ended.stderr
            assert "CarePlan:" in ended.stdout
            counted = {"season=spring": len(names) - 1, "season=summer": 1}
            for query, number in counted.items():
                await answered(new, f"{query}&_count=1")
                assert (await new.get(f"/CarePlan?{query}&_count=0")).json()["total"] == number
