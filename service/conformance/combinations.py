"""Parameters that are often asked for together, as the CapabilityStatement lists them for a resource type.

http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination
"""

from service.conformance.definitions import Definition, Definitions

COMBINATION = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination"
_PARTS = ("required", "optional")

Combination = tuple[str, ...]
"""The codes of parameters, in the order in which they are listed."""


def combinations(definitions: Definitions, resource_type: str) -> list[Combination]:
    """Return the combinations that are listed for ``resource_type``.

    Raises LookupError where one has a parameter that is not served, has it twice, or has fewer than two.
    """
    capabilities = definitions.resource_capabilities[resource_type]
    served = {item["name"] for item in capabilities["searchParam"]}
    found = [_codes(item) for item in capabilities.get("extension", ()) if item["url"] == COMBINATION]
    for codes in found:
        if len(codes) < 2 or len(set(codes)) < len(codes) or not served.issuperset(codes):
            raise LookupError(f"{resource_type}?{'&'.join(codes)} is no combination of parameters that are served")
    return found


def _codes(extension: Definition) -> Combination:
    return tuple(part["valueString"] for part in extension["extension"] if part["url"] in _PARTS)
