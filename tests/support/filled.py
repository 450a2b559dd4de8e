"""Resources with every element that their definition has, each leaf with a value of its own that can be looked for."""

from collections.abc import Iterator
from typing import Any

from service.conformance.structures import Element, Structure, Structures
from service.fhir.json import Number

SKIPPED = {"id", "meta", "implicitRules", "language", "text", "contained", "extension", "modifierExtension"}
_SAID_BY = {
    "Coding": {"display"},
    "Identifier": {"value"},
    "Reference": {"display"},
    **{name: {"value", "unit"} for name in ("Quantity", "SimpleQuantity", "Duration", "Age")},
}
"""Of the types whose other elements only matter where these are missing: the ones that say all."""
_TEXTS = {"string", "markdown", "code", "id", "uri", "url", "canonical", "oid", "uuid", "base64Binary"}
_CODES = {
    "CarePlan.status": ("active", "Active, in use now"),
    "CarePlan.intent": ("order", "Order"),
    "CarePlan.activity.detail.status": ("on-hold", "On hold"),
    "CarePlan.activity.detail.kind": ("Appointment", "Appointment"),
    "Goal.lifecycleStatus": ("planned", "Planned"),
    "RiskAssessment.status": ("corrected", "Corrected after it was final"),
    "Timing.repeat.periodUnit": ("wk", "weeks"),
    "Timing.repeat.durationUnit": ("h", "hours"),
    "Timing.repeat.dayOfWeek": ("tue", "Tuesday"),
    "Timing.repeat.when": ("ACM", "before breakfast"),
}
"""By the path of an element: a code that it may have, and how it reads."""


class Filler:
    """Makes one resource; of each choice of types the one with the number ``form``."""

    def __init__(self, structures: Structures, form: int = 0) -> None:
        self._structures = structures
        self._form = form
        self._next = 0
        self.leaves: list[tuple[str, str, Any]] = []
        """Path, type and value of every leaf; of a code what it reads like."""

    def resource(self, resource_type: str) -> dict[str, Any]:
        """Return a resource of ``resource_type``."""
        return {"resourceType": resource_type, **self._filled(self._structures.of_type(resource_type), resource_type)}

    def _filled(self, structure: Structure, path: str) -> dict[str, Any]:
        values = {
            element.key: (element, self._value(element, f"{path}.{element.key}"))
            for element in _of(structure, self._form)
        }
        return {key: [value] if element.many else value for key, (element, value) in values.items()}

    def _value(self, element: Element, path: str) -> Any:
        if not self._structures.is_primitive(element.type):
            return self._filled(self._structures.below(element), path)
        value, reads = _CODES.get(element.path) or [self._leaf(element.type)] * 2
        self.leaves.append((path, element.type, reads))
        return value

    def _leaf(self, type_name: str) -> Any:
        self._next += 1
        number = self._next
        if type_name in _TEXTS:
            return f"word{number}word"
        if type_name == "boolean":
            return True
        if type_name in ("integer", "positiveInt", "unsignedInt"):
            return 7000 + number
        if type_name == "decimal":
            return Number(f"{7000 + number}.50")
        if type_name == "time":
            return f"{number % 24:02}:{number % 60:02}:00"
        day = f"{1900 + number}-03-0{number % 9 + 1}"
        return day if type_name == "date" else f"{day}T10:30:00+01:00"


def _of(structure: Structure, form: int) -> Iterator[Element]:
    for name, forms in structure.choices.items():
        if name not in SKIPPED and name in _SAID_BY.get(structure.path, {name}):
            yield forms[form % len(forms)]
