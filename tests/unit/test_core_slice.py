"""The vendored slice of the official definitions is closed: nothing that it refers to is missing."""

from pathlib import Path

import pytest

from tests.support.vendor_core import COMMON_PARAMETERS, CORE, NOT_ENUMERABLE, SERVED, Slice, closure, needs

# They draw on code systems that no file lists, so a code of theirs can be checked for its form only.
VALUE_SETS_WITHOUT_A_LIST = {
    "http://hl7.org/fhir/ValueSet/mimetypes",
    "http://hl7.org/fhir/ValueSet/all-languages",
    "http://hl7.org/fhir/ValueSet/currencies",
    "http://hl7.org/fhir/ValueSet/all-time-units",
    "http://hl7.org/fhir/ValueSet/all-distance-units",
}


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
        f"{needed} (needed by {core.file_of[url]})"
        for url, definition in core.by_url.items()
        for needed in needs(definition)
        if needed not in core.by_url and needed not in NOT_ENUMERABLE
    }
    assert absent == set()


def test_the_roots_reach_every_file_and_need_no_other(core: Slice) -> None:
    inside, missing = closure(core)
    assert missing == {}
    assert set(core.by_url) - inside == set()


def test_only_definitions_and_their_readme_lie_here(core: Slice) -> None:
    assert {path.name for path in CORE.iterdir()} == {*core.file_of.values(), "README.md"}


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
        if include.get("system") in NOT_ENUMERABLE and "concept" not in include
    }
    assert found == VALUE_SETS_WITHOUT_A_LIST


def test_no_other_value_set_filters_a_code_system(core: Slice) -> None:
    filtered = {
        url
        for url, definition in core.by_url.items()
        if definition["resourceType"] == "ValueSet"
        and any("filter" in part for part in definition["compose"]["include"])
    }
    assert filtered <= VALUE_SETS_WITHOUT_A_LIST


def test_search_parameters_are_those_of_r4(core: Slice) -> None:
    assert codes(core, "Resource") == set(COMMON_PARAMETERS)
    assert {base: len(codes(core, base)) for base in SERVED} == {
        "CarePlan": 20,
        "Goal": 8,
        "RiskAssessment": 10,
    }


def test_two_files_with_one_url_are_refused(tmp_path: Path) -> None:
    text = '{"resourceType": "ValueSet", "url": "http://example.org/one"}'
    (tmp_path / "ValueSet-a.json").write_text(text)
    (tmp_path / "ValueSet-b.json").write_text(text)
    with pytest.raises(ValueError, match="both define"):
        Slice.read(tmp_path)
