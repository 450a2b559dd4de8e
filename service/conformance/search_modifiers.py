"""Modifiers: which of them a search parameter can have (https://hl7.org/fhir/R4/search.html#modifiers)."""

from service.conformance.search_parameters import SearchParameter

MISSING = "missing"

_CODED = frozenset({"code", "Coding", "CodeableConcept"})
_ANY = None
MODIFIERS: dict[str, dict[str, frozenset[str] | None]] = {
    "string": {"exact": _ANY, "contains": _ANY},
    "token": {
        "not": _ANY,
        "text": frozenset({"Coding", "CodeableConcept", "Identifier"}),
        "in": _CODED,
        "not-in": _CODED,
        "below": _CODED,
        "above": _CODED,
        "of-type": frozenset({"Identifier"}),
    },
    "reference": {"identifier": frozenset({"Reference"}), "below": frozenset({"canonical"})},
    "uri": {"below": _ANY, "above": _ANY},
}
"""By the type of the parameter the modifiers, and the FHIR types of which one must be among those of its values."""


def modifiers_of(parameter: SearchParameter) -> list[str]:
    """Return the names of the modifiers that ``parameter`` can have; those of types are the ones that it leads to."""
    listed = MODIFIERS.get(parameter.type, {}).items()
    named = [name for name, of in listed if of is None or not of.isdisjoint(parameter.value_types)]
    return [MISSING, *named, *(parameter.targets if parameter.type == "reference" else ())]
