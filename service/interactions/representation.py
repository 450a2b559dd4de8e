"""Parts of resources: ``_summary`` and ``_elements`` (https://hl7.org/fhir/R4/search.html#summary)."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from service.conformance.model_structures import model_structure
from service.conformance.structures import Structure
from service.fhir import json
from service.fhir.entry import Parameters, once
from service.fhir.outcome import Issue, OutcomeError, did_you_mean, shown
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
    """The part of each resource of one type that a client asked for."""

    part: Part

    def render(self, body: bytes) -> bytes:
        """Return the JSON text of the part, marked as SUBSETTED."""
        resource = self.part(json.parse(body))
        meta = resource.get("meta", {})
        resource["meta"] = {**meta, "tag": [*meta.get("tag", []), SUBSETTED]}
        return json.dump(resource)


class Views:
    """The parts that ``parameters`` ask for of the resources of the types that are ``asked`` for, and of any others.

    Raises OutcomeError where a parameter cannot be read.
    """

    def __init__(self, parameters: Parameters, asked: Collection[str], context: Context) -> None:
        self.applied = [(name, value) for name, value in parameters if name in VIEW]
        self.others = [(name, value) for name, value in parameters if name not in VIEW]
        """The parameters that say nothing of this."""
        self._context = context
        self._asked = asked
        given = once(self.applied)
        self.summary, elements = given.get("_summary"), given.get("_elements")
        if self.summary is not None and self.summary not in SUMMARIES:
            raise _unusable("_summary", f"_summary is one of: {', '.join(SUMMARIES)}")
        self._elements = None if elements is None else self._named(elements)
        self._views: dict[str, View | None] = {}

    @property
    def counts_only(self) -> bool:
        """Whether only the number of matches is asked for."""
        return self.summary == "count"

    def render(self, resource_type: str, body: bytes) -> bytes:
        """Return the JSON text of what is asked for of a resource, which is ``body``."""
        view = self.of(resource_type)
        return view.render(body) if view else body

    def of(self, resource_type: str) -> View | None:
        """Return the view of one type, None for whole resources."""
        if resource_type not in self._views:
            self._views[resource_type] = self._view(resource_type)
        return self._views[resource_type]

    def _view(self, resource_type: str) -> View | None:
        if self._elements is not None:
            names = self._elements.get(resource_type)
            return None if names is None else View(_elements_part(names, self._structure(resource_type)))
        if self.summary in (None, "false", "count"):
            return None
        return View(_summary_part(str(self.summary), self._structure(resource_type)))

    def _named(self, text: str) -> dict[str, set[str]]:
        """Return by type the names of the elements in ``text``, some of them as ``Type.element``."""
        found: dict[str, set[str]] = {name: set() for name in self._asked}
        for item in dict.fromkeys(text.split(",")):
            owner, dot, element = item.strip().rpartition(".")
            types = [owner] if dot else [name for name in self._asked if element in self._structure(name).choices]
            if not types or (dot and element not in self._elements_of(owner)):
                known = [name for each in self._asked for name in self._structure(each).choices]
                sentence = f"_elements names elements of {owner or ' and '.join(self._asked)}, which has no"
                raise _unusable("_elements", f"{shown(sentence)} {element[:64]!a}{did_you_mean(element, known)}")
            for name in types:
                found.setdefault(name, set()).add(element)
        return found

    def _elements_of(self, resource_type: str) -> Collection[str]:
        served = resource_type in self._context.definitions.resource_capabilities
        return self._structure(resource_type).choices if served else ()

    def _structure(self, resource_type: str) -> Structure:
        structures = self._context.structures
        known = structures.holds(resource_type)
        return structures.of_type(resource_type) if known else model_structure(resource_type)


def read_view(resource_type: str, parameters: Parameters, context: Context) -> View | None:
    """Return the view that ``parameters`` ask for, None for whole resources; raises OutcomeError for any others."""
    views = Views(parameters, [resource_type], context)
    if views.others:
        names = [shown(name) for name, _ in views.others]
        sentence = "This interaction takes no parameter"
        raise OutcomeError(*(Issue("unknown-parameter", f"{sentence} {name}", f"http.{name}") for name in names))
    if views.counts_only:
        raise _unusable("_summary", "_summary=count is for searches")
    return views.of(resource_type)


def _unusable(name: str, sentence: str) -> OutcomeError:
    return OutcomeError(Issue("parameter-value", sentence, f"http.{name}"))


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


def _elements_part(names: set[str], structure: Structure) -> Part:
    kept = {element.key for name in (*names, *structure.mandatory) for element in structure.choices[name]}

    def part(resource: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in resource.items() if key in _ALWAYS or key.removeprefix("_") in kept}

    return part
