"""The words of a text that somebody wrote or added to by hand: Narrative.status ``additional``.

https://hl7.org/fhir/R4/valueset-narrative-status.html. Such a text may say what no element says, so its words are
shown. The markup is left out: it was made for another page, with headings and colours of its own.
"""

from collections.abc import Iterator
from typing import Any

from lxml import etree

from service.conformance.validation.xhtml import PARSER

_BLOCKS = frozenset({"address", "blockquote", "br", "caption", "dd", "div", "dl", "dt", "hr", "li", "ol", "p", "pre"})
_BLOCKS |= {"table", "tr", "ul", *(f"h{level}" for level in range(1, 7))}
_CELLS = frozenset({"td", "th"})


def added_words(text: Any) -> str:
    """Return the words of the element ``text`` where they may say more than the resource, line by line, or nothing."""
    if not isinstance(text, dict) or text.get("status") != "additional":
        return ""
    root = etree.fromstring(text["div"], PARSER)
    lines = (" ".join(line.split()) for line in "".join(_pieces(root)).split("\n"))
    return "\n".join(filter(None, lines))


def _pieces(element: etree._Element) -> Iterator[str]:
    """Yield the texts in ``element``; only elements break lines."""
    name = etree.QName(element).localname
    mark = "\n" if name in _BLOCKS else " " if name in _CELLS else ""
    yield mark
    yield " ".join(((element.get("alt") if name == "img" else element.text) or "").split("\n"))
    for child in element:
        if isinstance(child.tag, str):
            yield from _pieces(child)
        yield " ".join((child.tail or "").split("\n"))
    yield mark
