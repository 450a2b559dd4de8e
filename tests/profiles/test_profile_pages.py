"""The pages about the profiles: fresh, the same every time, and complete."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.conformance.definitions import Definitions
from service.conformance.generated import OutdatedError
from service.conformance.guide import check_guide, write_guide
from service.conformance.guide.rules import Occasion, occasion
from service.fhir.versions import R4

PAGES = Path(__file__).parents[2] / "docs" / "profiles"
TEXTS = {path.name: path.read_text("utf-8") for path in sorted(PAGES.glob("*.md"))}
PROFILES = ("RecoveryCarePlan", "RecoveryGoal", "PositiveRiskAssessment")

definitions = Definitions(R4)


def own(resource_type: str) -> list[dict[str, Any]]:
    paths = sorted(R4.definitions.glob(f"{resource_type}-*.json"))
    return [json.loads(path.read_bytes()) for path in paths]


EXTENSIONS = [item for item in own("StructureDefinition") if item["type"] == "Extension"]


def rows(text: str) -> list[list[str]]:
    """Return the cells of all rows of all tables in a page."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def section(text: str, title: str) -> str:
    """Return what stands below a heading."""
    match = re.search(rf"^#+ {re.escape(title)}$(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert match, title
    return match[1]


def unmarked(markdown: str) -> str:
    return re.sub(r"\\([\\`*_\[\]<>|])", r"\1", markdown)


def told(text: str) -> str:
    """Return a text of a definition as it stands on one line."""
    return " ".join(text.split())


def slug(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_the_pages_are_fresh() -> None:
    check_guide(definitions, PAGES)


def test_the_pages_are_the_same_in_another_process(tmp_path: Path) -> None:
    command = [Path(sys.executable).parent / "recovery-plan", "guide", "--write", tmp_path / "new"]
    subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": "4711"}, check=True)
    assert {path.name: path.read_text("utf-8") for path in (tmp_path / "new").iterdir()} == TEXTS


def test_a_folder_that_is_not_fresh_is_reported(tmp_path: Path) -> None:
    write_guide(definitions, tmp_path)
    check_guide(definitions, tmp_path)
    (tmp_path / "RecoveryGoal.md").write_text("# Another text\n")
    with pytest.raises(OutdatedError, match=r"RecoveryGoal\.md is not what the definitions say now: run `make docs`"):
        check_guide(definitions, tmp_path)
    (tmp_path / "RecoveryGoal.md").unlink()
    with pytest.raises(OutdatedError, match=r"RecoveryGoal\.md is not"):
        check_guide(definitions, tmp_path)
    write_guide(definitions, tmp_path)
    (tmp_path / "Gone.md").touch()
    with pytest.raises(OutdatedError, match=r"Gone\.md is no page of the guide any more"):
        check_guide(definitions, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--check", str(PAGES)], 0, ""),
        (["--check", "nowhere"], 1, "run `make docs`"),
        ([], 2, "Give --write or --check with a folder"),
    ],
)
def test_the_command_says_what_is_wrong_in_one_line(arguments: list[str], code: int, said: str) -> None:
    command = [Path(sys.executable).parent / "recovery-plan", "guide", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert said in done.stderr
    assert done.stderr.count("\n") == bool(said)


def json_names(element: dict[str, Any]) -> list[str]:
    path = element["path"].partition(".")[2]
    if not path.endswith("[x]"):
        return [path]
    return [path[:-3] + item["code"][0].upper() + item["code"][1:] for item in element["type"]]


def constrained() -> Iterator[Any]:
    for profile in PROFILES:
        definition = definitions.get(f"https://w3id.org/recovery-plan/StructureDefinition/{profile}")
        snapshot = {element["id"]: element for element in definition["snapshot"]["element"]}
        for element in definition["differential"]["element"][1:]:
            yield pytest.param(profile, snapshot[element["id"]], id=f"{profile}-{element['id']}")


@pytest.mark.parametrize(("profile", "element"), list(constrained()))
def test_every_element_of_which_a_profile_speaks_has_a_row(profile: str, element: dict[str, Any]) -> None:
    kind = element["id"].partition(":")[2].partition(".")[0]
    names = [f"`{name}`" for name in json_names(element)]
    found = [row for row in rows(TEXTS[f"{profile}.md"]) if all(name in row[0] for name in names) and kind in row[0]]
    short, definition = told(element["short"]), told(element["definition"])
    (row,) = [row for row in found if short.rstrip(".") in unmarked(row[2]) and definition in unmarked(row[2])]
    assert f"`{element['min']}..{element['max']}`" in row[1]
    assert ("must support" in row[1]) is element.get("mustSupport", False)
    for of_type in element["type"]:
        for target in of_type.get("targetProfile", ()):
            name = target.rpartition("/")[2]
            assert ("any resource" if name == "Resource" else name) in row[3]


@pytest.mark.parametrize("extension", EXTENSIONS, ids=lambda item: str(item["id"]))
def test_every_part_of_an_extension_is_told_with_an_example(extension: dict[str, Any]) -> None:
    text = section(TEXTS["extensions.md"], extension["title"])
    assert f"`{extension['url']}`" in text
    assert all(f"`{context['expression']}`" in text for context in extension["context"])
    by_id = {element["id"]: element for element in extension["snapshot"]["element"]}
    parts = [item for item in by_id.values() if item["path"] == "Extension.extension" and "sliceName" in item]
    for part in parts or [by_id["Extension"]]:
        value = by_id[f"{part['id']}.value[x]"]
        heads = [f"`{name.rpartition('.')[2]}`" for name in json_names(value)]
        name = part.get("sliceName")
        (row,) = [
            row
            for row in rows(text)
            if all(head in row[0] for head in heads) and (name is None or row[0].startswith(f"`{name}`"))
        ]
        assert f"`{(part if name else value)['min']}..{(part if name else value)['max']}`" in row[1]
    if parts:
        (example,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
        assert json.loads(example)["url"] == extension["url"]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_extension_of_a_profile_is_told_in_place_with_its_parts(profile: str) -> None:
    definition = definitions.get(f"https://w3id.org/recovery-plan/StructureDefinition/{profile}")
    heads = " ".join(row[0] for row in rows(TEXTS[f"{profile}.md"]))
    used = {
        url
        for element in definition["differential"]["element"]
        for of_type in element.get("type", ())
        if of_type["code"] == "Extension"
        for url in of_type.get("profile", ())
    }
    assert used
    for extension in map(definitions.get, used):
        for element in extension["snapshot"]["element"]:
            if element["path"] == "Extension.extension" and "sliceName" in element:
                assert f"{extension['id']}: `{element['sliceName']}`, as `value" in heads


@pytest.mark.parametrize("profile", PROFILES)
def test_every_rule_is_told_with_what_it_does(profile: str) -> None:
    definition = definitions.get(f"https://w3id.org/recovery-plan/StructureDefinition/{profile}")
    rules = [rule for element in definition["differential"]["element"] for rule in element.get("constraint", ())]
    found = rows(section(TEXTS[f"{profile}.md"], "Rules"))
    for rule in rules:
        told_of = [row for row in found if row[0] == f"`{rule['key']}`"]
        assert [unmarked(row[1]) for row in told_of] == [rule["human"], f"`{rule['expression']}`"]
        assert told_of[0][2] == rule["severity"]
    assert len(rules) >= 10


@pytest.mark.parametrize(
    ("key", "when"),
    [
        ("rcp-1", "while `status` is `active`"),
        ("rcp-5", "while `status` is `active`"),
        ("rcp-6", "always"),
        ("rg-1", "always"),
        ("rg-5", "while `lifecycleStatus` is `accepted`, `active` or `on-hold`"),
        ("rg-7", "while `lifecycleStatus` is `active`"),
        ("pra-2", "while `status` is `final`, `amended` or `corrected`"),
        ("pra-8", "always"),
        ("rst-1", "always"),
    ],
)
def test_a_rule_says_when_it_applies(key: str, when: str) -> None:
    found = [row for name in PROFILES for row in rows(TEXTS[f"{name}.md"]) if row[0] == f"`{key}`" and len(row) == 4]
    assert {row[3] for row in found} == {when}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("goal.exists()", None),
        ("status = 'active'", None),
        ("extension.where(url='status').exists() implies goal.exists()", None),
        ("note.exists() implies status = 'active'", None),
        ("status = 'active' implies goal.exists()", Occasion("status", ("active",))),
        (
            "note.exists() and (status = 'active' or status = 'draft') implies goal.exists()",
            Occasion("status", ("active", "draft")),
        ),
        (
            "lifecycleStatus.where($this='active' or $this='on-hold').exists() implies goal.exists()",
            Occasion("lifecycleStatus", ("active", "on-hold")),
        ),
    ],
)
def test_the_occasion_is_what_the_condition_says_of_the_status(expression: str, expected: Occasion | None) -> None:
    assert occasion(expression) == expected


@pytest.mark.parametrize("parameter", own("SearchParameter"), ids=lambda item: str(item["id"]))
def test_every_search_parameter_of_ours_is_told(parameter: dict[str, Any]) -> None:
    for profile in PROFILES:
        of_type = definitions.get(f"https://w3id.org/recovery-plan/StructureDefinition/{profile}")["type"]
        found = rows(section(TEXTS[f"{profile}.md"], "Search"))
        if of_type in parameter["base"]:
            (row,) = [row for row in found if row[0] == f"`{parameter['code']}`"]
            assert told(parameter["description"]) in unmarked(row[1])
            assert row[2].partition(",")[0] == parameter["type"]
            assert row[3].startswith("`:missing`")
            assert ("`:identifier` `:[type]`" in row[3]) is (parameter["type"] == "reference")
            assert f"{of_type}?{parameter['code']}=" in row[4]


@pytest.mark.parametrize("capability", definitions.capability["rest"][0]["resource"][:3], ids=lambda item: item["type"])
def test_every_search_that_is_served_is_told(capability: dict[str, Any]) -> None:
    (profile,) = [url.rpartition("/")[2] for url in capability["supportedProfile"]]
    text = section(TEXTS[f"{profile}.md"], "Search")
    assert {f"`{item['name']}`" for item in capability["searchParam"]} <= {row[0] for row in rows(text)}
    links = [line for line in text.splitlines() if line.startswith("- ")]
    assert any(re.match(rf"- \[`{capability['type']}\?[a-z-]+:[a-z]+=", line) for line in links)
    assert any(re.match(rf"- \[`{capability['type']}\?[a-z-]+\.[a-z-]+=", line) for line in links)


@pytest.mark.parametrize("value_set", own("ValueSet"), ids=lambda item: str(item["id"]))
def test_every_code_of_our_lists_is_told_with_its_meaning(value_set: dict[str, Any]) -> None:
    found = {row[0]: row for row in rows(section(TEXTS["codes.md"], value_set["title"]))}
    text = section(TEXTS["codes.md"], value_set["title"])
    codes = 0
    for include in value_set["compose"]["include"]:
        system = definitions.find(include["system"])
        assert f"`{include['system']}`" in text
        for concept in system["concept"] if system else ():
            codes += 1
            row = found[f"`{concept['code']}`"]
            assert unmarked(row[1]) == told(concept["display"])
            assert told(concept["definition"]) in unmarked(row[2])
    assert len(found) == codes + 2  # and the head of the table


def test_every_finding_is_told() -> None:
    system = definitions.get("https://w3id.org/recovery-plan/CodeSystem/validation-rule")
    found = {row[0] for row in rows(TEXTS["findings.md"])}
    assert {f"`{concept['code']}`" for concept in system["concept"]} <= found


@pytest.mark.parametrize("name", TEXTS)
def test_every_link_leads_somewhere(name: str) -> None:
    places = {
        page: [slug(title) for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)] for page, text in TEXTS.items()
    }
    assert len(set(places[name])) == len(places[name])
    links = re.findall(r"\]\(([^)]+)\)", TEXTS[name])
    assert links
    for link in links:
        file, _, place = link.partition("#")
        if not file.startswith("http://127.0.0.1:8000/"):
            assert (PAGES / file).resolve().is_file(), link
            assert not place or place in places[file], link


@pytest.mark.parametrize("name", TEXTS)
def test_the_markdown_is_one_that_every_git_host_shows(name: str) -> None:
    text = re.sub(r"```.*?```", "(an example)", TEXTS[name], flags=re.DOTALL)
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(row) for row in rows(table)}) == 1, table[:80]
        assert "\n*" in text[: text.index(table)][-200:]  # its caption
    tags = set(re.findall(r"(?<!\\)</?(\w+)", re.sub(r"`[^`]*`", "", text)))
    assert tags <= {"details", "summary"}
    assert not re.search(r"\n{3}|[ \t]$|\{\{|\}\}", text, re.MULTILINE)
