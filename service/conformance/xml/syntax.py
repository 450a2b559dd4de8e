"""XML as FHIR takes it: in UTF-8, with no DOCTYPE and so no entities of its own (https://hl7.org/fhir/R4/xml.html)."""

import re
from codecs import BOM_UTF8
from typing import Any

from lxml import etree

from service.fhir.outcome import Issue, OutcomeError
from service.fhir.positions import Position, SourceText

MOST_TAGS = 2_000_000
"""In one body; no real one comes near, and a tree of many millions would take the memory of the service."""

_DOCTYPE = re.compile(r"(?:\s++|<!--(?:[^-]++|-(?!->))*-->|<\?(?:[^?]++|\?(?!>))*\?>)*<!DOCTYPE")
_ENCODING = re.compile(r"<\?xml\s[^>]*?\bencoding\s*=\s*[\"']([^\"']*)")
_REASONS = {
    getattr(etree.ErrorTypes, name): reason
    for name, reason in {
        "ERR_DOCUMENT_EMPTY": "there is no element",
        "ERR_DOCUMENT_END": "the end comes too early, or something follows the last tag",
        "ERR_TAG_NOT_FINISHED": "the end comes before the last tag is closed",
        "ERR_TAG_NAME_MISMATCH": "another tag is closed than was opened last",
        "ERR_UNDECLARED_ENTITY": "it has an entity that XML does not have, such as &nbsp; (write the character itself)",
        "ERR_ENTITYREF_SEMICOL_MISSING": "an & stands where &amp; is meant",
        "ERR_NAME_REQUIRED": "an & or < stands where &amp; or &lt; is meant",
        "ERR_LT_IN_ATTRIBUTE": "a < stands in an attribute, where &lt; is meant",
        "ERR_ATTRIBUTE_NOT_STARTED": "the value of an attribute is not in quotes",
        "ERR_ATTRIBUTE_WITHOUT_VALUE": "an attribute has no value",
        "ERR_ATTRIBUTE_REDEFINED": "an attribute is given twice",
        "ERR_INVALID_CHAR": "it has a character that XML does not allow",
        "ERR_RESERVED_XML_NAME": "the XML declaration is not at the very start",
        "NS_ERR_UNDEFINED_NAMESPACE": "a prefix is used that is not declared",
    }.items()
}
"""What is wrong, by libxml2's code for it; its own sentences could repeat what a person wrote."""
_TOO_DEEP = re.compile("depth", re.IGNORECASE)


def parse(body: bytes) -> tuple[etree._Element, str]:
    """Return the root of the XML in ``body``, and its text; raises OutcomeError 400, or 413 where it is too large.

    Nothing is expanded and no other file is read.
    """
    if body.count(b"<") > MOST_TAGS:
        raise OutcomeError(Issue("body-too-large", f"A body in XML has at most {MOST_TAGS} tags here"))
    text = _decoded(body)
    if doctype := _DOCTYPE.match(text):
        sentence = "The body has a DOCTYPE, which FHIR does not allow; nothing of it was read"
        position = SourceText(text.encode()).position(doctype.end() - len("<!DOCTYPE"))
        raise OutcomeError(Issue("not-xml", sentence, position=position))
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, collect_ids=False, encoding="utf-8"
    )
    try:
        return etree.fromstring(text.encode(), parser), text
    except etree.XMLSyntaxError as error:
        raise OutcomeError(_syntax_issue(error)) from None


def _decoded(body: bytes) -> str:
    """Return the text of ``body`` without a byte order mark."""
    try:
        text = body.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        before = body[: error.start].removeprefix(BOM_UTF8)
        where = SourceText(before).position(len(before.decode()))
        raise OutcomeError(_not_xml(f"byte {error.start} is not UTF-8", where)) from None
    declared = _ENCODING.match(text)
    if declared and declared[1].lower() not in ("utf-8", "utf8", "us-ascii"):
        raise OutcomeError(_not_xml("FHIR is sent in UTF-8, and it declares another encoding", Position(1, 1)))
    return text


def _syntax_issue(error: Any) -> Issue:
    where = Position(*error.position)
    if error.code == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
        if _TOO_DEEP.search(error.msg):
            return Issue("nesting", "The body is nested too deeply to be read", position=where)
        return _not_xml("an attribute or a text has more than ten million characters", where)
    reason = _REASONS.get(error.code, "it is not well-formed")
    return _not_xml(f"{reason}, at line {where.line} column {where.column}", where)


def _not_xml(reason: str, where: Position) -> Issue:
    return Issue("not-xml", f"The body is not XML: {reason}", position=where)
