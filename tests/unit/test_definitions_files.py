"""Our own definitions are sound, and the CapabilityStatement and the search parameters agree."""

import json
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.searchparameter import SearchParameter

R4 = Path(__file__).parents[2] / "schemas" / "r4"
CANONICAL = "https://w3id.org/recovery-plan"
SERVED = ("CarePlan", "Goal", "RiskAssessment")

Definition = dict[str, Any]


def read(path: Path) -> Definition:
    definition: Definition = json.loads(path.read_text(encoding="utf-8"))
    return definition


OWN = sorted(R4.glob("*.json"))
OWN_PARAMETERS = sorted(R4.glob("SearchParameter-*.json"))
PARAMETERS = {read(path)["url"]: read(path) for path in R4.rglob("SearchParameter-*.json")}
STATEMENT = read(R4 / "CapabilityStatement-recovery-plan-service.json")
CLAIMS = [
    (resource["type"], claim) for resource in STATEMENT["rest"][0]["resource"] for claim in resource["searchParam"]
]


def file_name(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", OWN, ids=file_name)
def test_an_own_definition_is_named_by_its_type_and_id(path: Path) -> None:
    definition = read(path)
    kind, key = definition["resourceType"], definition["id"]
    assert path.name == f"{kind}-{key}.json"
    assert definition["url"] == f"{CANONICAL}/{kind}/{key}"
    assert len(key) <= 64


@pytest.mark.parametrize("path", OWN_PARAMETERS, ids=file_name)
def test_an_own_search_parameter_is_complete(path: Path) -> None:
    definition = read(path)
    SearchParameter.model_validate(definition)
    (base,) = definition["base"]
    assert base in SERVED
    assert definition["id"] == f"{base}-{definition['code']}"
    assert definition["name"] == "".join(part[0].upper() + part[1:] for part in definition["id"].split("-"))
    assert definition["expression"].startswith(base + ".")
    assert definition["description"].endswith(".")
    assert definition["multipleOr"] is definition["multipleAnd"] is True
    assert ("target" in definition) == (definition["type"] == "reference")
    assert ("comparator" in definition) == (definition["type"] in {"date", "number", "quantity"})


@pytest.mark.parametrize("path", OWN_PARAMETERS, ids=file_name)
def test_an_own_search_parameter_takes_no_official_name(path: Path) -> None:
    own = read(path)
    same = [p["url"] for p in PARAMETERS.values() if p["code"] == own["code"] and own["base"][0] in p["base"]]
    assert same == [own["url"]]


def test_the_statement_is_a_valid_requirements_statement() -> None:
    CapabilityStatement.model_validate(STATEMENT)
    assert STATEMENT["kind"] == "requirements"
    assert "software" not in STATEMENT  # cpb-16
    assert "implementation" not in STATEMENT  # cpb-16
    assert tuple(resource["type"] for resource in STATEMENT["rest"][0]["resource"]) == SERVED  # cpb-9


@pytest.mark.parametrize(("base", "claim"), CLAIMS, ids=[f"{base}-{claim['name']}" for base, claim in CLAIMS])
def test_a_claimed_search_parameter_is_defined_so(base: str, claim: Definition) -> None:
    definition = PARAMETERS[claim["definition"]]
    assert (definition["code"], definition["type"]) == (claim["name"], claim["type"])
    assert base in definition["base"] or definition["base"] == ["Resource"]
    assert claim["documentation"].endswith(".")


@pytest.mark.parametrize("base", SERVED)
def test_every_search_parameter_of_a_type_is_claimed_once(base: str) -> None:
    claimed = sorted(claim["definition"] for kind, claim in CLAIMS if kind == base)
    defined = sorted(url for url, p in PARAMETERS.items() if base in p["base"] or p["base"] == ["Resource"])
    assert claimed == defined  # cpb-12 with it: a name is claimed once
