"""What the store holds when somebody tries to see or change what is not theirs.

Ann and Ben are plainly invented. Every word that only Ben's record holds has ``BEN`` in it, his ids among them, and
every word of Ann's has ``ANN``: what leaks is found by looking for that. ``NOBODY`` is in no record at all.
"""

from typing import Any

Json = dict[str, Any]

ANN, BEN, NOBODY = "ann77", "ben77", "non77"
PEOPLE = (ANN, BEN)
OWN_BASE = "http://testserver/fhir/R4"
LISTED_BASE = "https://records.example.org/fhir"
OTHER_BASE = "https://other.example.net/fhir"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
LABELS = {
    "R": (CONFIDENTIALITY, "R"),
    "V": (CONFIDENTIALITY, "V"),
    "N": (CONFIDENTIALITY, "N"),
    "PSY": (ACT_CODE, "PSY"),
    "SUD": (ACT_CODE, "SUD"),
    "ETH": (ACT_CODE, "ETH"),
    "own": ("https://labels.example.org/own", "family-secret"),
    "own-N": ("https://labels.example.org/own", "N"),
    "no-system": (None, "R"),
    "no-code": (CONFIDENTIALITY, None),
}
WORKER = {"reference": "Practitioner/worker"}
DELETED: Json = {}
"""Stands for a deletion in a list of versions."""
LOWERED: Json = {"without": "labels"}
"""Stands for the same resource with its labels taken away."""


def label(name: str) -> Json:
    """Return the Coding of a security label."""
    told = dict(zip(("system", "code"), LABELS[name], strict=True))
    return {"display": "a label"} | {key: value for key, value in told.items() if value is not None}


def with_labels(resource: Json, *names: str) -> Json:
    """Return ``resource`` with these labels and no others."""
    return {**resource, "meta": {**resource.get("meta", {}), "security": [label(name) for name in names]}}


def text(marker: str) -> Json:
    """Return a narrative that says ``marker``."""
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{marker}</p></div>'}


def plan(name: str, who: str, **members: Any) -> Json:
    """Return a plan of ``who`` with a marker in every place by which it could be found or sorted."""
    made = {
        "resourceType": "CarePlan",
        "id": name,
        "meta": {"tag": [{"system": "urn:tags", "code": f"{who}tag"}], "source": f"urn:source:{who}"},
        "text": text(f"{who}text swims"),
        "identifier": [{"system": "urn:plans", "value": f"{name}-number"}],
        "status": "active",
        "intent": "plan",
        "title": f"{who}title",
        "description": f"{who}words about the sea",
        "subject": {"reference": f"Patient/{who}", "display": f"{who}name"},
        "period": {"start": "2026-02-01" if who == ANN else "2026-01-01"},
        "contributor": [WORKER],
        "note": [{"text": f"{who}note"}],
    }
    return made | members


def goal(name: str, who: str, **members: Any) -> Json:
    """Return a goal of ``who``."""
    made = {
        "resourceType": "Goal",
        "id": name,
        "text": text(f"{who}goaltext"),
        "identifier": [{"system": "urn:goals", "value": f"{name}-number"}],
        "lifecycleStatus": "active",
        "description": {"coding": [{"system": "urn:aims", "code": f"{who}aim"}], "text": f"{who}goal"},
        "subject": {"reference": f"Patient/{who}"},
        "startDate": "2026-03-01" if who == ANN else "2026-01-15",
        "expressedBy": {"reference": f"Patient/{who}"},
    }
    return made | members


def risk(name: str, who: str, **members: Any) -> Json:
    """Return a risk assessment of ``who``."""
    made = {
        "resourceType": "RiskAssessment",
        "id": name,
        "status": "final",
        "subject": {"reference": f"Patient/{who}"},
        "code": {"text": f"{who}risk"},
        "performer": WORKER,
        "occurrenceDateTime": "2026-02-02" if who == ANN else "2026-01-02",
        "prediction": [{"outcome": {"text": f"{who}outcome"}, "probabilityDecimal": 0.3 if who == ANN else 0.7}],
        "note": [{"text": f"{who}risknote"}],
    }
    return made | members


def provenance(name: str, *targets: str, **members: Any) -> Json:
    """Return the Provenance of ``targets``."""
    made = {
        "resourceType": "Provenance",
        "id": name,
        "target": [{"reference": target} for target in targets],
        "recorded": "2026-02-03T10:00:00Z",
        "agent": [{"who": WORKER}],
    }
    return made | members


def to(*names: str) -> list[Json]:
    """Return references."""
    return [{"reference": name} for name in names]


def record_of(who: str) -> list[list[Json]]:
    """Return the versions of each resource of one person; what Ann has Ben has too."""
    team = {"resourceType": "CareTeam", "id": "team", "name": f"{who}team"}
    step = {
        "resourceType": "Goal",
        "id": "step",
        "lifecycleStatus": "active",
        "subject": {"reference": f"Patient/{who}"},
    }
    step |= {"description": {"coding": [{"system": "urn:aims", "code": f"{who}inner"}], "text": f"{who}inner goal"}}
    main = plan(
        f"{who}-plan",
        who,
        contained=[team, step],
        careTeam=to("#team"),
        goal=to(f"Goal/{who}-goal", "#step"),
        supportingInfo=to(f"RiskAssessment/{who}-risk"),
        category=[{"coding": [{"system": "urn:kinds", "code": f"{who}kind"}], "text": f"{who}kind"}],
        encounter={"reference": "Encounter/visit"},
    )
    plain = plan(f"{who}-turned", who)
    return [
        [plan(f"{who}-plan", who, title=f"{who}draft", status="draft"), main],
        [plan(f"{who}-part", who, partOf=to(f"CarePlan/{who}-plan"), status="draft")],
        [goal(f"{who}-goal", who, addresses=to(f"RiskAssessment/{who}-risk"))],
        [risk(f"{who}-risk", who)],
        [provenance(f"{who}-provenance", f"CarePlan/{who}-plan/_history/2", f"Goal/{who}-goal")],
        *([with_labels(plan(f"{who}-plan-{name}", who, partOf=to(f"CarePlan/{who}-plan")), name)] for name in LABELS),
        [with_labels(goal(f"{who}-goal-PSY", who), "PSY", "N")],
        [with_labels(risk(f"{who}-risk-SUD", who), "SUD")],
        [provenance(f"{who}-provenance-SUD", f"RiskAssessment/{who}-risk-SUD")],
        [with_labels(provenance(f"{who}-provenance-R", f"CarePlan/{who}-plan"), "R")],
        [plan(f"{who}-gone", who), DELETED],
        [with_labels(plan(f"{who}-gone-V", who), "V"), DELETED],
        [plan(f"{who}-back", who), DELETED, plan(f"{who}-back", who, title=f"{who}again")],
        [plain, with_labels(plain, "ETH")],
        [with_labels(plan(f"{who}-lowered", who), "PSY"), LOWERED],
        [plan(f"{who}-absolute", who, subject={"reference": f"{OWN_BASE}/Patient/{who}"})],
        [plan(f"{who}-listed", who, subject={"reference": f"{LISTED_BASE}/Patient/{who}"})],
    ]


def between_them() -> list[list[Json]]:
    """Return the versions of what has to do with both, or with neither."""
    about_ann = {"reference": f"Patient/{ANN}"}
    return [
        # Ben's, though Ann has a part in them
        [
            plan(
                "shared-1", BEN, contributor=[about_ann], partOf=to(f"CarePlan/{ANN}-plan"), goal=to(f"Goal/{ANN}-goal")
            )
        ],
        [goal("shared-2", BEN, expressedBy=about_ann, addresses=to(f"RiskAssessment/{ANN}-risk"))],
        [risk("shared-3", BEN, basis=[about_ann])],
        # Ann's, though they lead to Ben's
        [plan("shared-4", ANN, goal=to("Goal/shared-2"), partOf=to("CarePlan/shared-1"))],
        [goal("shared-5", ANN, addresses=to("RiskAssessment/shared-3"))],
        [provenance("shared-6", f"CarePlan/{ANN}-plan", "CarePlan/shared-1")],
        [provenance("shared-7", f"Goal/{ANN}-goal", "CarePlan/never-was")],
        [provenance("shared-8", "CarePlan/never-was")],
        # first one person's, then the other's: put right after a mistake
        [plan("moved-1", BEN), plan("moved-1", ANN)],
        [plan("moved-2", ANN), plan("moved-2", BEN)],
        # nobody's here
        [plan("elsewhere-1", BEN, subject={"reference": f"{OTHER_BASE}/Patient/{ANN}", "display": f"{BEN}name"})],
        [plan("elsewhere-2", BEN, subject={"identifier": {"system": "urn:people", "value": f"{BEN}x"}})],
        [goal("elsewhere-3", BEN, subject={"reference": "Group/club"})],
        [plan("elsewhere-4", BEN, subject={"reference": "Patient/ann77x"})],
        [plan("elsewhere-5", BEN, subject={"reference": "Patient/ann7"})],
    ]


def everything() -> list[list[Json]]:
    """Return the versions of each resource, in the order in which they are to be written."""
    return [*record_of(ANN), *record_of(BEN), *between_them()]
