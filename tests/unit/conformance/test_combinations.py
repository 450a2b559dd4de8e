"""Combinations of search parameters are read from the CapabilityStatement, and only those that are served."""

import json
from pathlib import Path

import pytest

from service.conformance.combinations import COMBINATION, combinations
from service.conformance.definitions import Definitions
from service.fhir.versions import R4


def with_combination(folder: Path, *parts: tuple[str, str]) -> Definitions:
    """Return definitions in which this is the only combination of Goal."""
    (file,) = R4.definitions.glob("CapabilityStatement-*.json")
    statement = json.loads(file.read_bytes())
    goal = next(item for item in statement["rest"][0]["resource"] if item["type"] == "Goal")
    combination = {"url": COMBINATION, "extension": [{"url": url, "valueString": code} for url, code in parts]}
    goal["extension"] = [{"url": "http://example.org/other", "valueBoolean": True}, combination]
    (folder / file.name).write_text(json.dumps(statement))
    return Definitions(R4, folder)


def test_ours_name_what_is_asked_most() -> None:
    definitions = Definitions(R4)
    assert combinations(definitions, "CarePlan") == [
        ("patient", "status"),
        ("patient", "date"),
        ("status", "next-review"),
        ("status", "date"),
        ("custodian", "status", "next-review"),
    ]
    assert combinations(definitions, "RiskAssessment") == [("patient", "date")]
    assert combinations(definitions, "StructureDefinition") == []


def test_the_order_is_that_of_the_list(tmp_path: Path) -> None:
    parts = ("required", "subject"), ("optional", "lifecycle-status"), ("required", "start-date")
    assert combinations(with_combination(tmp_path, *parts), "Goal") == [("subject", "lifecycle-status", "start-date")]


@pytest.mark.parametrize("codes", [("patient", "nothing"), ("patient", "patient"), ("patient",)])
def test_what_cannot_be_combined_stops_the_start(tmp_path: Path, codes: tuple[str, ...]) -> None:
    definitions = with_combination(tmp_path, *(("required", code) for code in codes))
    with pytest.raises(LookupError, match="no combination of parameters that are served"):
        combinations(definitions, "Goal")


def test_they_are_written_as_the_official_definition_says() -> None:
    definition = Definitions(R4).get(COMBINATION)
    elements = {element["id"]: element for element in definition["snapshot"]["element"]}
    assert definition["context"] == [{"type": "element", "expression": "CapabilityStatement.rest.resource"}]
    for part in ("required", "optional"):
        (kind,) = elements[f"Extension.extension:{part}.value[x]"]["type"]
        assert kind["code"] == "string"
        assert elements[f"Extension.extension:{part}.url"]["fixedUri"] == part
