"""A document as what stands in the div of a narrative: headings and lists (https://hl7.org/fhir/R4/narrative.html)."""

from collections.abc import Iterable, Iterator

from service.narrative.document import Document, Fact, Section, Statement


def inner_xhtml(document: Document) -> str:
    """Return the elements in which ``document`` is told, everything that people wrote escaped."""
    return "".join(_pieces(document))


def _pieces(document: Document) -> Iterator[str]:
    if document.alert:
        yield f"<p><b>{_escaped(document.alert)}</b></p>"
    yield f"<h2>{_lines(document.title)}</h2>\n"
    if document.tag:
        yield f"<p><b>{_escaped(document.tag)}</b></p>"
    for item in document.opening:
        yield f"<p>{_lines(item.text)}</p>"
    yield f"{_facts(document.lead)}\n"
    for section in document.sections:
        yield f"<h3>{_escaped(section.title)}</h3>{_part(section)}\n"
        for part in section.parts:
            yield f"<h4>{_escaped(part.title)}</h4>{_part(part)}"


def _part(section: Section) -> str:
    statements = "".join(map(_statement, section.statements))
    listed = f"<ul>{statements}</ul>" if statements else ""
    return f"{listed}{_facts(section.facts)}"


def _statement(item: Statement) -> str:
    ends = ":" if item.text or item.tag else ""
    label = f"<b>{_lines(item.label)}{ends}</b> " if item.label else ""
    tag = f"<b>{_escaped(item.tag)}.</b> " if item.tag else ""
    by = f" <i>({_escaped(item.by)})</i>" if item.by else ""
    return f"<li>{label}{tag}{_lines(item.text)}{by}{_facts(item.facts)}</li>"


def _facts(facts: Iterable[Fact]) -> str:
    listed = "".join([f"<li>{_escaped(label)}: {_lines(value)}</li>" for label, value in facts])
    return f"<ul>{listed}</ul>" if listed else ""


def _lines(text: str) -> str:
    """Return ``text`` escaped, its line breaks as such."""
    return "<br/>".join(map(_escaped, text.splitlines())) if "\n" in text else _escaped(text)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
