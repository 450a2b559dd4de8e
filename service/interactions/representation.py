"""Parts of resources: ``_summary`` and ``_elements`` (https://hl7.org/fhir/R4/search.html#summary)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from service.conformance.model_structures import model_structure
from service.conformance.structures import Structure
from service.fhir import json
from service.fhir.entry import Parameters, once
from service.fhir.outcome import Issue, OutcomeError, shown
from service.interactions.context import Context

SUMMARIES = ("true", "text", "data", "count", "false")
SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "subsetted",
}
VIEW = ("_summary", "_elements")
_ALWAYS = {"resourceType", "id", "meta"}
Part = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class View:
    """The part of each resource that a client asked for."""

    part: Part
    counts_only: bool = False

    def render(self, body: bytes) -> bytes:
        """Return the JSON text of the part, marked as SUBSETTED."""
        resource = self.part(json.parse(body))
        meta = resource.get("meta", {})
        resource["meta"] = {**meta, "tag": [*meta.get("tag", []), SUBSETTED]}
        return json.dump(resource)


def read_view(resource_type: str, parameters: Parameters, context: Context) -> View | None:
    """Return the view that ``parameters`` ask for, None for whole resources; raises OutcomeError for any others."""
    view, rest = split_view(resource_type, parameters, context)
    if rest:
        names = [shown(name) for name, _ in rest]
        sentence = "This interaction takes no parameter"
        raise OutcomeError(*(Issue("unknown-parameter", f"{sentence} {name}", f"http.{name}") for name in names))
    if view is not None and view.counts_only:
        raise OutcomeError(Issue("parameter-value", "_summary=count is for searches", "http._summary"))
    return view


def split_view(resource_type: str, parameters: Parameters, context: Context) -> tuple[View | None, Parameters]:
    """Return the view of a type that ``parameters`` ask for, and the parameters that say nothing of it."""
    asked = once([item for item in parameters if item[0] in VIEW])
    rest = [(name, value) for name, value in parameters if name not in asked]
    summary, elements = asked.get("_summary"), asked.get("_elements")
    if summary is not None and summary not in SUMMARIES:
        sentence = f"_summary is one of: {', '.join(SUMMARIES)}"
        raise OutcomeError(Issue("parameter-value", sentence, "http._summary"))
    if summary == "count":
        return View(dict, counts_only=True), rest
    if elements is not None:
        return View(_elements_part(elements, _structure(resource_type, context))), rest
    if summary in (None, "false"):
        return None, rest
    return View(_summary_part(str(summary), _structure(resource_type, context))), rest


def _structure(resource_type: str, context: Context) -> Structure:
    known = context.structures.holds(resource_type)
    return context.structures.of_type(resource_type) if known else model_structure(resource_type)


def _summary_part(summary: str, structure: Structure) -> Part:
    def part(resource: dict[str, Any]) -> dict[str, Any]:
        if summary == "data":
            return {key: value for key, value in resource.items() if key != "text"}
        if summary == "text":
            kept = {"text", *structure.mandatory} | _ALWAYS
            return {key: value for key, value in resource.items() if key.removeprefix("_") in kept}
        return _summarised(resource, structure)

    return part


def _summarised(value: dict[str, Any], structure: Structure) -> dict[str, Any]:
    """Return the elements that the definitions mark as summary, also within elements that are defined inline."""
    kept: dict[str, Any] = {}
    for key, item in value.items():
        element = structure.elements.get(key.removeprefix("_"))
        if key in _ALWAYS or element is None:
            kept[key] = item
        elif element.summary:
            inner = element.structure
            if inner is None:
                kept[key] = item
            elif element.many:
                kept[key] = [_summarised(member, inner) for member in item]
            else:
                kept[key] = _summarised(item, inner)
    return kept


def _elements_part(text: str, structure: Structure) -> Part:
    names = {name.strip().removeprefix(f"{structure.path}.") for name in text.split(",")}
    unknown = sorted(names - structure.choices.keys())
    if unknown:
        sentence = f"_elements names elements of {structure.path}, which has no {unknown[0][:64]!a}"
        raise OutcomeError(Issue("parameter-value", sentence, "http._elements"))
    kept = {element.key for name in (*names, *structure.mandatory) for element in structure.choices[name]}

    def part(resource: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in resource.items() if key in _ALWAYS or key.removeprefix("_") in kept}

    return part
