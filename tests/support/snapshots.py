"""Write the snapshots of our own StructureDefinitions anew, from their differentials.

How to use it::

    .venv/bin/python -m tests.support.snapshots           # writes them into schemas/r4/StructureDefinition-*.json
    .venv/bin/python -m tests.support.snapshots --check   # says what differs, exit code 1 if so

A snapshot is the base definition with the differential applied (https://hl7.org/fhir/R4/profiling.html#snapshot).
Where a differential goes below the base, as in ``CarePlan.category:kind.coding``, the elements of the type are laid
open there. Mappings to other standards are left out: they say nothing about what our profiles ask for.
"""

import copy
import json
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.derived_files import settle

R4 = Path(__file__).parents[2] / "schemas" / "r4"
HL7 = "http://hl7.org/fhir/StructureDefinition/"
SPECIFICATION = "http://hl7.org/fhir/R4/"

# Properties of an ElementDefinition to which a differential adds; every other one it replaces.
ADDED_TO = ("code", "alias", "example", "condition", "constraint")
# What the base says about its own maturity is not inherited.
NOT_INHERITED = {HL7 + "structuredefinition-standards-status", HL7 + "structuredefinition-normative-version"}
# Properties that belong to an element with all its repetitions, and so not to a slice of them.
ABOUT_THE_WHOLE = ("id", "path", "slicing", "comment", "requirements", "alias", "condition", "min")
TEXTS = ("definition", "comment", "requirements")
RELATIVE_LINK = re.compile(r"\]\((?!https?:)")

Definition = dict[str, Any]
Element = dict[str, Any]


class Snapshots:
    """The snapshots of every StructureDefinition in a folder (ours) and in its ``core`` (the official ones)."""

    def __init__(self, folder: Path) -> None:
        self.own = {path: read(path) for path in sorted(folder.glob("StructureDefinition-*.json"))}
        official = (read(path) for path in (folder / "core").glob("StructureDefinition-*.json"))
        self._by_url = {definition["url"]: definition for definition in (*official, *self.own.values())}
        self._own_urls = {definition["url"] for definition in self.own.values()}
        self.elements = cache(self._elements)

    def _elements(self, url: str) -> list[Element]:
        """Return the snapshot of the definition that `url` names. Raises KeyError where none is held."""
        definition = self._by_url[url]
        if url not in self._own_urls:
            return [inherited(element, url) for element in definition["snapshot"]["element"]]
        under_way = Snapshot(self, self.elements(definition["baseDefinition"]))
        for change in definition["differential"]["element"]:
            under_way.apply(change)
        return under_way.elements


class Snapshot:
    """One snapshot in the making: a copy of the base, to which the elements of a differential are applied in turn."""

    def __init__(self, snapshots: Snapshots, base: list[Element]) -> None:
        self.elements = copy.deepcopy(base)
        self._snapshots = snapshots

    def apply(self, change: Element) -> None:
        """Change the element of the same id, which is laid open or made as a slice where it is not there yet."""
        element = self.elements[self._position(change["id"])]
        for name, value in change.items():
            if name in ADDED_TO:
                element[name] = [*element.get(name, ()), *(item for item in value if item not in element.get(name, ()))]
            else:
                element[name] = value

    def _position(self, element_id: str) -> int:
        """Return where the element stands. Raises LookupError where the base has no such element."""
        if (position := self._find(element_id)) is not None:
            return position
        parent, _, name = element_id.rpartition(".")
        if parent:
            self._lay_open(self._position(parent))
        if ":" in name and self._find(element_id) is None:
            self._add_slice(self._position(element_id.rpartition(":")[0]), element_id)
        if (position := self._find(element_id)) is None:
            raise LookupError(f"the base has no element {element_id}")
        return position

    def _find(self, element_id: str) -> int | None:
        return next((at for at, element in enumerate(self.elements) if element["id"] == element_id), None)

    def _lay_open(self, position: int) -> None:
        """Put the elements of its type below an element, unless elements stand there."""
        parent = self.elements[position]
        if "type" not in parent or any(element["id"].startswith(parent["id"] + ".") for element in self.elements):
            return
        (of_type,) = parent["type"]
        root, *below = copy.deepcopy(self._snapshots.elements(of_type.get("profile", [HL7 + of_type["code"]])[0]))
        for element in below:
            element["id"] = parent["id"] + element["id"].removeprefix(root["id"])
            element["path"] = parent["path"] + element["path"].removeprefix(root["path"])
        self.elements[position + 1 : position + 1] = below

    def _add_slice(self, position: int, element_id: str) -> None:
        """Put a slice after the element that is sliced, what stands below it, and the slices before."""
        sliced = self.elements[position]
        names = {"id": element_id, "path": sliced["path"], "sliceName": element_id.rpartition(":")[2]}
        part = names | {name: copy.deepcopy(value) for name, value in sliced.items() if name not in ABOUT_THE_WHOLE}
        belonging = (sliced["id"] + ".", sliced["id"] + ":")
        after = range(position + 1, len(self.elements))
        end = next((at for at in after if not self.elements[at]["id"].startswith(belonging)), len(self.elements))
        self.elements.insert(end, part)


def inherited(element: Element, source: str) -> Element:
    """Return an official element as others inherit it: no mappings, no maturity, links that work from anywhere."""
    kept = {name: value for name, value in element.items() if name != "mapping"}
    kept["constraint"] = [rule | {"source": rule.get("source", source)} for rule in kept.pop("constraint", ())]
    kept["extension"] = [item for item in kept.pop("extension", ()) if item["url"] not in NOT_INHERITED]
    for name in TEXTS:
        if name in kept:
            kept[name] = RELATIVE_LINK.sub(f"]({SPECIFICATION}", kept[name])
    return {name: value for name, value in kept.items() if value != []}


def read(path: Path) -> Definition:
    """Return the definition in a file."""
    definition: Definition = json.loads(path.read_text(encoding="utf-8"))
    return definition


def written(definition: Definition) -> str:
    """Return the definition as the text of its file."""
    return json.dumps(definition, indent=2, ensure_ascii=False) + "\n"


def wanted(folder: Path = R4) -> dict[Path, str]:
    """Return the text that each of our StructureDefinition files should have."""
    snapshots = Snapshots(folder)
    return {
        path: written(definition | {"snapshot": {"element": snapshots.elements(definition["url"])}})
        for path, definition in snapshots.own.items()
    }


if __name__ == "__main__":
    sys.exit(settle("Write the snapshots of our own StructureDefinitions anew.", wanted))
