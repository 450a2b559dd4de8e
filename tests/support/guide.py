"""Write the lists of our own definitions anew: in the ImplementationGuide, and as a FHIR package.

How to use it::

    .venv/bin/python -m tests.support.guide           # writes them into schemas/r4
    .venv/bin/python -m tests.support.guide --check   # says what differs, exit code 1 if so

`ImplementationGuide.definition.resource` lists every own artefact and every example that has an id; the rest of the
guide is written by hand. `package.json` and `.index.json` make the folder a FHIR package, which `npm pack ./schemas/r4`
turns into the one file that other tools load (https://hl7.org/fhir/packages.html).
"""

import sys
from collections.abc import Iterator
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

from tests.support.derived_files import settle
from tests.support.snapshots import R4, Definition, read, written

GROUPS = {
    "CapabilityStatement": "service",
    "CodeSystem": "codes",
    "ConceptMap": "codes",
    "Measure": "service",
    "OperationDefinition": "service",
    "SearchParameter": "search",
    "ValueSet": "codes",
}
# Where an example says what the person calls it.
NAMES = {"CarePlan": ("title",), "Goal": ("description", "text"), "RiskAssessment": ("code", "text")}
# What the index of a package says of each file, as far as the resource has it.
INDEXED = ("resourceType", "id", "url", "version", "kind", "type")


def artefacts(folder: Path) -> dict[Path, Definition]:
    """Return our own definitions by file, the guide among them."""
    return {path: read(path) for path in sorted(folder.glob("*-*.json"))}


def group_of(artefact: Definition) -> str:
    """Return the id of the grouping that an artefact belongs to. Raises KeyError where its type has none."""
    if artefact["resourceType"] == "StructureDefinition":
        return "extensions" if artefact["type"] == "Extension" else "profiles"
    return GROUPS[artefact["resourceType"]]


def artefact_entry(artefact: Definition) -> dict[str, Any]:
    """Return what the guide says of an artefact."""
    return {
        "reference": {"reference": f"{artefact['resourceType']}/{artefact['id']}"},
        "name": artefact.get("title", artefact["name"]),
        "description": artefact["description"],
        "exampleBoolean": False,
        "groupingId": group_of(artefact),
    }


def examples(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the resources with an id in the Bundles of examples."""
    for path in sorted((folder / "examples" / "valid").glob("*.json")):
        for entry in read(path).get("entry", ()):
            if "id" in entry["resource"]:
                yield entry["resource"]


def example_entry(example: dict[str, Any]) -> dict[str, Any]:
    """Return what the guide says of an example: what the person calls the plan, the goal or the step."""
    return {
        "reference": {"reference": f"{example['resourceType']}/{example['id']}"},
        "name": reduce(getitem, NAMES[example["resourceType"]], example),
        "exampleCanonical": example["meta"]["profile"][0],
        "groupingId": "examples",
    }


def guide(held: dict[Path, Definition], folder: Path) -> tuple[Path, Definition]:
    """Return the file of the guide, and the guide with its list anew."""
    ((path, hand_written),) = [item for item in held.items() if item[1]["resourceType"] == "ImplementationGuide"]
    order = [grouping["id"] for grouping in hand_written["definition"]["grouping"]]
    listed = [artefact_entry(artefact) for artefact in held.values() if artefact is not hand_written]
    listed += [example_entry(example) for example in examples(folder)]
    listed.sort(key=lambda entry: order.index(entry["groupingId"]))
    return path, hand_written | {"definition": hand_written["definition"] | {"resource": listed}}


def manifest(of_guide: Definition) -> dict[str, Any]:
    """Return the manifest of the package, which says again what the guide says."""
    depends = {item["packageId"]: item["version"] for item in of_guide["dependsOn"]}
    (fhir_version,) = of_guide["fhirVersion"]
    return {
        "name": of_guide["packageId"],
        "version": of_guide["version"],
        "type": "IG",
        "canonical": of_guide["url"].partition("/ImplementationGuide/")[0],
        "url": of_guide["url"].partition("/ImplementationGuide/")[0],
        "title": of_guide["title"],
        "description": of_guide["description"],
        "author": of_guide["publisher"],
        "license": of_guide["license"],
        "fhirVersions": [fhir_version],
        "dependencies": {"hl7.fhir.r4.core": fhir_version} | depends,
        "files": [".index.json", "*-*.json"],
    }


def index(held: dict[Path, Definition]) -> dict[str, Any]:
    """Return the index of the package."""
    entries = [
        {"filename": path.name} | {key: artefact[key] for key in INDEXED if isinstance(artefact.get(key), str)}
        for path, artefact in held.items()
    ]
    return {"index-version": 2, "files": entries}


def wanted(folder: Path = R4) -> dict[Path, str]:
    """Return the text that each of the generated files should have."""
    held = artefacts(folder)
    path, of_guide = guide(held, folder)
    made = {path: of_guide, folder / "package.json": manifest(of_guide), folder / ".index.json": index(held)}
    return {file: written(content) for file, content in made.items()}


if __name__ == "__main__":
    sys.exit(settle("Write the lists of our own definitions anew.", wanted))
