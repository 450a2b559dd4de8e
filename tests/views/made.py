"""Views and resources for tests of views."""

from functools import cache
from typing import Any

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.fhir import json
from service.fhir.versions import R4
from service.reporting.views import Surroundings, View, compile_view
from service.reporting.views.ready import Tables
from tests.support.samples import EXAMPLES

Json = dict[str, Any]


@cache
def surroundings() -> Surroundings:
    """What views are compiled with."""
    return Surroundings(Structures(Definitions(R4)))


@cache
def tables() -> Tables:
    """The tables that the service brings."""
    return Tables(R4.definitions / "views", surroundings())


def view(*select: Json, resource: str = "Goal", **more: Any) -> View:
    """Return the view of these selects."""
    return compile_view({"resource": resource, "select": list(select), **more}, surroundings())


def columns(**paths: str) -> Json:
    """Return a select of columns by their names."""
    return {"column": [{"name": name, "path": path} for name, path in paths.items()]}


def rows(of: View, *resources: Json) -> list[Json]:
    """Return the rows of resources by the names of their columns."""
    names = [column.name for column in of.columns]
    return [dict(zip(names, row, strict=True)) for resource in resources for row in of.rows(resource)]


@cache
def samples() -> tuple[Json, ...]:
    """Return the resources of the sample plans as they are stored."""
    found = []
    for file in sorted((EXAMPLES / "valid").glob("sample-*.json")):
        for entry in json.parse(file.read_bytes())["entry"]:
            resource = entry["resource"]
            meta = {**resource.get("meta", {}), "versionId": "1", "lastUpdated": "2026-11-22T20:00:00.000Z"}
            found.append({**resource, "meta": meta})
    return tuple(found)
