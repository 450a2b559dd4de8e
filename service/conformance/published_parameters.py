"""SearchParameters of the definitions that are published (https://hl7.org/fhir/R4/searchparameter.html).

Each reads one element of plain type, so that it takes no StructureDefinition of the type to compile it.
"""

from functools import partial
from typing import Any

from service.conformance.definitions import Definitions
from service.conformance.fhirpath.kinds import Kind
from service.conformance.fhirpath.paths import Branch, Values
from service.conformance.search_parameters import SearchParameter
from service.conformance.structures import ANY

_OF_TYPE = {"date": "dateTime", "token": "code", "uri": "uri", "string": "string"}
"""The types of parameters that are served, and that of the values which each reads here."""
_STATUS = "http://hl7.org/fhir/publication-status"
_CODINGS = {"status": frozenset((_STATUS, code) for code in ("draft", "active", "retired", "unknown"))}
"""What elements of definitions can be by their required bindings."""


def published_parameters(definitions: Definitions, resource_type: str) -> dict[str, SearchParameter]:
    """Return the parameters that the CapabilityStatement lists for a type of definitions, by code.

    Raises LookupError where one of them cannot be served: nothing is listed that does not work.
    """
    found = {}
    for item in definitions.resource_capabilities[resource_type]["searchParam"]:
        definition = definitions.get(item["definition"])
        code, expression = item["name"], definition["expression"]
        element, of_type = _element(expression, resource_type), _OF_TYPE.get(definition["type"])
        if element is None or of_type is None:
            raise LookupError(f"{resource_type}?{code} is listed but cannot be searched")
        is_url = element == "url"
        branch = Branch(Kind(of_type), steps=(_urls_of if is_url else partial(_values_of, element),))
        codings = _CODINGS.get(element, frozenset())
        found[code] = SearchParameter(
            code, definition["type"], item["documentation"], expression, (), (branch,), codings, single=not is_url
        )
    return found


def _element(expression: str, resource_type: str) -> str | None:
    """Return the element of ``resource_type`` that an expression names plainly, or None."""
    for path in expression.split("|"):
        owner, _, element = path.strip().partition(".")
        if owner in (resource_type, ANY) and element.isalpha():
            return element
    return None


def _values_of(element: str, resources: Values, _: Any) -> Values:
    return [resource[element] for resource in resources if element in resource]


def _urls_of(resources: Values, _: Any) -> Values:
    """Return the url with the version, as it is named by other resources."""
    return ["|".join(resource[key] for key in ("url", "version") if key in resource) for resource in resources]
