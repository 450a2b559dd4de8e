"""The vendored slice of the official definitions is closed: nothing that it refers to is missing."""

from pathlib import Path

import pytest

from tests.support.vendor_core import (
    COMMON_PARAMETERS,
    CONFORMANCE_PARAMETERS,
    CONTAINED,
    CORE,
    EXTENSIONS,
    EXTENSIONS_OF_THE_PACK,
    HL7,
    NOT_HELD,
    SERVED,
    Slice,
    closure,
    needs,
)

# They draw on code systems that no file lists, so a code of theirs can be checked for its form only.
VALUE_SETS_WITHOUT_A_LIST = {
    "http://hl7.org/fhir/ValueSet/mimetypes",
    "http://hl7.org/fhir/ValueSet/all-languages",
    "http://hl7.org/fhir/ValueSet/currencies",
    "http://hl7.org/fhir/ValueSet/all-time-units",
    "http://hl7.org/fhir/ValueSet/all-distance-units",
    "http://hl7.org/fhir/ValueSet/formatcodes",
    "http://hl7.org/fhir/ValueSet/jurisdiction",
}
FILTERS_THAT_ARE_EXPANDED = {"is-a", "is-not-a", "descendent-of"}
PUBLISHED = {"StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap", "SearchParameter", "OperationDefinition"}


@pytest.fixture(scope="module")
def core() -> Slice:
    return Slice.read(CORE)


def codes(core: Slice, base: str) -> set[str]:
    return {
        definition["code"]
        for definition in core.by_url.values()
        if definition["resourceType"] == "SearchParameter" and base in definition["base"]
    }


def test_everything_referred_to_is_present(core: Slice) -> None:
    absent = {
        f"{needed} (needed by {core.file_of[url].name})"
        for url, definition in core.by_url.items()
        for needed in needs(definition)
        if needed not in core.by_url and needed not in NOT_HELD
    }
    assert absent == set()


def test_the_roots_reach_every_file_and_need_no_other(core: Slice) -> None:
    inside, missing = closure(core)
    assert missing == {}
    assert set(core.by_url) - inside == set()


def test_only_definitions_and_their_readme_lie_here(core: Slice) -> None:
    assert {path.name for path in CORE.iterdir()} == {*(path.name for path in core.file_of.values()), "README.md"}


def test_every_structure_has_a_snapshot(core: Slice) -> None:
    structures = [d for d in core.by_url.values() if d["resourceType"] == "StructureDefinition"]
    assert [d["id"] for d in structures if not d["snapshot"]["element"]] == []
    assert {d["fhirVersion"] for d in structures} == {"4.0.1"}


def test_every_code_system_lists_its_codes(core: Slice) -> None:
    systems = [d for d in core.by_url.values() if d["resourceType"] == "CodeSystem"]
    assert [d["id"] for d in systems if d["content"] != "complete" or not d["concept"]] == []


def test_value_sets_without_a_list_are_the_named_ones(core: Slice) -> None:
    found = {
        url
        for url, definition in core.by_url.items()
        if definition["resourceType"] == "ValueSet"
        for include in definition["compose"]["include"]
        if include.get("system") in NOT_HELD and "concept" not in include
    }
    assert found == VALUE_SETS_WITHOUT_A_LIST


def test_every_other_filter_can_be_followed(core: Slice) -> None:
    filters = {
        (url, item["property"], item["op"])
        for url, definition in core.by_url.items()
        if definition["resourceType"] == "ValueSet" and url not in VALUE_SETS_WITHOUT_A_LIST
        for part in (*definition["compose"]["include"], *definition["compose"].get("exclude", ()))
        for item in part.get("filter", ())
    }
    assert len(filters) > 5
    assert {(kind, op) for _, kind, op in filters} <= {("concept", op) for op in FILTERS_THAT_ARE_EXPANDED}


def test_extensions_are_those_of_r4_where_r4_has_them(core: Slice) -> None:
    versions = {name: core.by_url[HL7 + name]["version"] for name in (*EXTENSIONS, *EXTENSIONS_OF_THE_PACK)}
    assert {name for name, version in versions.items() if version == "4.0.1"} == set(EXTENSIONS)
    assert {versions[name] for name in EXTENSIONS_OF_THE_PACK} == {"5.3.0-ballot-tc1"}


def test_what_plans_contain_is_held(core: Slice) -> None:
    kinds = {core.by_url[HL7 + name]["kind"] for name in (*SERVED, *CONTAINED)}
    assert kinds == {"resource"}


def test_search_parameters_are_those_of_r4(core: Slice) -> None:
    assert codes(core, "Resource") == set(COMMON_PARAMETERS)
    assert {base: len(codes(core, base)) for base in SERVED} == {
        "CarePlan": 20,
        "Goal": 8,
        "RiskAssessment": 10,
        "Provenance": 10,
        "AuditEvent": 18,
        "Subscription": 6,
    }
    every = set(CONFORMANCE_PARAMETERS)
    without_title = {"SearchParameter"}  # in R4 it has none
    assert {base: every - codes(core, base) for base in PUBLISHED} == {
        base: {"title"} if base in without_title else set() for base in PUBLISHED
    }


def test_two_files_with_one_url_are_refused(tmp_path: Path) -> None:
    text = '{"resourceType": "ValueSet", "url": "http://example.org/one"}'
    (tmp_path / "ValueSet-a.json").write_text(text)
    (tmp_path / "ValueSet-b.json").write_text(text)
    with pytest.raises(ValueError, match="both define"):
        Slice.read(tmp_path)
