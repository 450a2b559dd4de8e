"""$viewdefinition-run, as a job that loads a warehouse meets it."""

import csv
import io
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from tests.views.conftest import FORMULA, RUN, Tables
from tests.views.made import Json

GOALS = {"view": "goals", "_format": "ndjson"}


def lines(body: bytes) -> list[Json]:
    return [orjson.loads(line) for line in body.splitlines()]


def keys(body: bytes) -> set[str]:
    return {line["resource_key"] for line in lines(body)}


def parameters(view: Any, **others: Json) -> Json:
    given = [{"name": name, **value} for name, value in others.items()]
    return {"resourceType": "Parameters", "parameter": [*given, {"name": "viewResource", "resource": view}]}


def definition(*paths: str) -> Json:
    columns = [{"name": f"c{number}", "path": path} for number, path in enumerate(paths)]
    return {"resourceType": "ViewDefinition", "resource": "Goal", "select": [{"column": columns}]}


async def test_a_table_by_name_is_csv_with_a_line_of_names(tables: Tables) -> None:
    answer = await tables.run(view="goals")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["content-disposition"] == 'attachment; filename="goals.csv"'
    assert "recovery-redacted" not in answer.headers
    names, *found = csv.reader(io.StringIO(answer.text, newline=""))
    assert names[:5] == ["resource_key", "patient_key", "patient_reference", "version", "last_updated"]
    assert {row[0]: row[1:4] for row in found} == {
        "Goal/ann-1": ["Patient/ann", "Patient/ann", "2"],
        "Goal/ben-1": ["Patient/ben", "http://testserver/fhir/R4/Patient/ben", "1"],
        "Goal/cleo-1": ["", "https://elsewhere.example.org/fhir/Patient/cleo", "1"],
        "Goal/new": ["Patient/ann", "Patient/ann", "1"],
    }
    without = await tables.run(view="goals", header="false")
    assert without.headers["content-type"] == "text/csv; charset=utf-8; header=absent"
    assert without.text == answer.text.split("\r\n", 1)[1]


async def test_every_format_tells_the_same(tables: Tables) -> None:
    view = {"view": "goals", "_until": tables.moment}
    as_lines = lines((await tables.run(**view, _format="ndjson")).content)
    assert orjson.loads((await tables.run(**view, _format="json")).content) == as_lines
    parquet = pq.read_table(io.BytesIO((await tables.run(**view, _format="parquet")).content))
    described = parquet.schema.field("orientation").metadata[b"description"].decode()
    assert described.startswith("Whose kind of goal it is")
    from_parquet = parquet.drop_columns("last_updated").to_pylist()
    assert from_parquet == [{key: row[key] for key in row if key != "last_updated"} for row in as_lines]
    times = parquet.column("last_updated").to_pylist()
    assert [f"{time:%Y-%m-%dT%H:%M:%S.%f}"[:23] + "Z" for time in times] == [row["last_updated"] for row in as_lines]
    from_csv = csv.DictReader(io.StringIO((await tables.run(**view, _format="csv")).text, newline=""))
    for row, line in zip(from_csv, as_lines, strict=True):
        assert row == {key: in_csv(value) for key, value in line.items()}


def in_csv(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    return f"'{value}" if value == FORMULA else str(value)


async def test_a_decimal_keeps_its_digits_and_what_is_missing_is_null(tables: Tables) -> None:
    as_lines = await tables.run(view="predictions", _format="ndjson")
    assert b'"probability":0.80,' in as_lines.content
    assert b'"probability":null,' in as_lines.content
    assert ",0.80," in (await tables.run(view="predictions")).text


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "text/csv"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("application/json;q=0.5, text/csv;q=0.4", "application/json"),
        ("text/html, application/vnd.apache.parquet", "application/vnd.apache.parquet"),
    ],
)
async def test_the_format_follows_from_accept(tables: Tables, accept: str, expected: str) -> None:
    answer = await tables.client.get(RUN, params={"view": "plans"}, headers={"Accept": accept})
    assert answer.headers["content-type"].partition(";")[0] == expected


async def test_another_format_is_not_acceptable(tables: Tables) -> None:
    answer = await tables.client.get(RUN, params={"view": "plans"}, headers={"Accept": "text/html"})
    assert answer.status_code == 406
    assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "not-acceptable"


async def test_some_people_and_some_rows(tables: Tables) -> None:
    assert keys((await tables.run(**GOALS, patient="ben")).content) == {"Goal/ben-1"}
    several = await tables.client.get(RUN, params=[*GOALS.items(), ("patient", "Patient/ann"), ("patient", "ben")])
    assert keys(several.content) == {"Goal/ann-1", "Goal/new", "Goal/ben-1"}
    assert len(lines((await tables.run(**GOALS, _limit="3")).content)) == 3
    assert len(lines((await tables.run(view="predictions", _format="ndjson", _limit="1")).content)) == 1


async def test_what_a_copy_has_to_take_out_and_put_in_follows_from_two_requests(tables: Tables) -> None:
    copy = {row["resource_key"]: row for row in lines((await tables.run(**GOALS, _until=tables.moment)).content)}
    assert copy["Goal/ann-1"]["description"] == FORMULA
    assert "Goal/ann-gone" in copy
    rows = await tables.run(**GOALS, _since=tables.moment)
    assert keys(rows.content) == {"Goal/ann-1", "Goal/new"}
    moment = rows.headers["recovery-transaction-time"]
    changes = lines((await tables.run(**GOALS, changes="true", _since=tables.moment, _until=moment)).content)
    assert {row["resource_key"]: (row["version"], row["deleted"]) for row in changes} == {
        "Goal/ann-1": ("2", False),
        "Goal/new": ("1", False),
        "Goal/ann-gone": ("2", True),
    }
    for change in changes:
        copy.pop(change["resource_key"], None)
    copy |= {row["resource_key"]: row for row in lines(rows.content)}
    assert copy == {row["resource_key"]: row for row in lines((await tables.run(**GOALS, _until=moment)).content)}


async def test_a_view_of_ones_own(tables: Tables) -> None:
    view = definition("getResourceKey()", "lifecycleStatus")
    sent = parameters(view, _format={"valueCode": "json"}, patient={"valueReference": {"reference": "Patient/ben"}})
    answer = await tables.client.post(RUN, json=sent)
    assert answer.json() == [{"c0": "Goal/ben-1", "c1": "completed"}]
    named = {"resourceType": "Parameters", "parameter": [{"name": "view", "valueString": "reviews_due"}]}
    assert (await tables.client.post(RUN, json=named)).text.count("\r\n") == 3


@pytest.mark.parametrize(
    ("sent", "status", "place"),
    [
        (definition("id", "lifecycelStatus"), 422, "ViewDefinition.select[0].column[1].path"),
        (definition("id.matches('(a+)+$')"), 422, "ViewDefinition.select[0].column[0].path"),
        (definition("1 | 2"), 422, "ViewDefinition.select[0].column[0].path"),
        ({**definition("id"), "resource": "Claim"}, 422, "ViewDefinition.resource"),
        ({**definition("id"), "wher": []}, 422, "ViewDefinition.wher"),
        ([], 422, "ViewDefinition"),
    ],
)
async def test_what_is_wrong_with_a_view_is_told_with_its_place(
    tables: Tables, sent: Any, status: int, place: str
) -> None:
    answer = await tables.client.post(RUN, json=parameters(sent))
    assert answer.status_code == status
    (issue,) = answer.json()["issue"]
    assert issue["expression"] == [place]


async def test_the_place_is_told_as_line_and_column_too(tables: Tables) -> None:
    body = orjson.dumps(parameters(definition("id", "idd"), header={"valueBoolean": True}), option=orjson.OPT_INDENT_2)
    issue = (await tables.client.post(RUN, content=body)).json()["issue"][0]
    line = next(number for number, text in enumerate(body.decode().splitlines(), 1) if '"idd"' in text)
    assert issue["location"][0].startswith(f"Line[{line}] ")


@pytest.mark.parametrize(
    ("asked", "status", "place"),
    [
        ({"view": "goal"}, 400, "http.view"),
        ({}, 400, "http.view"),
        ({"view": "goals", "viewReference": "ViewDefinition/goals"}, 400, "http.view"),
        ({"view": "goals", "_format": "xlsx"}, 400, "http._format"),
        ({"view": "goals", "_limit": "0"}, 400, "http._limit"),
        ({"view": "goals", "_since": "yesterday"}, 400, "http._since"),
        ({"view": "goals", "_since": "2026-11-01T09:30:00"}, 400, "http._since"),
        ({"view": "goals", "_since": "2999-01-01"}, 400, "http._since"),
        ({"view": "goals", "_until": "2999-01-01T00:00:00Z"}, 400, "http._until"),
        ({"view": "goals", "header": "no"}, 400, "http.header"),
        ({"view": "goals", "patient": "Goal/1"}, 400, "http.patient"),
        ({"view": "goals", "group": "Group/choir"}, 422, "http.group"),
        ({"view": "goals", "source": "s3://elsewhere"}, 422, "http.source"),
        ({"view": "goals", "_sicne": "2026-01-01"}, 400, "http._sicne"),
    ],
)
async def test_what_cannot_be_done_is_an_outcome(
    tables: Tables, asked: dict[str, str], status: int, place: str
) -> None:
    (issue,) = (await tables.run(status, **asked)).json()["issue"]
    assert issue["expression"] == [place]


@pytest.mark.parametrize("name", ["ViewDefinition/goals", "https://w3id.org/recovery-plan/ViewDefinition/goals|1"])
async def test_a_view_can_be_referred_to(tables: Tables, name: str) -> None:
    by_name = await tables.run(**GOALS, _until=tables.moment)
    assert (await tables.run(viewReference=name, _format="ndjson", _until=tables.moment)).content == by_name.content


async def test_a_table_is_no_entry_of_a_batch(tables: Tables) -> None:
    entry = {"request": {"method": "GET", "url": "$viewdefinition-run?view=goals"}}
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [entry]}
    answer = (await tables.client.post("", json=batch)).json()
    assert answer["entry"][0]["response"]["status"].startswith("4")


async def test_what_goes_wrong_after_the_first_rows_ends_the_connection(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.store.state.AT_ONCE", 1)
    breaking = "iif(id = '{}', 1 | 2, 3)"
    at_first = await tables.client.post(RUN, json=parameters(definition(breaking.format("ann-1"))))
    assert at_first.status_code == 422
    assert at_first.json()["issue"][0]["details"]["coding"][0]["code"] == "view-value"
    with pytest.raises(AssertionError):  # as httpx tells of an answer that does not end
        await tables.client.post(RUN, json=parameters(definition(breaking.format("new"))))


async def test_every_resource_that_has_a_row_is_in_the_audit_and_no_other(tables: Tables) -> None:
    wanted = definition("id") | {"where": [{"path": "lifecycleStatus = 'completed'"}]}
    answer = await tables.client.post(RUN, json=parameters(wanted))
    assert answer.text == "c0\r\nben-1\r\n"
    request = answer.headers["x-request-id"]
    events = (await tables.client.get("/AuditEvent", params={"_count": "50", "_sort": "-date"})).json()["entry"]
    (event,) = [item["resource"] for item in events if request in orjson.dumps(item).decode()]
    named = [item["what"]["reference"] for item in event["entity"] if "reference" in item.get("what", {})]
    assert [name for name in named if name.startswith("Goal/")] == ["Goal/ben-1/_history/1"]
