"""Write the R5 forms of our StructureDefinitions anew, from the R4 ones and what differs.

How to use it::

    .venv/bin/python -m tests.support.r5           # writes schemas/r5/StructureDefinition-*.json
    .venv/bin/python -m tests.support.r5 --check   # says what differs, exit code 1 if so

Differentials only, see schemas/r5/README.md. What differs is in https://hl7.org/fhir/R5/careplan.html and goal.html.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.derived_files import settle
from tests.support.snapshots import R4, Definition, Element, read, written

R5 = R4.parent / "r5"
FHIR_VERSION = "5.0.0"
# Same meaning, another name.
RENAMED = {"CarePlan.author": "CarePlan.custodian", "Goal.expressedBy": "Goal.source"}
# R5 describes an activity in a resource of its own and has nothing below this.
REPLACED: dict[str, Element] = {
    "CarePlan.activity.detail": {
        "id": "CarePlan.activity.plannedActivityReference",
        "path": "CarePlan.activity.plannedActivityReference",
        "short": "The activity, described in a request of its own",
        "definition": "The request or task that says what is done, by whom and when. Its code says what kind of "
        "support it is, and its description what is going to happen, in words that the person understands.",
        "mustSupport": True,
    },
}
# Rules that name an element which has another name in R5.
RULES = {"rg-2": ("expressedBy", "source"), "rg-3": ("expressedBy", "source")}


def in_r5(definition: Definition) -> Definition:
    """Return the R5 form of one of our R4 definitions."""
    kept = {name: value for name, value in definition.items() if name != "snapshot"}
    elements = [made for element in kept["differential"]["element"] for made in element_in_r5(element)]
    return kept | {"fhirVersion": FHIR_VERSION, "differential": {"element": elements}}


def element_in_r5(element: Element) -> Iterator[Element]:
    """Yield the element as it is in R5, which is none where it stands below one that R5 has replaced."""
    path = element["path"]
    if path in REPLACED:
        yield REPLACED[path]
    elif path in RENAMED:
        yield element | {"id": RENAMED[path], "path": RENAMED[path]}
    elif "constraint" in element:
        yield element | {"constraint": [rule_in_r5(rule) for rule in element["constraint"]]}
    elif not path.startswith(tuple(f"{replaced}." for replaced in REPLACED)):
        yield element


def rule_in_r5(rule: dict[str, str]) -> dict[str, str]:
    """Return the rule with the names that its elements have in R5."""
    return rule | {"expression": rule["expression"].replace(*RULES.get(rule["key"], ("", "")))}


def wanted() -> dict[Path, str]:
    """Return the text that each R5 file should have."""
    own = sorted(R4.glob("StructureDefinition-*.json"))
    return {R5 / path.name: written(in_r5(read(path))) for path in own}


if __name__ == "__main__":
    sys.exit(settle("Write the R5 forms of our StructureDefinitions anew.", wanted))
