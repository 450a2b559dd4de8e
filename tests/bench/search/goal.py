"""Goals of invented people."""

from collections.abc import Sequence

from tests.bench.search import codes
from tests.bench.search.codes import concept
from tests.bench.search.parts import DAY, PERSON, STAFF, Resource, front, legal_basis, note, strengths, subject
from tests.bench.search.stamp import TEXTS
from tests.bench.search.style import Style
from tests.bench.search.wording import Inventor


def goal(style: Style) -> Resource:
    """Return the goal of this style."""
    invent = style.inventor
    orientation = "clinical" if style.rare else invent.one_of(codes.ORIENTATIONS)
    orientation = "obligation" if style.is_obligation else orientation
    acceptance = {
        "url": "http://hl7.org/fhir/StructureDefinition/goal-acceptance",
        "extension": [
            {"url": "individual", "valueReference": {"reference": PERSON}},
            {"url": "status", "valueCode": invent.choice(("agree", "agree", "agree", "pending"))},
        ],
    }
    goal = {
        **front("Goal", "RecoveryGoal"),
        "extension": [acceptance, *strengths(invent)[:1], *_supporting(orientation)],
        "lifecycleStatus": style.status,
        "achievementStatus": concept(
            "http://terminology.hl7.org/CodeSystem/goal-achievement", invent.one_of(codes.ACHIEVEMENTS)
        ),
        "category": [concept("goal-orientation", orientation), *_themes(orientation, style.rare, invent)],
        "description": {"text": invent.sentences(1)},
        "subject": subject(),
        "startDate": DAY["day"],
        "target": [{"dueDate": DAY["review"]}] if invent.random() < 0.6 else None,
        "expressedBy": {"reference": PERSON if orientation == "personal" else STAFF[0]},
        "statusReason": invent.sentences(1) if style.status == "cancelled" else None,
        "note": [note(invent)],
    }
    return {name: value for name, value in goal.items() if value is not None}


def _supporting(orientation: str) -> Sequence[Resource]:
    """Return what an obligation says: the goal that it supports, and its legal basis."""
    if orientation != "obligation":
        return []
    supports = {
        "url": "http://hl7.org/fhir/StructureDefinition/goal-relationship",
        "extension": [
            {"url": "type", "valueCodeableConcept": concept("goal-link", "supports")},
            {"url": "target", "valueReference": {"reference": f"Goal/{TEXTS['goal-1']}"}},
        ],
    }
    return [supports, *legal_basis(needed=True)]


def _themes(orientation: str, rare: bool, invent: Inventor) -> Sequence[Resource]:
    if orientation == "clinical":
        return [concept("clinical-focus", codes.RARE_FOCUS if rare else invent.one_of(codes.FOCUSES))]
    if orientation == "obligation":
        return []
    themes = dict.fromkeys(invent.one_of(codes.CHIME) for _ in range(invent.choice((1, 1, 2))))
    return [concept("chime", theme) for theme in themes]
