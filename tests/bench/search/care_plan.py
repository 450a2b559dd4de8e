"""Recovery plans of invented people."""

from collections.abc import Sequence

from tests.bench.search import codes
from tests.bench.search.codes import concept, extension
from tests.bench.search.parts import (
    DAY,
    ENDED,
    PERSON,
    STAFF,
    SUPPORTER,
    Resource,
    agreements,
    front,
    legal_basis,
    next_review,
    note,
    rest_on_law,
    stipulations_of,
    strengths,
    subject,
)
from tests.bench.search.stamp import TEXTS
from tests.bench.search.style import Style
from tests.bench.search.wording import SEARCHED, Inventor

_KINDS_WITH_STEPS = ("personal-safety-plan", codes.RARE_KIND)


def care_plan(style: Style) -> Resource:
    """Return the plan of this style."""
    invent = style.inventor
    kind = codes.RARE_KIND if style.rare else invent.one_of(codes.KINDS)
    stipulations = stipulations_of(invent)
    steps = invent.choice((0, 1, 1, 2)) or int(kind in _KINDS_WITH_STEPS)
    text = invent.sentences(3) + (f" A {SEARCHED}, I think." if style.number == 7 else "")
    period = {"start": DAY["day"]} | ({"end": DAY["end"]} if style.status in ENDED else {})
    plan = {
        **front("CarePlan", "RecoveryCarePlan"),
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{text}</p></div>'},
        "extension": [
            *agreements(invent),
            *strengths(invent),
            *(_safety_step(invent) for _ in range(steps)),
            *next_review(invent, style.status),
            *stipulations,
            *legal_basis(needed=rest_on_law(stipulations)),
            *_learning(invent),
        ],
        "identifier": [{"system": codes.NUMBERS, "value": TEXTS["number"]}],
        "status": style.status,
        "intent": "plan",
        "category": [concept("plan-kind", kind), concept("care-setting", invent.one_of(codes.SETTINGS))],
        "title": invent.title(),
        "subject": subject(),
        "period": period,
        "created": f"{DAY['day']}T10:05:09+00:00",
        "author": {"reference": f"Organization/{TEXTS['service']}"},
        "contributor": _contributors(invent),
        "supportingInfo": [{"reference": f"RiskAssessment/{TEXTS['assessment']}"}] if style.has_assessment else None,
        "goal": [{"reference": f"Goal/{TEXTS[f'goal-{number}']}"} for number in range(1, style.goals + 1)],
        "activity": [_activity(invent) for _ in range(invent.choice((1, 1, 2, 2)))],
        "note": [note(invent)],
    }
    return {name: value for name, value in plan.items() if value is not None}


def _safety_step(invent: Inventor) -> Resource:
    part = concept("safety-part", invent.one_of(codes.SAFETY_PARTS))
    return extension("safety-step", part_valueCodeableConcept=part, text_valueString=invent.sentences(1))


def _learning(invent: Inventor) -> Sequence[Resource]:
    if invent.random() > 0.15:
        return []
    kind = invent.choice(("setback", "went-well"))
    happened, learned = invent.sentences(1), invent.sentences(1)
    return [extension("learning", kind_valueCode=kind, happened_valueString=happened, learned_valueString=learned)]


def _contributors(invent: Inventor) -> Sequence[Resource]:
    who = [(PERSON, "person"), (STAFF[0], "clinician"), (STAFF[1], "peer-support-worker")]
    if invent.random() < 0.4:
        who.append((SUPPORTER, "family-or-friend"))
    return [
        {
            "extension": [extension("contributor-role", valueCodeableConcept=concept("contributor-role", role))],
            "reference": reference,
        }
        for reference, role in who
    ]


def _activity(invent: Inventor) -> Resource:
    detail = {
        "code": concept("recovery-support", invent.one_of(codes.SUPPORTS)),
        "status": invent.choice(("scheduled", "in-progress", "completed")),
        "scheduledString": "Every other week",
        "performer": [{"reference": STAFF[1]}],
        "description": invent.sentences(1),
    }
    return {"detail": detail}
