"""The sample plans, goals and assessments with one thing changed, and the issue that has to come of it."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from service.fhir.json import parse
from tests.support.mutations import Json, JsonPath, expression, paths, value_at
from tests.support.recovery import coded, extension, own
from tests.support.samples import EXAMPLES

REMOVED = object()
FOREIGN = {"url": "https://example.org/fhir/StructureDefinition/bed", "valueString": "C4"}
MISPLACED = extension(
    own("safety-step"), valueCodeableConcept_part=coded("safety-part", "contact"), valueString_text="Ring Ash"
)
ROLE = {"url": own("contributor-role"), "valueCodeableConcept": {"text": "A friend"}}
MISPLACED_DEEPER = {"url": FOREIGN["url"], "valueReference": {"extension": [ROLE], "display": "Sol"}}
MALFORMED: dict[str, Any] = {
    "null": None,
    "empty list": [],
    "empty object": {},
    "empty text": "",
    "number": 5,
    "true": True,
    "list of null": [None],
    "object of something else": {"colour": "blue"},
}
ALWAYS_WRONG = {"null", "empty list", "empty object", "empty text", "list of null"}
STATUSES = {"status", "intent", "lifecycleStatus"}
ANY_TARGET = re.compile(
    r"CarePlan\.supportingInfo|RiskAssessment\.basis|CarePlan\.activity\[\d+\]\.outcomeReference"
    r"|Provenance\.(target|entity\[\d+\]\.what)"
)
BARE = {"id", "url", "div", "resourceType"}
"""Primitive elements that have no extensions."""
DATE = re.compile(r"\d{4}-\d\d(-\d\d(T.*)?)?")


class Mutant(NamedTuple):
    """A sample after one change."""

    kind: str
    place: str
    resource: Json
    wanted: set[tuple[str, str]] | None = None
    """Rule and place of issues that have to come of it, an empty set where there must be none; None: who knows."""
    is_all: bool = False
    """Whether nothing else may come of it."""


def samples() -> list[Json]:
    """Return every resource of the valid examples, short ones first."""
    files = sorted((EXAMPLES / "valid").glob("*.json"), key=lambda file: file.stat().st_size)
    documents = [parse(file.read_bytes()) for file in files]
    return [entry["resource"] for found in documents for entry in found.get("entry", [{"resource": found}])]


def elements() -> Iterator[tuple[Json, JsonPath]]:
    """Yield each element and extension that the samples have, once, in the shortest sample that has it."""
    seen = set()
    for resource in samples():
        for path in paths(resource):
            name = _name(resource, path)
            if path[-1] != "resourceType" and name not in seen:
                seen.add(name)
                yield resource, path


def _name(resource: Json, path: JsonPath) -> str:
    """Return the path with the urls of extensions in the place of their numbers."""
    name, value = resource["resourceType"], resource
    for step in path:
        value = value[step]
        url = value.get("url", "") if isinstance(value, dict) else ""
        name += f".{step}" if isinstance(step, str) else f":{url}"
    return name


def changed(value: Any, path: JsonPath, new: Any) -> Any:
    """Return ``value`` with ``new`` at ``path``; what is not on the way is shared with the original."""
    if not path:
        return new
    step, *others = path
    made = value.copy()
    inner = changed(value[step] if isinstance(step, int) else value.get(step), tuple(others), new)
    if inner is REMOVED:
        del made[step]
    else:
        made[step] = inner
    return made


def mutants(resource: Json, path: JsonPath) -> Iterator[Mutant]:
    """Yield ``resource`` with each change that can be made to what stands at ``path``."""
    value, place = value_at(resource, path), expression(path, resource["resourceType"])
    yield Mutant("dropped", place, changed(resource, path, REMOVED))
    for kind, other in MALFORMED.items():
        wanted = {("", "")} if kind in ALWAYS_WRONG else None
        yield Mutant(kind, place, changed(resource, path, other), wanted)
    if isinstance(path[-1], int):
        twice = [*value_at(resource, path[:-1]), value]
        yield Mutant("doubled", place, changed(resource, path[:-1], twice))
    elif not isinstance(value, list):
        wrong = {("wrong-type", place)}
        yield Mutant("wrapped", place, changed(resource, path, [value]), wrong)
    if isinstance(value, dict):
        yield from _object_mutants(resource, path, value, place)
    elif not isinstance(value, list):
        yield from _primitive_mutants(resource, path, value, place)


def _object_mutants(resource: Json, path: JsonPath, value: Json, place: str) -> Iterator[Mutant]:
    def with_member(name: str, item: Any) -> Json:
        return changed(resource, (*path, name), item)

    yield Mutant(
        "unknown member", place, with_member("colour", "blue"), {("unknown-element", f"{place}.colour")}, is_all=True
    )
    others = value.get("extension", [])
    if "url" not in value or others:
        yield Mutant("foreign extension", place, with_member("extension", [*others, FOREIGN]), set(), is_all=True)
        at_fault = {("extension-context", f"{place}.extension[{len(others)}]")}
        yield Mutant("misplaced", place, with_member("extension", [*others, MISPLACED]), at_fault, is_all=True)
    form = next((key for key in value if key.startswith("value")), None)
    if "url" in value and form and form != "valueInteger":
        made = {key: item for key, item in value.items() if key != form} | {"valueInteger": 3}
        wanted = {("choice-type", f"{place}.value.ofType(integer)")}
        yield Mutant("value of another type", place, changed(resource, path, made), wanted)
        yield Mutant("two values", place, with_member("valueInteger", 3), {("unknown-element", f"{place}.value")})
        yield Mutant("value and parts", place, with_member("extension", [FOREIGN]), {("ext-1", place)})
    if "url" in value and form is None:
        wanted = {("cardinality", f"{place}.value.ofType(string)"), ("ext-1", place)}
        yield Mutant("parts and value", place, with_member("valueString", "x"), wanted)


def _primitive_mutants(resource: Json, path: JsonPath, value: Any, place: str) -> Iterator[Mutant]:
    key = path[-1]
    holder = value_at(resource, path[:-1])
    for kind, other, rule in _wrong_values(str(key), value, place):
        yield Mutant(kind, place, changed(resource, path, other), {(rule, place)})
    if key == "url" and ":" not in str(value):
        wanted = {("extension-unknown-part", place.removesuffix(".url"))}
        yield Mutant("part that is none", place, changed(resource, path, "no-such-part"), wanted)
    if isinstance(key, str) and key not in BARE and f"_{key}" not in holder:
        said = changed(resource, (*path[:-1], f"_{key}"), {"extension": [FOREIGN]})
        yield Mutant("foreign extension beside it", place, said, set(), is_all=True)
        at_fault = {("extension-context", f"{place}.extension[0].value.ofType(Reference).extension[0]")}
        said = changed(resource, (*path[:-1], f"_{key}"), {"extension": [MISPLACED_DEEPER]})
        yield Mutant("misplaced beside it", place, said, at_fault, is_all=True)
        wanted = {("unknown-element", f"{expression(path[:-1], resource['resourceType'])}.{key}x")}
        renamed = changed(changed(resource, path, REMOVED), (*path[:-1], f"{key}x"), value)
        yield Mutant("named otherwise", place, renamed, wanted)


def _wrong_values(key: str, value: Any, place: str) -> Iterator[tuple[str, Any, str]]:
    """Yield values that may not stand where ``value`` does, with the rule that says so."""
    if key == "valueCode" or key in STATUSES:
        yield "no such code", "no-such-code", "binding"
        yield "code with a space at its end", f"{value} ", "format"
    if key == "reference":
        yield "no such contained resource", "#lost", "ref-1"
        if not ANY_TARGET.match(place):
            yield "type that is not allowed", "Medication/1", "reference-target"
            yield "type that is not allowed, elsewhere", "https://ehr.example.org/fhir/Medication/1", "reference-target"
    if isinstance(value, str) and DATE.fullmatch(value):
        yield "day that is none", "2026-02-30", "format"
        yield "moment without zone", "2026-02-03T10:00:00", "format"
    if isinstance(value, bool):
        yield "true as text", "true", "format"
    elif not isinstance(value, str):
        yield "number as text", str(value), "format"
