"""Where in a resource something is, as a FHIRPath expression (https://hl7.org/fhir/R4/operationoutcome.html#path)."""

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Place:
    """A step on the way from the root; made by the hundred for each resource and spelt out only in an Issue."""

    parent: "Place | None"
    name: str
    number: int | None = None
    """Which member of a list it is, from 0."""
    depth: int = 0

    def __str__(self) -> str:
        steps: list[str] = []
        place = self
        while True:
            steps.append(place.name if place.number is None else f"{place.name}[{place.number}]")
            if place.parent is None:
                return ".".join(reversed(steps))
            place = place.parent


def path_name(key: str, choice: str, of_type: str) -> str:
    """Return what FHIRPath calls the JSON key of an element: ``valueCode`` is ``value.ofType(code)``."""
    return key if key == choice else f"{choice}.ofType({of_type})"
