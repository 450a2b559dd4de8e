"""Compartments: what belongs to a person, or to a practitioner (https://hl7.org/fhir/R4/compartmentdefinition.html)."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.conformance.definitions import Definitions


@dataclass(frozen=True, slots=True)
class Compartment:
    """The resources that refer to one of ``type``."""

    type: str
    parameters: Mapping[str, tuple[str, ...]]
    """By resource type the search parameters of which one has to lead to the compartment's own resource."""


def compartments(definitions: Definitions) -> dict[str, Compartment]:
    """Return the compartments that the CapabilityStatement lists, by the type that each is of.

    Each has those of the types that clients write which can belong to it. Raises LookupError where a parameter that
    says so is not served.
    """
    listed = definitions.capability["rest"][0].get("compartment", ())
    found = [_compartment(definitions, canonical) for canonical in listed]
    return {compartment.type: compartment for compartment in found}


def _compartment(definitions: Definitions, canonical: str) -> Compartment:
    definition = definitions.get(canonical)
    defined = {item["code"]: tuple(item.get("param", ())) for item in definition["resource"]}
    parameters = {name: defined.get(name, ()) for name in definitions.stored_types}
    for name, codes in parameters.items():
        served = {item["name"] for item in definitions.resource_capabilities[name]["searchParam"]}
        if not served.issuperset(codes):
            raise LookupError(f"{canonical} needs {name}?{', '.join(sorted({*codes} - served))}, which is not served")
    return Compartment(definition["code"], {name: codes for name, codes in parameters.items() if codes})
