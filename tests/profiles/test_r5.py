"""The R5 forms follow from the R4 ones, and name only elements that R5 has."""

import json
from pathlib import Path
from typing import Any

import pytest
from fhir.resources import get_fhir_model_class

from tests.support.derived_files import differing
from tests.support.r5 import R5, wanted
from tests.support.snapshots import R4, Definition, Element, read

RULES = json.loads((Path(__file__).parent / "invariants.json").read_text(encoding="utf-8"))
FILES = sorted(R5.glob("*.json"))


def elements(path: Path) -> list[Element]:
    found: list[Element] = read(path)["differential"]["element"]
    return found


def names(model: Any) -> set[str]:
    """The names of a model's elements, a choice once, as value[x]."""
    fields = model.model_fields.values()
    return {
        f"{extra['one_of_many']}[x]" if "one_of_many" in extra else str(field.alias)
        for field in fields
        for extra in [field.json_schema_extra or {}]
    }


def test_the_files_are_fresh() -> None:
    assert sorted(wanted()) == FILES
    assert list(differing(wanted())) == [], "run `python -m tests.support.r5`"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem.partition("-")[2])
def test_a_definition_is_one_of_r5(path: Path) -> None:
    definition = read(path)
    get_fhir_model_class("StructureDefinition").model_validate(definition)
    assert definition["fhirVersion"] == "5.0.0"
    assert definition["url"] == read(R4 / path.name)["url"]
    known = names(get_fhir_model_class(definition["type"]))
    used = {element["path"].split(".")[1] for element in elements(path)[1:]}
    assert used <= known


@pytest.mark.parametrize("profile", ["RecoveryCarePlan", "RecoveryGoal", "PositiveRiskAssessment"])
def test_a_rule_is_the_agreed_one_for_r5(profile: str) -> None:
    def rules(folder: Path) -> dict[str, str]:
        (root, *_) = elements(folder / f"StructureDefinition-{profile}.json")
        return {rule["key"]: rule["expression"] for rule in root["constraint"]}

    base: Definition = read(R5 / f"StructureDefinition-{profile}.json")
    special = {
        rule["key"]: rule["expressionR5"] for rule in RULES if rule["base"] == base["type"] and "expressionR5" in rule
    }
    assert rules(R5) == rules(R4) | special
