"""Small resources that fulfil the recovery profiles, to be broken one rule at a time."""

import copy
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]

CANONICAL = "https://w3id.org/recovery-plan"
PERSON = {"reference": "Patient/example-robin"}
WORKER = {"reference": "Practitioner/example-ade"}


def own(name: str) -> str:
    """Return the url of our StructureDefinition ``name``."""
    return f"{CANONICAL}/StructureDefinition/{name}"


def hl7(name: str) -> str:
    """Return the url of HL7's StructureDefinition ``name``."""
    return f"http://hl7.org/fhir/StructureDefinition/{name}"


def extension(url: str, **parts: Any) -> Json:
    """Return a complex extension; the JSON key of a part's value goes before its name: ``valueCode_status="agree"``."""
    made = []
    for name, value in parts.items():
        key, _, part = name.partition("_")
        made.append({"url": part.replace("_", "-"), key: value})
    return {"url": url, "extension": made}


def coded(system: str, code: str) -> Json:
    """Return a CodeableConcept with a code of our CodeSystem ``system``."""
    return {"coding": [{"system": f"{CANONICAL}/CodeSystem/{system}", "code": code}]}


def plan(**members: Any) -> Json:
    """Return a RecoveryCarePlan that raises no issue at all, with ``members`` added or replaced; None takes one out."""
    made = {
        "resourceType": "CarePlan",
        "meta": {"profile": [own("RecoveryCarePlan")]},
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">My plan</div>'},
        "extension": [
            extension(own("agreement"), valueReference_party=PERSON, valueCode_status="agree"),
            {"url": own("next-review"), "valueDate": "2027-02-01"},
        ],
        "status": "active",
        "intent": "plan",
        "category": [coded("plan-kind", "recovery-plan")],
        "subject": PERSON,
        "period": {"start": "2026-11-01"},
        "contributor": [PERSON, WORKER],
        "goal": [{"reference": "Goal/example"}],
        "note": [{"authorReference": PERSON, "text": "I want my mornings back."}],
    }
    return _changed(made, members)


def goal(**members: Any) -> Json:
    """Return a RecoveryGoal, personal, that raises no issue at all, with ``members`` added or replaced."""
    made = {
        "resourceType": "Goal",
        "meta": {"profile": [own("RecoveryGoal")]},
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">My goal</div>'},
        "lifecycleStatus": "active",
        "category": [coded("goal-orientation", "personal"), coded("chime", "hope")],
        "description": {"text": "Swim in the sea again"},
        "subject": PERSON,
        "expressedBy": PERSON,
    }
    return _changed(made, members)


def assessment(**members: Any) -> Json:
    """Return a PositiveRiskAssessment that raises no issue at all, with ``members`` added or replaced."""
    made = {
        "resourceType": "RiskAssessment",
        "meta": {"profile": [own("PositiveRiskAssessment")]},
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">My choice</div>'},
        "extension": [
            {"url": own("strength"), "valueCodeableConcept": {"text": "Swims well"}},
            extension(
                own("decision"), valueCode_outcome="go-ahead", valueCode_decided_by="person", valueBoolean_informed=True
            ),
            extension(own("support"), valueString_what="Ade comes along the first time"),
            {"url": hl7("resource-pertainsToGoal"), "valueReference": {"reference": "Goal/example"}},
        ],
        "status": "final",
        "code": {"text": "Swim in the sea"},
        "subject": PERSON,
        "occurrenceDateTime": "2026-11-01",
        "prediction": [
            predicted("benefit", "Feels well for days"),
            predicted("harm", "Cramp"),
            predicted("cost-of-avoiding", "Loses heart"),
        ],
    }
    return _changed(made, members)


def predicted(kind: str, outcome: str, viewpoint: str = "person") -> Json:
    """Return a prediction."""
    marks = [{"url": own("prediction-kind"), "valueCode": kind}, {"url": own("viewpoint"), "valueCode": viewpoint}]
    return {"extension": marks, "outcome": {"text": outcome}}


def with_extension(resource: Json, *extensions: Json) -> Json:
    """Return ``resource`` with more extensions."""
    return {**resource, "extension": [*resource.get("extension", []), *extensions]}


def without_extension(resource: Json, name: str) -> Json:
    """Return ``resource`` without the extensions whose url ends in ``name``."""
    left = [item for item in resource.get("extension", []) if not item["url"].endswith(f"/{name}")]
    return _changed(resource, {"extension": left or None})


def changed_inside(resource: Json, change: Callable[[Json], None]) -> Json:
    """Return a copy of ``resource`` that ``change`` has worked on."""
    made = copy.deepcopy(resource)
    change(made)
    return made


def _changed(made: Json, members: Json) -> Json:
    return {key: value for key, value in {**made, **members}.items() if value is not None}
