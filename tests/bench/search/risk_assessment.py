"""Positive risk assessments of invented people."""

from tests.bench.search import codes
from tests.bench.search.codes import concept, extension
from tests.bench.search.parts import (
    DAY,
    STAFF,
    Resource,
    agreements,
    front,
    legal_basis,
    next_review,
    rest_on_law,
    stipulations_of,
    strengths,
    subject,
)
from tests.bench.search.stamp import TEXTS
from tests.bench.search.style import Style
from tests.bench.search.wording import Inventor


def risk_assessment(style: Style) -> Resource:
    """Return the assessment of this style."""
    invent = style.inventor
    decision = codes.RARE_DECISION if style.rare else invent.one_of(codes.DECISIONS)
    stipulations = stipulations_of(invent, needed=decision == "go-ahead-with-stipulations")
    return {
        **front("RiskAssessment", "PositiveRiskAssessment"),
        "extension": [
            *strengths(invent),
            _decision(decision, invent),
            *stipulations,
            *legal_basis(needed=decision == codes.RARE_DECISION or rest_on_law(stipulations)),
            *agreements(invent),
            *next_review(invent, "active"),
            {
                "url": "http://hl7.org/fhir/StructureDefinition/resource-pertainsToGoal",
                "valueReference": {"reference": f"Goal/{TEXTS['goal-1']}"},
            },
        ],
        "status": style.status,
        "method": concept("risk-method", "positive-risk-taking"),
        "code": {"text": invent.title()},
        "subject": subject(),
        "occurrenceDateTime": f"{DAY['day']}T14:30:00+00:00",
        "performer": {"reference": STAFF[0]},
        "prediction": [
            _prediction("benefit", "person", invent),
            _prediction("harm", "staff", invent),
            _prediction("cost-of-avoiding", "shared", invent),
        ],
        "mitigation": invent.sentences(1),
    }


def _decision(outcome: str, invent: Inventor) -> Resource:
    return extension(
        "decision",
        outcome_valueCode=outcome,
        decided_by_valueCode=invent.one_of(codes.DECIDED_BY),
        informed_valueBoolean=True,
        capacity_valueCode="presumed",
        rationale_valueString=invent.sentences(1),
        date_valueDate=DAY["day"],
    )


def _prediction(kind: str, viewpoint: str, invent: Inventor) -> Resource:
    likelihood = invent.one_of(codes.LIKELIHOODS)
    words = f"{likelihood.capitalize()} likelihood"
    return {
        "extension": [extension("prediction-kind", valueCode=kind), extension("viewpoint", valueCode=viewpoint)],
        "outcome": {"text": invent.sentences(1)},
        **_probability(invent),
        "qualitativeRisk": concept("http://terminology.hl7.org/CodeSystem/risk-probability", likelihood, words),
        "rationale": invent.sentences(1),
    }


def _probability(invent: Inventor) -> Resource:
    """Return a percentage as a decimal in a third of all cases, as a Range in a sixth, and else nothing."""
    tenths = invent.randrange(5, 900)
    drawn = invent.random()
    if drawn < 1 / 3:
        return {"probabilityDecimal": tenths / 10}
    if drawn < 1 / 2:
        unit = {"unit": "%", "system": "http://unitsofmeasure.org", "code": "%"}
        low, high = ({"value": value, **unit} for value in (tenths // 10, tenths // 10 + 10))
        return {"probabilityRange": {"low": low, "high": high}}
    return {}
