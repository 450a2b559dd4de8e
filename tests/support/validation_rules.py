"""Write the keys of invariants into `CodeSystem-validation-rule`, from the snapshots that state them.

How to use it, after a definition in `schemas/r4` or `schemas/r4/core` has changed::

    .venv/bin/python -m tests.support.validation_rules           # writes the concepts with issue type `invariant`
    .venv/bin/python -m tests.support.validation_rules --check   # exit code 1 if that would change the file

The other concepts are written by hand and stay as they are.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

R4 = Path(__file__).parents[2] / "schemas" / "r4"
FILE = R4 / "CodeSystem-validation-rule.json"
INVARIANT = [
    {"code": "issue-type", "valueCoding": {"system": "http://hl7.org/fhir/issue-type", "code": "invariant"}},
    {"code": "http-status", "valueInteger": 422},
]

Definition = dict[str, Any]


def with_invariants(table: Definition, structures: list[Definition]) -> Definition:
    """Return the CodeSystem `table` with one concept for each key that `structures` state, in the order of the keys.

    A key that says different things in different structures, as `inv-1` does in R4, is one concept that says them all.
    """
    written = [concept for concept in table["concept"] if concept["property"] != INVARIANT]
    texts: dict[str, dict[str, None]] = {}
    places: dict[str, dict[str, None]] = {}
    for structure in structures:
        for key, human, path in constraints_of(structure):
            texts.setdefault(key, {})[human] = None
            places.setdefault(key, {})[f"Invariant of {path}, stated by {structure['url']}."] = None
    invariants = [
        {"code": key, "display": " / ".join(texts[key]), "definition": " ".join(places[key]), "property": INVARIANT}
        for key in sorted(texts, key=in_order)
    ]
    return {**table, "count": len(written) + len(invariants), "concept": [*written, *invariants]}


def constraints_of(structure: Definition) -> Iterator[tuple[str, str, str]]:
    """Yield key, human text and path of each constraint that a structure states itself and did not inherit."""
    for element in structure["snapshot"]["element"]:
        for constraint in element.get("constraint", ()):
            if constraint.get("source", structure["url"]) == structure["url"]:
                yield constraint["key"], constraint["human"], element["path"]


def in_order(key: str) -> tuple[str, int, str]:
    """Return what sorts `tim-2` before `tim-10`."""
    match = re.fullmatch(r"(.*?)(\d+)(.*)", key)
    return (match[1], int(match[2]), match[3]) if match else (key, 0, "")


def structures_held() -> list[Definition]:
    """Return every StructureDefinition that the service holds, the official ones first."""
    files = [*sorted(R4.glob("core/StructureDefinition-*.json")), *sorted(R4.glob("StructureDefinition-*.json"))]
    return [json.loads(file.read_bytes()) for file in files]


def main() -> int:
    """Write the file, or with `--check` say whether it is fresh; returns the exit code."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--check", action="store_true", help="write nothing, only say whether the file is fresh")
    given = arguments.parse_args()
    before = FILE.read_text(encoding="utf-8")
    after = json.dumps(with_invariants(json.loads(before), structures_held()), indent=2, ensure_ascii=False) + "\n"
    if given.check:
        sys.stdout.write("" if after == before else f"{FILE.name} is not fresh: run this without --check\n")
        return int(after != before)
    FILE.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
