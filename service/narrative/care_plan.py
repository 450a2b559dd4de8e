"""A CarePlan to be read: the person's words, strengths and goals before conditions (https://hl7.org/fhir/R4/careplan.html)."""

from collections.abc import Iterable, Sequence

from service.conformance.definitions import CANONICAL
from service.narrative.document import Document, Fact, Section, Statement, some
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

FIRST = ("own-words", "strengths", "goals", "activities", "other-words", "safety", "other-plans", "risk-decisions")
"""The sections of a plan that come first; the others follow in their own order."""
SAFETY_FIRST = (*FIRST[:2], "safety", *(key for key in FIRST[2:] if key != "safety"))
"""The same for a plan that is looked for when things are bad."""
SAFETY_PLANS = {"personal-safety-plan", "crisis-plan"}
PLAN_KIND = f"{CANONICAL}/CodeSystem/plan-kind"
ACTIVITY_TITLE = f"{HL7}/careplan-activity-title"
SAFETY_PART = f"{CANONICAL}/CodeSystem/safety-part"
SAFETY_PARTS = (
    "wellness-tool",
    "daily-routine",
    "trigger",
    "early-sign",
    "de-escalation",
    "in-crisis",
    "after-crisis",
    "contact",
)
"""The parts of a safety plan, in the order in which they are needed."""


def care_plan(record: Record) -> Document:
    """Return what there is to read of a CarePlan."""
    resource, say = record.resource, record.say
    status = resource.get("status", "")
    own, others = record.notes()
    found, supporting = results(record, resource.get("supportingInfo", ()))
    sections = [
        own_words(record, own),
        strengths(record),
        record.section("goals", _named(record, resource.get("goal", ()))),
        record.section("activities", [_activity(record, item) for item in resource.get("activity", ())]),
        other_words(record, others),
        _safety(record),
        record.section("risk-decisions", _named(record, filter(is_risk_assessment, supporting))),
        stipulations(record),
        legal_basis(record),
        agreement(record),
        contributors(record, "made-by", resource.get("contributor", ())),
        learning(record),
        record.section("results", found),
    ]
    review = next_review(record)
    rest = [item for item in supporting if not is_risk_assessment(item)]
    sections.append(record.section("about", facts=_about(record, rest)))
    kinds = record.concepts(resource.get("category", ()))
    page = document(record, resource.get("title") or kinds, status, in_order(resource, sections))
    page.lead = record.facts(
        ("subject.CarePlan", record.person),
        ("category", kinds),
        ("status", say.code("request-status", status)),
        ("period", say.period(resource["period"]) if "period" in resource else None),
        ("next-review", review),
    )
    page.opening = [Statement(resource["description"])] if resource.get("description") else []
    return page


def in_order(plan: Element, sections: Iterable[Section]) -> list[Section]:
    """Return the sections of ``plan`` in the order in which they are read."""
    codings = [coding for category in plan.get("category", ()) for coding in category.get("coding", ())]
    kinds = {coding.get("code") for coding in codings if coding.get("system") == PLAN_KIND}
    first = SAFETY_FIRST if kinds & SAFETY_PLANS else FIRST
    places = {key: place for place, key in enumerate(first)}
    return sorted(some(sections), key=lambda section: places.get(section.key, len(first)))


def is_risk_assessment(reference: Element) -> bool:
    """Return whether a reference is known to lead to a risk assessment."""
    return reference.get("type") == "RiskAssessment" or "RiskAssessment/" in reference.get("reference", "")


def _named(record: Record, references: Iterable[Element]) -> list[Statement]:
    return [Statement(record.reference(item)) for item in references]


def _safety(record: Record) -> Section:
    """Return the steps for staying well and safe, part by part."""
    section = record.section("safety")
    by_part: dict[str, tuple[int, list[Statement]]] = {}
    for parts in map(Parts, record.extensions.own("safety-step")):
        part = parts.get("part") or {}
        step = Statement(
            parts.get("text") or "",
            facts=record.facts(("helpers", record.references(parts.all("helper")))),
        )
        by_part.setdefault(record.say.concept(part), (_place(part), []))[1].append(step)
    for title, (_, steps) in sorted(by_part.items(), key=lambda item: item[1][0]):
        section.parts = [*section.parts, Section("safety-part", title, steps)]
    return section


def _place(part: Element) -> int:
    codes = [coding.get("code") for coding in part.get("coding", ()) if coding.get("system") == SAFETY_PART]
    return min([SAFETY_PARTS.index(code) for code in codes if code in SAFETY_PARTS], default=len(SAFETY_PARTS))


def _activity(record: Record, activity: Element) -> Statement:
    say = record.say
    detail: Element = activity.get("detail", {})
    extensions = Extensions(activity)
    code, status, reference = detail.get("code"), detail.get("status"), activity.get("reference")
    title = "; ".join(say.value(item) or "" for item in extensions.all(ACTIVITY_TITLE))
    named = say.concept(code) if code else ""
    planned = record.reference(reference) if reference else ""
    label = title or named or planned
    avoided = detail.get("doNotPerform") is True
    return Statement(
        detail.get("description", ""),
        label=label,
        tag=say.word("not-to-do") if avoided else say.code("care-plan-activity-status", status) if status else "",
        tone="imposed" if avoided else "",
        facts=[
            *record.facts(
                ("activity-about", named if title else None),
                ("order", planned if label != planned else None),
                ("status", say.code("care-plan-activity-status", status) if avoided and status else None),
                *_detail(record, detail),
                ("outcome", record.concepts(activity.get("outcomeCodeableConcept", ()))),
                ("outcome", record.references(activity.get("outcomeReference", ()))),
            ),
            *(Fact(say.word("progress"), _with_author(record.note(note))) for note in activity.get("progress", ())),
            *record.unknown(extensions),
            *record.unknown(Extensions(detail)),
        ],
    )


def _detail(record: Record, detail: Element) -> Iterable[tuple[str, str | None]]:
    say = record.say
    yield "scheduled", say.value(detail, "scheduled")
    yield "performer", record.references(detail.get("performer", ()))
    yield "location", record.reference(detail["location"]) if "location" in detail else None
    yield "relates-to", record.references(detail.get("goal", ()))
    yield "status-reason", say.concept(detail["statusReason"]) if "statusReason" in detail else None
    yield "reason", record.concepts(detail.get("reasonCode", ()))
    yield "reason", record.references(detail.get("reasonReference", ()))
    yield "product", say.concept(detail["productCodeableConcept"]) if "productCodeableConcept" in detail else None
    yield "product", record.reference(detail["productReference"]) if "productReference" in detail else None
    yield "quantity", say.quantity(detail["quantity"]) if "quantity" in detail else None
    yield "daily-amount", say.quantity(detail["dailyAmount"]) if "dailyAmount" in detail else None
    yield "activity-kind", detail.get("kind")
    yield "follows", _followed(detail)


def _followed(element: Element) -> str:
    return "; ".join(filter(None, [*element.get("instantiatesCanonical", ()), *element.get("instantiatesUri", ())]))


def _with_author(note: Statement) -> str:
    return f"{note.text} ({note.by})" if note.by else note.text


def _about(record: Record, supporting: Sequence[Element]) -> list[Fact]:
    resource, say = record.resource, record.say
    author, encounter = resource.get("author"), resource.get("encounter")
    return [
        *record.facts(
            ("intent", say.code("request-intent", resource.get("intent", ""))),
            ("responsible", author and record.reference(author)),
            ("care-team", record.references(resource.get("careTeam", ()))),
            ("created", said_date(record, resource.get("created"))),
            ("addresses", record.references(resource.get("addresses", ()))),
            ("basis", record.references(supporting)),
            ("encounter", encounter and record.reference(encounter)),
            ("part-of", record.references(resource.get("partOf", ()))),
            ("based-on", record.references(resource.get("basedOn", ()))),
            ("replaces", record.references(resource.get("replaces", ()))),
            ("follows", _followed(resource)),
            ("identifier", "; ".join(map(say.identifier, resource.get("identifier", ())))),
        ),
        *record.unknown(record.extensions),
    ]
