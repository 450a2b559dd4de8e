"""A Goal to be read: whose it is, why it matters, what supports it and who agrees (https://hl7.org/fhir/R4/goal.html)."""

from collections.abc import Iterator

from service.conformance.obligations import RELATIONSHIP, says_orientation
from service.narrative.document import OWN, Document, Fact, Statement
from service.narrative.record import HL7, Extensions, Parts, Record
from service.narrative.recovery_fields import (
    document,
    learning,
    legal_basis,
    other_words,
    own_words,
    position,
    results,
    said_date,
    strengths,
)
from service.narrative.values import Element

GOAL_ACCEPTANCE = f"{HL7}/goal-acceptance"
BARRIER = f"{HL7}/workflow-barrier"
PROTECTIVE_FACTOR = f"{HL7}/workflow-protectiveFactor"


def goal(record: Record) -> Document:
    """Return what there is to read of a Goal."""
    resource, say = record.resource, record.say
    description: Element = resource.get("description", {})
    status = resource.get("lifecycleStatus", "")
    own, others = record.notes()
    found, reasons = results(record, resource.get("addresses", ()))
    sections = [
        own_words(record, own),
        strengths(record, _enablers(record, PROTECTIVE_FACTOR)),
        record.section("targets", [_target(record, item) for item in resource.get("target", ())]),
        record.section("barriers", _enablers(record, BARRIER)),
        record.section("agreement", _acceptances(record)),
        legal_basis(record),
        record.section("linked-goals", _links(record)),
        record.section("results", found),
        learning(record),
        other_words(record, others),
        record.section("about", facts=_about(record, description, reasons)),
    ]
    page = document(record, description.get("text") or say.names(description), status, sections)
    author = resource.get("expressedBy")
    obligations = [item for item in resource.get("category", ()) if says_orientation(item, "obligation")]
    page.tag = record.concepts(obligations)
    page.tone = "legal" if page.tag else OWN if record.is_person(author) else ""
    page.lead = record.facts(
        ("expressed-by", author and record.reference(author)),
        ("category", record.concepts(resource.get("category", ()))),
        ("status", say.code("goal-status", status)),
        ("achievement", say.concept(resource["achievementStatus"]) if "achievementStatus" in resource else None),
        ("status-reason", resource.get("statusReason")),
        ("status-date", said_date(record, resource.get("statusDate"))),
    )
    return page


def _target(record: Record, target: Element) -> Statement:
    say = record.say
    extensions = Extensions(target)
    return Statement(
        say.concept(target["measure"]) if "measure" in target else "",
        facts=[
            *record.facts(("target", say.value(target, "detail")), ("due", say.value(target, "due"))),
            *record.unknown(extensions),
        ],
    )


def _acceptances(record: Record) -> Iterator[Statement]:
    for parts in map(Parts, record.extensions.all(GOAL_ACCEPTANCE)):
        priority = parts.get("priority")
        statement = position(record, parts.get("individual"), parts.get("status"))
        statement.facts = record.facts(("priority", priority and record.say.concept(priority)))
        yield statement


def _links(record: Record) -> list[Statement]:
    return [
        Statement(
            record.reference(parts.get("target") or {}),
            label=record.say.concept(parts.get("type") or {}),
        )
        for parts in map(Parts, record.extensions.all(RELATIONSHIP))
    ]


def _enablers(record: Record, url: str) -> list[Statement]:
    """Return barriers or protective factors, as R4 writes a CodeableReference, or as a plain value."""
    found = []
    for extension in record.extensions.all(url):
        parts = Parts(extension)
        concept, reference = parts.get("concept"), parts.get("reference")
        said = [concept and record.say.concept(concept), reference and record.reference(reference)]
        found.append(Statement("; ".join(filter(None, said)) or record.say.value(extension) or ""))
    return found


def _about(record: Record, description: Element, reasons: list[Element]) -> list[Fact]:
    resource, say = record.resource, record.say
    named = say.names(description) if "text" in description else None
    return [
        *record.facts(
            ("subject.Goal", record.person),
            ("name", named),
            ("priority", say.concept(resource["priority"]) if "priority" in resource else None),
            ("start", say.value(resource, "start")),
            ("addresses", record.references(reasons)),
            ("outcome", record.concepts(resource.get("outcomeCode", ()))),
            ("outcome", record.references(resource.get("outcomeReference", ()))),
            ("identifier", "; ".join(map(say.identifier, resource.get("identifier", ())))),
        ),
        *record.unknown(Extensions(description)),
        *record.unknown(record.extensions),
    ]
