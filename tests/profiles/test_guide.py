"""The guide lists every artefact and example of the folder, and the folder is a FHIR package."""

import json
import re
from typing import Any

from tests.support.derived_files import differing
from tests.support.guide import wanted
from tests.support.snapshots import R4, read

GUIDE = read(R4 / "ImplementationGuide-recovery-plan.json")
PACKAGE = read(R4 / "package.json")
LISTED = GUIDE["definition"]["resource"]


def references(is_example: bool) -> list[str]:
    return [item["reference"]["reference"] for item in LISTED if ("exampleCanonical" in item) is is_example]


def test_the_lists_are_fresh() -> None:
    assert list(differing(wanted())) == [], "run `python -m tests.support.guide`"


def test_the_guide_lists_exactly_the_other_artefacts_of_the_folder() -> None:
    files = {path.stem.replace("-", "/", 1) for path in R4.glob("*-*.json")}
    assert sorted(references(is_example=False)) == sorted(files - {"ImplementationGuide/recovery-plan"})


def test_the_guide_lists_the_resources_of_the_sample_plans_with_their_profile() -> None:
    entries = [entry for path in (R4 / "examples" / "valid").glob("sample-*.json") for entry in read(path)["entry"]]
    entries = [entry for entry in entries if entry["request"]["method"] == "PUT"]
    assert sorted(references(is_example=True)) == sorted(entry["request"]["url"] for entry in entries)
    claimed = {entry["request"]["url"]: entry["resource"]["meta"]["profile"] for entry in entries}
    for item in LISTED:
        if "exampleCanonical" in item:
            assert [item["exampleCanonical"]] == claimed[item["reference"]["reference"]]


def test_every_entry_has_a_name_and_a_grouping_that_exists() -> None:
    groupings = {grouping["id"] for grouping in GUIDE["definition"]["grouping"]}
    assert all(item["name"] for item in LISTED)
    assert {item["groupingId"] for item in LISTED} == groupings


def test_the_guide_makes_no_profile_global() -> None:
    assert "global" not in GUIDE


def test_the_manifest_names_the_package_as_fhir_asks() -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+", PACKAGE["name"])
    assert {"name", "version", "canonical", "title", "description", "author", "license"} <= PACKAGE.keys()
    assert PACKAGE["fhirVersions"] == ["4.0.1"]
    assert PACKAGE["dependencies"]["hl7.fhir.r4.core"] == "4.0.1"


def definitions_asked_for(value: Any) -> set[str]:
    """Canonical urls of HL7's extensions that a definition builds on."""
    text = json.dumps(value)
    return set(re.findall(r'"profile": \["(http://hl7\.org/fhir/StructureDefinition/[^"]+)"\]', text))


def test_the_package_depends_on_the_packages_of_the_extensions_that_our_profiles_use() -> None:
    used = {
        url
        for path in R4.glob("StructureDefinition-*.json")
        for url in definitions_asked_for(read(path)["differential"])
    }
    held = {item["url"]: item["version"] for item in map(read, (R4 / "core").glob("StructureDefinition-*.json"))}
    depended = {*PACKAGE["dependencies"].values()}
    assert used
    assert {held[url] for url in used} <= depended
