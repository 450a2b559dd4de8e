"""The published tests of SQL on FHIR v2, every one of them (tests/support/sql_on_fhir)."""

from pathlib import Path
from typing import Any

import pytest

from service.fhir import json
from service.reporting.views import ViewError, compile_view
from tests.views.made import Json, rows, surroundings

FOLDER = Path(__file__).parents[1] / "support" / "sql_on_fhir"
FILES = {file.stem: json.parse(file.read_bytes()) for file in sorted(FOLDER.glob("*.json"))}
CASES = [
    pytest.param(FILES[name]["resources"], case, id=f"{name}-{case['title']}")
    for name in FILES
    for case in FILES[name]["tests"]
]


def test_they_are_all_here() -> None:
    assert len(FILES) == 22
    assert len(CASES) == 144
    assert {tag for file in FILES.values() for case in file["tests"] for tag in case["tags"]} == {
        "shareable",
        "experimental",
    }


@pytest.mark.parametrize(("resources", "case"), CASES)
def test_official(resources: list[Json], case: Json) -> None:
    if case.get("expectError"):
        with pytest.raises(ViewError) as refused:
            rows(compile_view(case["view"], surroundings()), *resources)
        assert all(str(issue.expression).startswith("ViewDefinition") for issue in refused.value.issues)
        return
    view = compile_view(case["view"], surroundings())
    found = rows(view, *resources)
    assert in_any_order(found) == in_any_order(case["expect"])
    if "expectColumns" in case:
        assert [column.name for column in view.columns] == case["expectColumns"]


def in_any_order(found: list[Json]) -> list[str]:
    return sorted(json.dump_sorted(numbers_alike(row)).decode() for row in found)


def numbers_alike(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: numbers_alike(item) for key, item in value.items()}
    if isinstance(value, list):
        return [numbers_alike(item) for item in value]
    return value if isinstance(value, (str, bool)) or value is None else float(value)
