"""Invariants of FHIR's own types and of the domain, elements to try them on, and what fhirpathpy says of them."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import fhirpathpy
from fhirpathpy.engine.nodes import ResourceNode
from fhirpathpy.models import models
from hypothesis import strategies as st

from service.conformance.definitions import Definitions
from service.conformance.fhirpath.conditions import Condition, Scope, compile_condition
from service.conformance.structures import Element, Structure, Structures
from service.fhir.json import Number, parse
from service.fhir.versions import R4
from tests.support.mutations import paths, value_at
from tests.support.samples import EXAMPLES

Json = dict[str, Any]

CANONICAL = "https://w3id.org/recovery-plan/StructureDefinition/"
DEFINITIONS = Definitions(R4)
STRUCTURES = Structures(DEFINITIONS)
DOMAIN = json.loads((Path(__file__).parents[1] / "profiles" / "invariants.json").read_text(encoding="utf-8"))
TYPES = sorted(
    item["type"]
    for item in DEFINITIONS.of_type("StructureDefinition")
    if item.get("derivation") != "constraint" and item["kind"] != "primitive-type"
)
OFFICIAL = Path(__file__).parent / "official_examples"
SAMPLES = EXAMPLES / "valid"
PROFILES = ("RecoveryCarePlan", "RecoveryGoal", "PositiveRiskAssessment")


@dataclass(frozen=True)
class Rule:
    """An invariant, and the type of element that it is about."""

    key: str
    expression: str
    start: str
    """The path of a structure, or the name of a primitive type."""
    choice: tuple[str, ...] = ()
    """The types that the element can have, where it is one of several."""

    def __str__(self) -> str:
        return f"{self.key} {self.start}"

    @property
    def words(self) -> set[str]:
        """The names and texts in the expression."""
        return set(re.findall(r"\w+", self.expression))

    @property
    def literals(self) -> list[str]:
        """The texts that the expression compares with."""
        return sorted(set(re.findall(r"'([^']+)'", self.expression)))


def structure_at(path: str) -> Structure | str:
    """Return the structure at a path, or the name of a primitive type as it is."""
    if STRUCTURES.is_primitive(path):
        return path
    name, *steps = path.split(".")
    structure = STRUCTURES.of_type(name)
    for step in steps:
        structure = STRUCTURES.below(structure.choices[step][0])
    return structure


def rules_of(*types: str) -> list[Rule]:
    """Return the invariants of ``types`` and of all that they can contain, each once for each place it is about."""
    found: dict[tuple[str, str], Rule] = {}
    for name in types:
        for rule in _rules(STRUCTURES.of_type(name), set()):
            found.setdefault((rule.expression, rule.start), rule)
    return list(found.values())


def _rules(structure: Structure, seen: set[str]) -> Iterator[Rule]:
    if structure.path in seen:
        return
    seen.add(structure.path)
    for item in structure.constraints:
        yield Rule(item.key, item.expression, structure.path)
    for elements in structure.choices.values():
        for element in elements:
            for item in element.constraints:
                yield Rule(item.key, item.expression, _start(element), tuple(each.type for each in elements))
            if not STRUCTURES.is_primitive(element.type):
                yield from _rules(STRUCTURES.below(element), seen)


def _start(element: Element) -> str:
    return element.structure.path if element.structure else element.type


def domain_rules() -> list[Rule]:
    """Return the rules of the domain as they were agreed, and as our profiles publish them."""
    agreed = [Rule(item["key"], item["expression"], item["base"]) for item in DOMAIN]
    definitions = [DEFINITIONS.get(f"{CANONICAL}{name}") for name in PROFILES]
    published = [
        Rule(item["key"], item["expression"], definition["type"])
        for definition in definitions
        for item in definition["differential"]["element"][0]["constraint"]
    ]
    return [*agreed, *(rule for rule in published if rule not in agreed)]


@cache
def compiled(rule: Rule) -> Condition:
    """Return the condition that the service compiles."""
    return compile_condition(rule.expression, structure_at(rule.start), STRUCTURES, None, rule.choice)


def ours(rule: Rule, element: Any, resource: Json | None = None) -> bool:
    """Return whether the service finds that ``element`` fulfils ``rule``."""
    outermost = element if resource is None else resource
    return compiled(rule)(element, Scope(outermost, outermost))


def theirs(rule: Rule, element: Any, resource: Json | None = None) -> bool:
    """Return whether fhirpathpy finds that ``element`` fulfils ``rule``; raises what it raises."""
    outermost = copy.deepcopy(element if resource is None else resource)  # fhirpathpy changes what it reads
    node = copy.deepcopy(element)
    if not STRUCTURES.is_resource(rule.start):
        node = ResourceNode.create_node(node, rule.start)
    found = _interpreted(rule.expression)(node, {"resource": outermost, "rootResource": outermost})
    return len(found) == 1 and found[0] is not False and found[0] is not None


@cache
def _interpreted(expression: str) -> Callable[..., list[Any]]:
    functions = {
        "hasValue": {"fn": lambda values: len(values) == 1 and not isinstance(values[0], dict)},
        "resolve": {"fn": lambda values: []},
    }
    options = {"traceFn": lambda label, values: None, "userInvocationTable": functions}
    # Its as() takes one value; that of R4's dom-3 is written for several.
    return fhirpathpy.compile(re.sub(r"\bas\((\w+)\)", r"ofType(\1)", expression), models["r4"], options)


VALUES: dict[str, tuple[Any, ...]] = {
    "date": ("2024", "2024-02", "2024-02-28", "2024-02-29"),
    "dateTime": ("2024", "2024-02-29", "2024-02-29T10:00:00Z", "2024-02-29T11:30:00+01:00"),
    "instant": ("2024-02-29T10:00:00Z", "2024-02-29T11:30:00+01:00"),
    "time": ("10:00:00", "11:00:00"),
    "base64Binary": ("eA==",),
    "xhtml": ('<div xmlns="http://www.w3.org/1999/xhtml">x</div>',),
    "integer": (0, 1, 2),
    "positiveInt": (1, 2),
    "unsignedInt": (0, 1),
    "decimal": (0, -1, 1, 100, Number("100.5"), Number("0.80"), Number("0.8"), Number("1.0")),
    "boolean": (True, False),
}
"""Values of primitive types; of the others, the texts that the rule speaks of."""
RESOURCES: tuple[Json, ...] = (
    {"resourceType": "CareTeam", "id": "x"},
    {"resourceType": "CareTeam", "id": "y", "contained": [{"resourceType": "Patient", "id": "x"}]},
    {"resourceType": "Patient", "id": "x", "meta": {"security": [{"code": "R"}]}},
    {"resourceType": "Patient", "id": "y", "meta": {"versionId": "1"}},
    {"resourceType": "Task", "id": "x", "focus": {"reference": "#"}, "instantiatesUri": "#y"},
)
MEASURES = {"Quantity": {"value", "unit"}}
"""What a rule compares that speaks of these types as a whole."""
FORMS = {"string", "code", "boolean", "decimal", "dateTime", "Reference", "Quantity", "CodeableConcept", "Range"}
"""The types that are tried of a choice which has many."""


def elements(rule: Rule) -> st.SearchStrategy[Any]:
    """Return elements of the type that ``rule`` is about, with what it speaks of and without."""
    start = structure_at(rule.start)
    return _primitive(rule, start) if isinstance(start, str) else _object(rule, start, 4)


def _object(rule: Rule, structure: Structure, depth: int) -> st.SearchStrategy[Json]:
    words = rule.words | MEASURES.get(structure.path, set())
    if "children" in words:
        words = words | {name for name, (form, *_) in structure.choices.items() if STRUCTURES.is_primitive(form.type)}
    always: dict[str, Any] = {}
    if STRUCTURES.is_resource(structure.path):
        always["resourceType"] = st.just(structure.path)
    optional: dict[str, Any] = {"id": st.just("i")}
    choices = []
    for name in sorted(words & structure.choices.keys() - {"id"}):
        forms = [form for form in structure.choices[name] if _is_tried(rule, form, structure.choices[name], depth)]
        members = {form.key: _member(rule, form, depth) for form in forms}
        if len(structure.choices[name]) == 1:
            optional.update(members)
        else:
            choices.append(
                st.one_of(st.just({}), *(st.builds(_only, st.just(key), made) for key, made in members.items()))
            )
    return st.builds(_merged, st.fixed_dictionaries(always, optional=optional), *choices)


def _is_tried(rule: Rule, form: Element, forms: list[Element], depth: int) -> bool:
    is_simple = STRUCTURES.is_primitive(form.type) or form.type == "Resource"
    return (depth > 0 or is_simple) and (len(forms) == 1 or form.type in FORMS | rule.words)


def _only(key: str, value: Any) -> Json:
    return {key: value}


def _merged(*parts: Json) -> Json:
    return {key: value for part in parts for key, value in part.items()}


def _member(rule: Rule, element: Element, depth: int) -> st.SearchStrategy[Any]:
    if element.type == "Resource":
        value: st.SearchStrategy[Any] = st.sampled_from(RESOURCES)
    elif STRUCTURES.is_primitive(element.type):
        value = _primitive(rule, element.type)
    else:
        value = _object(rule, STRUCTURES.below(element), depth - 1).filter(bool)
    return st.lists(value, min_size=1, max_size=2) if element.many else value


def _primitive(rule: Rule, name: str) -> st.SearchStrategy[Any]:
    return st.sampled_from(VALUES.get(name, (*rule.literals, "x")))


def occurrences(value: Json, structure: Structure) -> Iterator[tuple[Rule, Any]]:
    """Yield every invariant that applies to ``value`` or to an element inside it, with that element."""
    for item in structure.constraints:
        yield Rule(item.key, item.expression, structure.path), value
    for name, forms in structure.choices.items():
        for form in forms:
            given = value.get(form.key, [])
            for member in given if form.many else [given] if form.key in value else []:
                for item in form.constraints:
                    yield Rule(item.key, item.expression, _start(form), tuple(each.type for each in forms)), member
                if isinstance(member, dict) and name != "contained":
                    yield from occurrences(member, STRUCTURES.below(form))


def changed(resource: Json, literals: list[str], chance: Random) -> Json:
    """Return ``resource`` with one thing left out, doubled, or said otherwise."""
    places = [path for path in paths(resource) if path[-1] != "resourceType"]
    if not places:
        return resource
    path = chance.choice(places)
    made = copy.deepcopy(resource)
    holder, key = value_at(made, path[:-1]), path[-1]
    others = _others(holder[key], literals)
    if others and chance.random() < 0.6:
        holder[key] = chance.choice(others)
    elif isinstance(key, int) and chance.random() < 0.5:
        holder.append(copy.deepcopy(holder[key]))
    else:
        del holder[key]
    _leave_out_what_is_empty(made)
    return made


def _others(value: Any, literals: list[str]) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, str):
        return [] if re.match(r"\d{4}\b", value) else [text for text in literals if text != value]  # dates stay dates
    return [] if isinstance(value, (dict, list)) else [0, 101, Number("0.80")]


def _leave_out_what_is_empty(value: Any) -> None:
    """FHIR has no empty object and no empty list."""
    members = list(value.items()) if isinstance(value, dict) else []
    for key, item in members:
        _leave_out_what_is_empty(item)
        if item in ({}, []):
            del value[key]
    if isinstance(value, list):
        for item in value:
            _leave_out_what_is_empty(item)
        value[:] = [item for item in value if item not in ({}, [])]


def resources() -> list[Json]:
    """Return the official examples and our samples."""
    found = []
    for file in sorted((*OFFICIAL.glob("*.json"), *SAMPLES.glob("*.json"))):
        document = parse(file.read_bytes())
        is_bundle = document["resourceType"] == "Bundle"
        found += [entry["resource"] for entry in document["entry"]] if is_bundle else [document]
    return found


def what_it_reads(rule: Rule, resource: Json) -> Json:
    """Return ``resource`` without what ``rule`` does not name: fhirpathpy reads the whole at each step."""
    kept = {key: value for key, value in resource.items() if key in rule.words | {"resourceType"}}
    if "extension" in kept:
        kept["extension"] = [item for item in kept["extension"] if item["url"] in rule.literals]
    return kept
