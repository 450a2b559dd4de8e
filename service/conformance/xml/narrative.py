"""Narrative.div between JSON, where it is a string, and XML, where it is markup (https://hl7.org/fhir/R4/narrative.html).

Its characters stay as they are: ``<br />`` or ``<br/>``, ``&#160;`` or the character, comments, quotes and line ends.
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from html.entities import html5

from lxml import etree

from service.conformance.validation.xhtml import XHTML
from service.conformance.xml.tags import outermost

DIV = f"{{{XHTML}}}div"

_NAMED_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9]*;)")
_NOT_IN_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Narratives:
    """The texts of the narratives in an XML text, which are asked for in their order."""

    def __init__(self, text: str) -> None:
        self._texts: Iterator[str] = outermost(text, "div")

    def next(self, div: etree._Element) -> str:
        """Return the text of ``div``, with namespaces declared in itself and no prefixes that come from outside."""
        text = next(self._texts)
        around = div.getparent()
        is_whole = div.prefix is None and (around is None or not any(around.nsmap))
        return text if is_whole else _without_prefix(div)


def _without_prefix(div: etree._Element) -> str:
    copy = _copied(div, etree.Element(div.tag, nsmap={None: XHTML}))
    return str(etree.tostring(copy, encoding="unicode"))


def _copied(source: etree._Element, copy: etree._Element) -> etree._Element:
    copy.text = source.text
    for name, value in source.items():
        copy.set(name, value)
    for child in source:
        if isinstance(child.tag, str):
            _copied(child, etree.SubElement(copy, child.tag)).tail = child.tail
        else:
            copy.append(deepcopy(child))
    return copy


def markup_of(div: str) -> str:
    """Return the XML of a narrative: its own characters, where they are well-formed XHTML.

    Where they are not, entities of HTML become characters; where that does not help, all of it becomes text in a div.
    Of the types whose definition is held, validation lets nobody store such a one.
    """
    if _is_xhtml(div):
        return div
    without_entities = _NAMED_ENTITY.sub(lambda match: html5.get(match[1], match[0]), div)
    if _is_xhtml(without_entities):
        return without_entities
    return f'<div xmlns="{XHTML}">{escaped(div)}</div>'


def _is_xhtml(div: str) -> bool:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, collect_ids=False, encoding="utf-8"
    )
    try:
        return div.lstrip().startswith("<div") and etree.fromstring(div.encode(), parser).tag == DIV
    except (etree.XMLSyntaxError, ValueError):
        return False


def escaped(text: str) -> str:
    """Return ``text`` for an attribute or an element, its white space kept; what XML has no character for is U+FFFD."""
    plain = _NOT_IN_XML.sub("\ufffd", text)
    return _ESCAPED.sub(lambda match: _REFERENCES[match[0]], plain)


_REFERENCES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
_ESCAPED = re.compile(f"[{''.join(_REFERENCES)}]")
