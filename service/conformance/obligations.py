"""Goals that are obligations, and the goals they support.

https://hl7.org/fhir/extensions/StructureDefinition-goal-relationship.html
"""

from collections.abc import Iterator
from typing import Any

from service.conformance.definitions import CANONICAL

RELATIONSHIP = "http://hl7.org/fhir/StructureDefinition/goal-relationship"
ORIENTATION = f"{CANONICAL}/CodeSystem/goal-orientation"
SUPPORTS = "supports"
IN_FORCE = ("accepted", "active", "on-hold")

Json = dict[str, Any]


def is_obligation_in_force(resource: Json) -> bool:
    """Return whether ``resource`` is a goal that a court, a board or the law demands, and that is being worked on."""
    return resource.get("lifecycleStatus") in IN_FORCE and has_orientation(resource, "obligation")


def has_orientation(goal: Json | None, code: str) -> bool:
    """Return whether ``goal`` is personal, clinical or an obligation, as ``code`` says."""
    return any(says_orientation(category, code) for category in _objects(goal, "category"))


def says_orientation(category: Json, code: str) -> bool:
    """Return whether one category of a goal says so."""
    codings = _objects(category, "coding")
    return any((coding.get("system"), coding.get("code")) == (ORIENTATION, code) for coding in codings)


def supported_goals(goal: Json) -> Iterator[Json]:
    """Yield the References to the goals that ``goal`` is meant to bring closer."""
    for relationship in _objects(goal, "extension"):
        parts = _objects(relationship, "extension")
        if relationship.get("url") == RELATIONSHIP and any(map(_says_supports, parts)):
            targets = (part.get("valueReference") for part in parts if part.get("url") == "target")
            yield from (target for target in targets if isinstance(target, dict))


def _says_supports(part: Json) -> bool:
    codings = _objects(part.get("valueCodeableConcept"), "coding")
    return part.get("url") == "type" and any(coding.get("code") == SUPPORTS for coding in codings)


def _objects(holder: Any, key: str) -> list[Json]:
    """Return the list of objects that ``holder`` has under ``key``; where one is none, an empty one in its place."""
    members = holder.get(key) if isinstance(holder, dict) else None
    return [item if isinstance(item, dict) else {} for item in members] if isinstance(members, list) else []
