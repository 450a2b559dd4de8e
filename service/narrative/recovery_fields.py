"""The sections that plans, goals and risk assessments share: the fields that the recovery profiles add."""

from collections.abc import Iterable

from service.narrative.document import OWN, Document, Section, Statement, some
from service.narrative.record import Extensions, Parts, Record
from service.narrative.values import Element

IN_ERROR = "entered-in-error"


def own_words(record: Record, notes: list[Statement]) -> Section:
    """Return the notes of the person."""
    section = record.section("own-words", notes)
    if notes:
        section.title = record.say.word("words-of", record.person)
    return section


def strengths(record: Record, also: Iterable[Statement] = ()) -> Section:
    """Return the strengths that are named."""
    named = [Statement(record.say.value(item) or "") for item in record.extensions.own("strength")]
    return record.section("strengths", [*named, *also])


def agreement(record: Record) -> Section:
    """Return who agrees and who does not, and what each said."""
    return record.section("agreement", [_agreement(record, Parts(item)) for item in record.extensions.own("agreement")])


def _agreement(record: Record, parts: Parts) -> Statement:
    statement = position(record, parts.get("party"), parts.get("status"))
    statement.by = said_date(record, parts.get("date")) or ""
    statement.facts = record.facts(("comment", parts.get("comment")))
    return statement


def position(record: Record, party: Element | None, status: str | None) -> Statement:
    """Return where one party stands: what is said of a plan, a decision or a goal."""
    return Statement(
        record.say.code("agreement-status", status) if status else "",
        label=record.reference(party or {}),
        tone="disagree" if status == "disagree" else "",
    )


def stipulations(record: Record) -> Section:
    """Return the conditions: what was imposed is called so, with its reason and the date when it is looked at again."""
    found = [_stipulation(record, Parts(item)) for item in record.extensions.own("stipulation")]
    return record.section("stipulations", found)


def _stipulation(record: Record, parts: Parts) -> Statement:
    standing = parts.get("standing") or ""
    return Statement(
        parts.get("text") or "",
        tag=record.say.code("stipulation-standing", standing),
        tone=standing if standing in ("imposed", "legal") else "",
        facts=record.facts(
            ("rationale", parts.get("rationale")), ("review-by", said_date(record, parts.get("review-by")))
        ),
    )


def learning(record: Record) -> Section:
    """Return what happened and what was learned, setbacks and what went well alike."""
    return record.section("learning", [_learning(record, Parts(item)) for item in record.extensions.own("learning")])


def _learning(record: Record, parts: Parts) -> Statement:
    author = parts.get("recorded-by")
    date = said_date(record, parts.get("date"))
    return Statement(
        parts.get("happened") or "",
        label=record.say.code("learning-kind", parts.get("kind") or ""),
        by=", ".join(filter(None, [author and record.say.word("written-down", record.reference(author)), date])),
        tone=OWN if record.is_person(author) else "",
        facts=record.facts(("learned", parts.get("learned"))),
    )


def legal_basis(record: Record) -> Section:
    """Return the law, order or sentence behind what is not free to choose."""
    found = [_legal_basis(record, Parts(item)) for item in record.extensions.own("legal-basis")]
    return record.section("legal-basis", found)


def _legal_basis(record: Record, parts: Parts) -> Statement:
    instrument, authority, source = parts.get("instrument"), parts.get("authority"), parts.get("source")
    identifier, period = parts.get("identifier"), parts.get("period")
    return Statement(
        record.say.concept(instrument) if instrument else "",
        tone="legal",
        facts=record.facts(
            ("authority", authority and record.reference(authority)),
            ("source", source and record.reference(source)),
            ("identifier", identifier and record.say.identifier(identifier)),
            ("period", period and record.say.period(period)),
        ),
    )


def contributors(record: Record, key: str, references: Iterable[Element]) -> Section:
    """Return who took part, each with the part they play."""
    return record.section(key, [_contributor(record, reference) for reference in references])


def _contributor(record: Record, reference: Element) -> Statement:
    extensions = Extensions(reference)
    role = "; ".join(record.say.value(item) or "" for item in extensions.own("contributor-role"))
    return Statement(role, label=record.reference(reference), facts=record.unknown(extensions))


def results(record: Record, references: Iterable[Element]) -> tuple[list[Statement], list[Element]]:
    """Return what assessments found and what that means, and the references that carry no such result."""
    found: list[Statement] = []
    others: list[Element] = []
    for reference in references:
        own = Extensions(reference).own("assessment-result")
        found.extend(_result(record, reference, Parts(item)) for item in own)
        if not own:
            others.append(reference)
    return found, others


def _result(record: Record, reference: Element, parts: Parts) -> Statement:
    instrument, score = parts.get("instrument"), parts.get("score")
    rater = parts.get("rater") or ""
    return Statement(
        parts.get("meaning") or "",
        label=record.reference(reference),
        tag=record.say.word("rated-by", record.say.code("rater", rater)),
        tone=OWN if rater == "person" else "",
        facts=record.facts(
            ("instrument", instrument and record.say.concept(instrument)),
            ("score", None if score is None else record.say.plain(score)),
            ("date", said_date(record, parts.get("date"))),
        ),
    )


def other_words(record: Record, notes: list[Statement]) -> Section:
    """Return the notes of everybody else."""
    return record.section("other-words", notes)


def next_review(record: Record) -> str | None:
    """Return the day when it is looked at again."""
    return "; ".join(record.say.value(item) or "" for item in record.extensions.own("next-review")) or None


def said_date(record: Record, date: str | None) -> str | None:
    """Return a date in words, or None for none."""
    return record.say.date(date) if date else None


def document(record: Record, title: str, status: str, sections: Iterable[Section]) -> Document:
    """Return the document of a record, with what has to be known before it is read."""
    modifiers = [str(item["url"]) for item in record.resource.get("modifierExtension", ())]
    alerts = [record.say.word("alert.entered-in-error")] if status == IN_ERROR else []
    alerts += [record.say.word("alert.modifier", ", ".join(modifiers))] if modifiers else []
    return Document(
        key=f"{record.type}-{record.resource.get('id', '')}",
        kind=record.say.word(f"kind.{record.type}"),
        title=title or record.say.word(f"title.{record.type}", record.person),
        alert=" ".join(alerts),
        sections=some(sections),
        language=record.resource.get("language", ""),
    )
