"""The published table of rules covers every kind of finding, and is fresh."""

import json
import re
from collections import Counter
from pathlib import Path

import service
from service.fhir.outcome import RULES
from tests.support.validation_rules import FILE, INVARIANT, constraints_of, structures_held, with_invariants

TABLE = json.loads(FILE.read_bytes())
ISSUE_TYPES = FILE.parent / "core" / "CodeSystem-issue-type.json"


def test_every_constraint_of_a_snapshot_has_its_row() -> None:
    stated = {
        item["key"]
        for held in structures_held()
        for each in held["snapshot"]["element"]
        for item in each.get("constraint", ())
    }
    assert stated <= RULES.keys()


def test_the_rows_of_invariants_are_what_the_snapshots_say() -> None:
    assert with_invariants(TABLE, structures_held()) == TABLE, "run `python -m tests.support.validation_rules`"


def test_every_rule_that_the_service_names_has_its_row() -> None:
    code = "\n".join(file.read_text() for file in Path(service.__path__[0]).rglob("*.py"))
    named = set(re.findall(r'Issue\(\s*"([a-z0-9-]+)"', code))
    assert len(named) > 30
    assert named <= RULES.keys()


def test_no_row_is_left_over() -> None:
    """But for those of invariants, each rule is named somewhere in the code."""
    code = "\n".join(file.read_text() for file in Path(service.__path__[0]).rglob("*.py"))
    own = [concept["code"] for concept in TABLE["concept"] if concept["property"] != INVARIANT]
    made = {"fixed-value", "pattern-value"}  # from the kind of value that a definition gives
    assert {key for key in own if f'"{key}"' not in code} == made


def test_each_row_is_complete() -> None:
    codes = Counter(concept["code"] for concept in TABLE["concept"])
    assert TABLE["count"] == len(TABLE["concept"]) == len(codes)
    known = json.dumps(json.loads(ISSUE_TYPES.read_bytes())["concept"])
    for concept in TABLE["concept"]:
        assert concept["display"]
        assert concept["definition"].endswith(".")
        issue_type, status = concept["property"]
        assert issue_type["valueCoding"]["system"] == "http://hl7.org/fhir/issue-type"
        assert f'"code": "{issue_type["valueCoding"]["code"]}"' in known
        assert 400 <= status["valueInteger"] < 600


def test_a_key_that_says_different_things_is_one_row_that_says_both() -> None:
    def structure(name: str, human: str) -> dict[str, object]:
        constraint = {"key": "inv-1", "human": human}
        return {
            "url": f"http://example.org/{name}",
            "snapshot": {"element": [{"path": name, "constraint": [constraint]}]},
        }

    made = with_invariants({"concept": []}, [structure("A", "One."), structure("B", "Two."), structure("C", "One.")])
    (row,) = made["concept"]
    assert row["display"] == "One. / Two."
    assert row["definition"].count("stated by") == 3


def test_what_a_structure_inherits_is_not_stated_by_it() -> None:
    inherited = {"key": "ele-1", "human": "x", "source": "http://hl7.org/fhir/StructureDefinition/Element"}
    element = {"path": "A", "constraint": [inherited]}
    assert list(constraints_of({"url": "http://example.org/A", "snapshot": {"element": [element]}})) == []
