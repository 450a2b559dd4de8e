"""What a CapabilityStatement says is offered (https://hl7.org/fhir/R4/capabilitystatement.html)."""

from service.conformance.definitions import Definition

_NOT_OFFERED = (None, False, "not-supported")
CONDITIONAL = {
    "conditional-update": ("update", "conditionalUpdate"),
    "conditional-patch": ("patch", "conditionalUpdate"),  # R4 has no element for it
    "conditional-delete": ("delete", "conditionalDelete"),
}
"""By our code for a conditional interaction the interaction itself, and the element that says so."""


def offers(capability: Definition, code: str) -> bool:
    """Return whether ``rest`` or ``rest.resource`` of a CapabilityStatement lists ``code``.

    It is an interaction, an operation such as ``$validate``, or a conditional interaction such as
    ``conditional-update``.
    """
    if code.startswith("$"):
        return any(f"${item['name']}" == code for item in capability.get("operation", ()))
    if code in CONDITIONAL:
        interaction, element = CONDITIONAL[code]
        return offers(capability, interaction) and capability.get(element) not in _NOT_OFFERED
    return any(item["code"] == code for item in capability.get("interaction", ()))
