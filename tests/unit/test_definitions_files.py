"""Our own definitions are sound, and the CapabilityStatement and the search parameters agree."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from fhir.resources.R4B.capabilitystatement import CapabilityStatement

from tests.support.vendor_core import Slice

R4 = Path(__file__).parents[2] / "schemas" / "r4"
CANONICAL = "https://w3id.org/recovery-plan"
SERVED = ("CarePlan", "Goal", "RiskAssessment", "Provenance")

Definition = dict[str, Any]


def read(path: Path) -> Definition:
    definition: Definition = json.loads(path.read_text(encoding="utf-8"))
    return definition


OWN = sorted(R4.glob("*-*.json"))
OWN_PARAMETERS = sorted(R4.glob("SearchParameter-*.json"))
# The rules that an OperationOutcome names are in part HL7's and have tests of their own.
OWN_CODE_SYSTEMS = sorted(set(R4.glob("CodeSystem-*.json")) - {R4 / "CodeSystem-validation-rule.json"})
OWN_VALUE_SETS = sorted(R4.glob("ValueSet-*.json"))
OWN_CONCEPT_MAPS = sorted(R4.glob("ConceptMap-*.json"))
HELD = Slice.read(R4).beside(Slice.read(R4 / "core")).by_url
# Code systems of others that ours refer to, and that are not held.
ELSEWHERE = {
    "http://snomed.info/sct",
    "http://nucc.org/provider-taxonomy",
    "https://fhir.hl7.org.uk/CodeSystem/UKCore-LegalStatusClassificationEngland",
    "https://fhir.hl7.org.uk/CodeSystem/UKCore-LegalStatusClassificationWales",
}
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


@pytest.mark.parametrize("path", OWN, ids=file_name)
def test_an_own_definition_is_a_complete_conformance_resource(path: Path) -> None:
    definition = read(path)
    get_fhir_model_class(definition["resourceType"]).model_validate(definition)
    said = {key: definition[key] for key in ("version", "date", "publisher", "experimental")}
    assert said == {
        "version": "0.1.0",
        "date": "2026-11-22",
        "publisher": "Recovery Plan Service",
        "experimental": False,
    }
    assert re.fullmatch("[A-Z][A-Za-z0-9_]{0,254}", definition["name"])
    assert definition["description"].endswith((".", ".)"))
    assert ("title" in definition) == (definition["resourceType"] != "SearchParameter")  # R4 gives it none


def test_no_two_own_definitions_of_a_type_share_a_name_or_title() -> None:
    for key in ("name", "title"):
        names = [(item["resourceType"], item[key]) for item in map(read, OWN) if key in item]
        assert sorted({name for name in names if names.count(name) > 1}) == []


def concepts(definition: Definition) -> Iterator[Definition]:
    for concept in definition["concept"]:
        assert "concept" not in concept  # ours have no levels
        yield concept


@pytest.mark.parametrize("path", OWN_CODE_SYSTEMS, ids=file_name)
def test_an_own_code_system_says_what_each_code_means(path: Path) -> None:
    definition = read(path)
    codes = list(concepts(definition))
    assert (definition["content"], definition["caseSensitive"]) == ("complete", True)
    assert definition["count"] == len(codes) == len({item["code"] for item in codes})
    assert len({item["display"] for item in codes}) == len(codes)
    for item in codes:
        assert re.fullmatch(r"[a-zA-Z0-9]+(-[a-z0-9]+)*", item["code"])
        assert item["display"][0].isupper() or item["display"][0].isdigit()
        assert not item["display"].endswith(".")
        assert item["definition"].endswith(".")
        assert item["definition"] != item["display"] + "."


@pytest.mark.parametrize("path", OWN_CODE_SYSTEMS, ids=file_name)
def test_the_value_set_of_a_code_system_is_the_whole_of_it_and_nothing_else(path: Path) -> None:
    definition = read(path)
    if "valueSet" in definition:
        compose = HELD[definition["valueSet"]]["compose"]
        assert compose == {"include": [{"system": definition["url"]}]}
        assert definition["valueSet"].endswith(f"/ValueSet/{definition['id']}")
    else:
        assert definition["id"] in {"agreement-status", "legal-instrument"}


@pytest.mark.parametrize("path", OWN_VALUE_SETS, ids=file_name)
def test_an_own_value_set_names_systems_that_are_held_or_known_to_be_elsewhere(path: Path) -> None:
    definition = read(path)
    systems = [part["system"] for part in definition["compose"]["include"]]
    assert systems[0] == f"{CANONICAL}/CodeSystem/{definition['id']}"
    assert {system for system in systems if system not in HELD} <= ELSEWHERE
    assert definition.get("immutable", False) is (len(systems) == 1)


@pytest.mark.parametrize("path", OWN_CONCEPT_MAPS, ids=file_name)
def test_a_concept_map_maps_codes_that_exist(path: Path) -> None:
    definition = read(path)
    (group,) = definition["group"]
    (source,) = HELD[definition["sourceCanonical"]]["compose"]["include"]
    assert source["system"] == group["source"]
    known = {item["code"]: item["display"] for item in concepts(HELD[group["source"]])}
    for element in group["element"]:
        assert element["display"] == known[element["code"]]
        for target in element["target"]:
            assert ("comment" in target) == (target["equivalence"] != "equivalent")
    if group["target"] not in ELSEWHERE:
        reached = [(target["code"], target["display"]) for element in group["element"] for target in element["target"]]
        assert sorted(reached) == [(item["code"], item["display"]) for item in concepts(HELD[group["target"]])]
        assert {element["code"] for element in group["element"]} == set(known)


def test_an_own_operation_narrows_the_one_of_hl7() -> None:
    own = read(R4 / "OperationDefinition-validate.json")
    official = HELD[own["base"]]
    same = ("code", "kind", "system", "type", "instance")
    assert {key: own[key] for key in same} == {key: official[key] for key in same}
    shape = [(item["name"], item["use"], item["min"], item["max"], item["type"]) for item in own["parameter"]]
    assert shape == [(p["name"], p["use"], p["min"], p["max"], p["type"]) for p in official["parameter"]]
    assert tuple(own["resource"]) == SERVED


@pytest.mark.parametrize("path", OWN_PARAMETERS, ids=file_name)
def test_an_own_search_parameter_is_complete(path: Path) -> None:
    definition = read(path)
    (base,) = definition["base"]
    assert base in SERVED
    assert definition["id"] == f"{base}-{definition['code']}"
    assert definition["name"] == "".join(part[0].upper() + part[1:] for part in definition["id"].split("-"))
    assert definition["expression"].startswith(base + ".")
    assert definition["description"].endswith(".")
    assert definition["multipleOr"] is definition["multipleAnd"] is True
    assert ("target" in definition) == (definition["type"] == "reference")
    assert ("comparator" in definition) == (definition["type"] in {"date", "number", "quantity"})
    assert ("component" in definition) == (definition["type"] == "composite")


@pytest.mark.parametrize("path", [path for path in OWN_PARAMETERS if "component" in read(path)], ids=file_name)
def test_a_composite_parameter_joins_two_that_stand_alone_as_well(path: Path) -> None:
    definition = read(path)
    assert len(definition["component"]) == 2
    for part in definition["component"]:
        alone = PARAMETERS[part["definition"]]
        assert f"{definition['expression']}.{part['expression']}" == alone["expression"]
        assert alone["base"] == definition["base"]


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
    offered = {
        item["type"]: {each["code"] for each in item["interaction"]} for item in STATEMENT["rest"][0]["resource"]
    }
    assert len(offered) == len(STATEMENT["rest"][0]["resource"])  # cpb-9
    written = tuple(name for name, codes in offered.items() if codes != {"read", "search-type"})
    assert written == (*SERVED, "Subscription")


@pytest.mark.parametrize(("base", "claim"), CLAIMS, ids=[f"{base}-{claim['name']}" for base, claim in CLAIMS])
def test_a_claimed_search_parameter_is_defined_so(base: str, claim: Definition) -> None:
    definition = PARAMETERS[claim["definition"]]
    assert (definition["code"], definition["type"]) == (claim["name"], claim["type"])
    assert base in definition["base"] or definition["base"] == ["Resource"]
    assert claim["documentation"].endswith(".")


@pytest.mark.parametrize("base", SERVED)
def test_every_search_parameter_of_a_type_is_claimed_once(base: str) -> None:
    claimed = sorted(claim["definition"] for kind, claim in CLAIMS if kind == base)
    defined = [url for url, p in PARAMETERS.items() if base in p["base"] or p["base"] == ["Resource"]]
    assert claimed == sorted(defined)  # cpb-12 with it
