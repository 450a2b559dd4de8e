"""Resources with one thing changed, and the FHIRPath expression of what was changed."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.fhir.json import Number

Json = dict[str, Any]
JsonPath = tuple[str | int, ...]

CORE = Path(__file__).parents[2] / "schemas" / "r4" / "core"
EXTENSION = {"url": "http://example.org/why", "valueString": "not asked"}

VALUES: dict[str, Any] = {
    "empty text": "",
    "empty list": [],
    "empty object": {},
    "null": None,
    "whole number": 5,
    "negative number": -1,
    "number beyond 32 bits": 2**31,
    "decimal": Number("1.50"),
    "true": True,
    "text": "some words",
    "padded text": " x ",
    "blank text": "  ",
    "text with a tab": "a\tb",
    "number as text": "5",
    "true as text": "true",
    "year": "2024",
    "month that is none": "2024-13-01",
    "day that is none": "2024-02-30",
    "time without zone": "2024-01-01T10:00:00",
    "time of day": "10:00:00",
    "moment": "2024-01-01T10:00:00Z",
    "list of null": [None],
    "list of list": [[]],
    "unknown object": {"colour": "blue"},
    "reference to a medication": {"reference": "Medication/1"},
}
OTHER_FORMS: dict[str, Any] = {
    "String": "x",
    "Period": {"start": "2024"},
    "CodeableConcept": {"text": "x"},
    "Reference": {"reference": "Patient/1"},
    "Date": "2024-01-01",
    "Boolean": True,
}


@dataclass(frozen=True)
class Mutant:
    """A resource after one change, with the place of the change and what else may be named for it."""

    kind: str
    place: str
    resource: Json
    also: str = ""


def _choices() -> dict[str, tuple[str, str]]:
    """Return for the JSON key of each form of a choice: the choice's name and what FHIRPath calls the form."""
    found = {}
    for file in CORE.glob("StructureDefinition-*.json"):
        for element in json.loads(file.read_bytes())["snapshot"]["element"]:
            name = element["path"].rpartition(".")[2]
            for form in element.get("type", ()) if name.endswith("[x]") else ():
                code, choice = form["code"], name.removesuffix("[x]")
                found[choice + code[0].upper() + code[1:]] = (choice, f"{choice}.ofType({code})")
    return found


CHOICES = _choices()


def expression(path: JsonPath, root: str) -> str:
    """Return the FHIRPath expression of a place in JSON."""
    text = root
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += "." + CHOICES.get(step.lstrip("_"), (None, step.lstrip("_")))[1]
    return text


def paths(value: Any, path: JsonPath = ()) -> Iterator[JsonPath]:
    """Yield the path of everything inside ``value``, outer before inner."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, member in members:
        yield (*path, step)
        yield from paths(member, (*path, step))


def value_at(value: Any, path: JsonPath) -> Any:
    """Return what stands at ``path``."""
    for step in path:
        value = value[step]
    return value


def element_path(resource: Json, path: JsonPath) -> str:
    """Return the path without the numbers of list members: the same for all mutants that teach the same."""
    holders = [resource, *(value_at(resource, path[:end]) for end in range(1, len(path)))]
    types = [holder["resourceType"] for holder in holders if isinstance(holder, dict) and "resourceType" in holder]
    return ".".join([*types, *("#" if isinstance(step, int) else step for step in path)])


def skeleton(resource: Json, path: JsonPath, mandatory: set[str]) -> tuple[Json, JsonPath]:
    """Return ``resource`` with what is mandatory and what holds ``path`` alone, and the path in that."""
    kept = {key: item for key, item in resource.items() if key in mandatory or key == path[0]}
    if len(path) > 1 and isinstance(path[1], int):
        kept[str(path[0])] = [resource[path[0]][path[1]]]
        path = (path[0], 0, *path[2:])
    return kept, path


def mutants(resource: Json, path: JsonPath) -> Iterator[Mutant]:
    """Yield ``resource`` with each change that can be made to what stands at ``path``."""
    here, value, key = expression(path, resource["resourceType"]), value_at(resource, path), path[-1]

    def changed(kind: str, removed: bool = False, place: str = here, also: str = here, **members: Any) -> Mutant:
        made = copy.deepcopy(resource)
        holder = value_at(made, path[:-1])
        if removed:
            del holder[key]
        for name, item in members.items():
            holder[key if name == "itself" else name] = copy.deepcopy(item)
        return Mutant(kind, place, made, also)

    yield changed("dropped", removed=True)
    for kind, other in VALUES.items():
        if type(other) is not type(value) or other != value:
            yield changed(kind, itself=other)
    yield changed("wrapped in a list", itself=[value])
    if isinstance(value, list):
        yield changed("only the first", itself=value[0])
        yield changed("list with null", itself=[*value, None])
    if isinstance(value, dict):
        yield changed("unknown member", itself={**value, "colour": "blue"})
        yield changed("two unknown members", itself={"colour": "blue", **value, "taste": 1})
    if not isinstance(key, str):
        return
    outer = expression(path[:-1], resource["resourceType"])
    missing = f"{outer}.{CHOICES[key][0]}" if key in CHOICES else here
    yield changed("renamed", removed=True, place=f"{outer}.{key}x", also=missing, **{f"{key}x": value})
    for kind, extra in {
        "id": {"id": "x"},
        "extension": {"extension": [EXTENSION]},
        "empty object": {},
        "null": None,
        "text": "x",
        "list": [{"extension": [EXTENSION]}],
        "list of null": [None],
        "empty list": [],
        "unknown member": {"colour": "blue"},
    }.items():
        beside = {"also": f"{outer}._{key}", f"_{key}": extra}
        yield changed(f"beside it: {kind}", **beside)
        yield changed(f"instead of it: {kind}", removed=True, **beside)
    if key in CHOICES:
        choice = CHOICES[key][0]
        for of_type, other in OTHER_FORMS.items():
            form = choice + of_type
            if form != key:
                named = {"place": f"{outer}.{choice}"}
                yield changed("second form", **named, also=f"{outer}.{form}", **{form: other})
                extra = {f"_{form}": {"extension": [EXTENSION]}}
                yield changed("second form by extension alone", **named, also=f"{outer}._{form}", **extra)
