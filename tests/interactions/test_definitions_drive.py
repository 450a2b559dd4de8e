"""A new search parameter is one JSON file and one line in the CapabilityStatement, and no Python."""

import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.app import create_app
from service.conformance.definitions import Definitions
from service.fhir.versions import R4
from service.settings import Settings
from tests.support.app import client_of

TITLE = {"code": "title", "type": "string", "expression": "CarePlan.title"}
PLAN = {"resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": {"reference": "Patient/1"}}


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
        assert await found(client, "title=ELAN") == titles[:3]
        assert await found(client, "title=élan") == titles[:3]
        assert await found(client, "title=Elan VITAL") == titles[:1]
        assert await found(client, r"title=elands\, and") == titles[2:3]
        assert await found(client, "title=strasse,zwolf") == titles[3:]
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
