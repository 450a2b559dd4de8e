"""SearchParameters of the definitions that are published (https://hl7.org/fhir/R4/searchparameter.html).

Each reads one element of plain type, so that it takes no StructureDefinition of the type to compile it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from service.conformance.definitions import Definitions
from service.conformance.fhirpath.kinds import Kind
from service.conformance.fhirpath.paths import Branch, Values
from service.conformance.search_parameters import SearchParameter
from service.conformance.structures import ANY

LONGEST_TEXT = 255
"""Of what can be searched by what it contains: names and titles, not descriptions."""


def _ends(text: str) -> Values:
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"A text of {len(text)} characters is too long to be searched by what it contains")
    return [text[start:] for start in range(len(text))]


class _Way(NamedTuple):
    """One way to search by a parameter: its modifier, the type of search, and that of the values that are compared."""

    modifier: str
    search_type: str
    of_type: str
    values: Callable[[str], Values] = lambda text: [text]


_WAYS = {
    "date": [_Way("", "date", "dateTime")],
    "token": [_Way("", "token", "code")],
    "uri": [_Way("", "uri", "uri")],
    "string": [
        _Way("", "string", "string"),
        _Way(":exact", "uri", "uri"),
        _Way(":contains", "string", "string", _ends),
    ],
}
"""By the type of the parameter. What a text contains is found as the start of one of its ends."""
_SYSTEMS = {"status": frozenset({"http://hl7.org/fhir/publication-status"})}
"""The code systems that required bindings of definitions imply."""


def published_parameters(definitions: Definitions, resource_type: str) -> dict[str, SearchParameter]:
    """Return the parameters that the CapabilityStatement lists for a type of definitions, by name and modifier.

    Raises LookupError where one of them cannot be served: nothing is listed that does not work.
    """
    found = {}
    for item in definitions.resource_capabilities[resource_type]["searchParam"]:
        definition = definitions.get(item["definition"])
        element = _element(definition["expression"], resource_type)
        if element is None or definition["type"] not in _WAYS:
            raise LookupError(f"{resource_type}?{item['name']} is listed but cannot be searched")
        for way in _WAYS[definition["type"]]:
            code = item["name"] + way.modifier
            branch = Branch(Kind(way.of_type), steps=(partial(_values_of, element, way.values),))
            systems = _SYSTEMS.get(element, frozenset())
            found[code] = SearchParameter(
                code, way.search_type, item["documentation"], definition["expression"], (), (branch,), systems
            )
    return found


def _element(expression: str, resource_type: str) -> str | None:
    """Return the element of ``resource_type`` that an expression names plainly, or None."""
    for path in expression.split("|"):
        owner, _, element = path.strip().partition(".")
        if owner in (resource_type, ANY) and element.isalpha():
            return element
    return None


def _values_of(element: str, values: Callable[[str], Values], resources: Values, _: Any) -> Values:
    return [value for resource in resources if element in resource for value in values(resource[element])]
