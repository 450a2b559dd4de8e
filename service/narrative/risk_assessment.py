"""A RiskAssessment to be read: strengths and gains before harms, and who decided (https://hl7.org/fhir/R4/riskassessment.html)."""

from collections.abc import Iterable

from service.narrative.document import OWN, Document, Fact, Section, Statement
from service.narrative.record import HL7, Extensions, Parts, Record
from service.narrative.recovery_fields import (
    agreement,
    contributors,
    document,
    learning,
    legal_basis,
    next_review,
    other_words,
    own_words,
    results,
    said_date,
    stipulations,
    strengths,
)
from service.narrative.values import Element

PERTAINS_TO_GOAL = f"{HL7}/resource-pertainsToGoal"
KINDS = ("benefit", "cost-of-avoiding", "harm")
"""The kinds of prediction, in the order in which they are read."""


def risk_assessment(record: Record) -> Document:
    """Return what there is to read of a RiskAssessment."""
    resource, say = record.resource, record.say
    code: Element = resource.get("code", {})
    status = resource.get("status", "")
    own, others = record.notes()
    found, basis = results(record, resource.get("basis", ()))
    mitigation = resource.get("mitigation")
    goals = [item["valueReference"] for item in record.extensions.all(PERTAINS_TO_GOAL) if "valueReference" in item]
    sections = [
        own_words(record, own),
        strengths(record),
        record.section("for-goals", [Statement(record.reference(item)) for item in goals]),
        *_predictions(record),
        record.section("support", [_support(record, Parts(item)) for item in record.extensions.own("support")]),
        record.section("mitigation", [Statement(mitigation)] if mitigation else []),
        record.section("decision", [_decision(record, Parts(item)) for item in record.extensions.own("decision")]),
        stipulations(record),
        legal_basis(record),
        agreement(record),
        learning(record),
        record.section("results", found),
        other_words(record, others),
        contributors(record, "contributors", [item["valueReference"] for item in record.extensions.own("contributor")]),
    ]
    lead = record.facts(("status", say.code("observation-status", status)), ("next-review", next_review(record)))
    sections.append(record.section("about", facts=_about(record, code, basis)))
    page = document(record, code.get("text") or say.names(code), status, sections)
    page.lead = lead
    return page


def _predictions(record: Record) -> list[Section]:
    """Return a section for each kind of prediction, and one for those that name no kind."""
    by_kind: dict[str, list[Statement]] = {}
    for prediction in record.resource.get("prediction", ()):
        extensions = Extensions(prediction)
        kinds = [record.say.plain(item.get("valueCode", "")) for item in extensions.own("prediction-kind")]
        by_kind.setdefault(kinds[0] if kinds else "", []).append(_prediction(record, prediction, extensions))
    sections = [record.section(kind, by_kind.pop(kind, ())) for kind in KINDS]
    return [*sections, record.section("prediction", [item for items in by_kind.values() for item in items])]


def _prediction(record: Record, prediction: Element, extensions: Extensions) -> Statement:
    say = record.say
    views = [item.get("valueCode", "") for item in extensions.own("viewpoint")]
    likelihood = prediction.get("qualitativeRisk")
    probability = prediction.get("probabilityDecimal")
    relative = prediction.get("relativeRisk")
    return Statement(
        say.concept(prediction["outcome"]) if "outcome" in prediction else "",
        tag="; ".join(say.code("viewpoint", view) for view in views),
        tone=OWN if views == ["person"] else "",
        facts=[
            *record.facts(
                ("likelihood", likelihood and say.concept(likelihood)),
                ("chance", None if probability is None else say.plain(probability)),
                ("chance", say.range(prediction["probabilityRange"]) if "probabilityRange" in prediction else None),
                ("relative-chance", None if relative is None else say.plain(relative)),
                ("when", say.value(prediction, "when")),
                ("rationale", prediction.get("rationale")),
            ),
            *record.unknown(extensions),
        ],
    )


def _support(record: Record, parts: Parts) -> Statement:
    who, role = parts.get("who"), parts.get("role")
    return Statement(
        parts.get("what") or "",
        label=record.reference(who) if who else "",
        facts=record.facts(("role", role and record.say.concept(role))),
    )


def _decision(record: Record, parts: Parts) -> Statement:
    say = record.say
    outcome, decider = parts.get("outcome") or "", parts.get("decided-by") or ""
    informed, capacity = parts.get("informed"), parts.get("capacity")
    return Statement(
        say.code("decision-outcome", outcome),
        tone="imposed" if outcome in ("not-supported", "prevented") else "",
        facts=record.facts(
            ("decided-by", say.code("decided-by", decider)),
            ("rationale", parts.get("rationale")),
            ("informed", None if informed is None else say.boolean(informed)),
            ("capacity", say.code("capacity", capacity) if capacity else None),
            ("date", said_date(record, parts.get("date"))),
        ),
    )


def _about(record: Record, code: Element, basis: Iterable[Element]) -> list[Fact]:
    resource, say = record.resource, record.say
    performer, encounter, condition = (resource.get(key) for key in ("performer", "encounter", "condition"))
    return [
        *record.facts(
            ("subject.RiskAssessment", record.person),
            ("name", say.names(code) if "text" in code else None),
            ("when", say.value(resource, "occurrence")),
            ("method", say.concept(resource["method"]) if "method" in resource else None),
            ("assessed-by", performer and record.reference(performer)),
            ("basis", record.references(basis)),
            ("reason", record.concepts(resource.get("reasonCode", ()))),
            ("reason", record.references(resource.get("reasonReference", ()))),
            ("condition", condition and record.reference(condition)),
            ("encounter", encounter and record.reference(encounter)),
            ("based-on", record.reference(resource["basedOn"]) if "basedOn" in resource else None),
            ("part-of", record.reference(resource["parent"]) if "parent" in resource else None),
            ("identifier", "; ".join(map(say.identifier, resource.get("identifier", ())))),
        ),
        *record.unknown(Extensions(code)),
        *record.unknown(record.extensions),
    ]
