"""Narrative.div, the XHTML that people read: its constraints txt-1 and txt-2 (https://hl7.org/fhir/R4/narrative.html#rules).

A reader may put the inside of the div into a page as it is, as the specification says, and there it is read as HTML. So
what HTML reads otherwise than XML (CDATA, processing instructions, some comments, prefixes) is refused too.
"""

import re
from collections.abc import Iterator
from html.entities import html5
from typing import Any

from lxml import etree

from service.fhir.outcome import shown

XHTML = "http://www.w3.org/1999/xhtml"

_ELEMENTS = """
    a abbr acronym address b bdo big blockquote br caption cite code col colgroup dd dfn div dl dt em
    h1 h2 h3 h4 h5 h6 hr i img kbd li ol p pre q samp small span strong sub sup
    table tbody td tfoot th thead tr tt ul var
"""
ELEMENTS = frozenset(_ELEMENTS.split())
"""What txt-1 lists; and address, bdo and kbd, which stand in the chapters of HTML 4.0 that it names."""

_ATTRIBUTES = """
    abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff charset
    cite class colspan compact coords dir frame headers height href hreflang hspace id lang longdesc name nowrap
    rel rev rowspan rules scope shape span src start style summary tabindex title type valign value vspace width
"""
ATTRIBUTES = frozenset(_ATTRIBUTES.split()) | {"{http://www.w3.org/XML/1998/namespace}lang"}
"""What txt-1 lists; and xml:lang, which stands beside lang in XHTML."""

LINKS = frozenset({"href", "cite", "longdesc"})
SCHEMES = frozenset({"http", "https", "mailto", "tel", "sms", "ftp", "urn"})
"""What the address of a link may start with; none of them runs anything."""
STYLE_FUNCTIONS = frozenset({"rgb", "rgba", "hsl", "hsla", "calc"})
"""The functions of CSS that a style may use; they fetch nothing."""
PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, collect_ids=False)
"""Reads no other file, expands nothing, and gives up on trees that are far too deep."""
MOST_ELEMENTS = 50_000
"""In one narrative; no real one comes near, and a tree of millions would hold the service up."""

_ALLOWED = frozenset(f"{{{XHTML}}}{name}" for name in ELEMENTS)
_WHOLE_DIV = re.compile(r"\s*<div[\s/>].*</div\s*>\s*|\s*<div[^<>]*/>\s*", re.DOTALL)
_NAMED_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*;)")
_XML_ENTITIES = frozenset({"amp;", "lt;", "gt;", "quot;", "apos;"})
_PASSED_OVER = dict.fromkeys(range(33))
"""Spaces and control characters, which browsers do not see in an address."""
_STYLE_FUNCTION = re.compile(r"(?<![\w-])([\w-]*)\(\s*[\"']?(data:image/)?", re.IGNORECASE)
"""Wherever it stands, in a string or a comment too: browsers may see those end elsewhere."""


def narrative_problems(div: str) -> list[tuple[str, str]]:
    """Return what is wrong with a narrative, each once: the key of the constraint, and a sentence."""
    markup = _markup_problem(div)
    if markup is not None:
        return [("txt-1", markup)]
    try:
        root = etree.fromstring(div, PARSER)
    except (etree.XMLSyntaxError, ValueError) as error:
        return [("txt-1", _syntax_problem(div, error))]
    found = [("txt-1", sentence) for sentence in dict.fromkeys(_problems_in(root))]
    if not _says_something(root):
        found.append(("txt-2", "The narrative must hold some text or an image"))
    return found


def _markup_problem(div: str) -> str | None:
    """Return what is wrong before the elements are looked at: what HTML would read otherwise, and what is too much."""
    if not _WHOLE_DIV.fullmatch(div):
        return "The narrative must be one element div, with nothing before or after it"
    if "<?" in div:
        return "The narrative may not hold a processing instruction (<?)"
    if "<!" in div and ("<![" in div or "<!D" in div):
        return "The narrative may not hold a DOCTYPE or a CDATA section (<!)"
    if div.count("<") > 2 * MOST_ELEMENTS:
        return f"The narrative may not hold more than {MOST_ELEMENTS} elements"
    return None


def _syntax_problem(div: str, error: Exception) -> str:
    for name in _NAMED_ENTITY.findall(div):
        if name not in _XML_ENTITIES and name in html5:
            return f"The narrative is XML, which has no &{name} (write the character itself)"
    if isinstance(error, etree.XMLSyntaxError):
        line, column = error.position
        return f"The narrative is not well-formed XML, at line {line}, column {column} of the div"
    return "The narrative holds characters that XML does not allow"


def _problems_in(root: etree._Element) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for element in root.iter():
        tag = element.tag
        if tag not in _ALLOWED:
            yield from _strange_problems(element)
        elif element.prefix is not None:
            yield f"The narrative may not give its elements a prefix, such as {shown(element.prefix)}:"
        if len(element.attrib) > len(ATTRIBUTES):  # to read so many takes lxml quadratic time
            yield f"The element {_local(str(tag))} has more attributes than there are in a narrative"
            continue
        for name, value in element.items():
            if (name, value) in seen:
                continue
            problem = _attribute_problem(name, value)
            if problem is None:
                seen.add((name, value))
            else:
                yield f"The attribute {_local(name)} of {_local(tag)} {problem}"


def _strange_problems(element: etree._Element) -> Iterator[str]:
    """Yield what is wrong with an element that is not on the list; some comments are all right."""
    if isinstance(element, etree._Comment):
        if (element.text or "").startswith((">", "->", "[if")):
            yield "The narrative may not hold a comment that HTML ends early or reads as a condition"
        return
    name = etree.QName(element)
    if name.namespace != XHTML:
        yield f"The element {shown(name.localname)} of a narrative must be in the namespace {XHTML}"
    else:
        yield f"The element {shown(name.localname)} is not allowed in a narrative"


def _attribute_problem(name: str, value: str) -> str | None:
    """Return what is wrong with an attribute, as the end of a sentence."""
    if name not in ATTRIBUTES:
        return "is not allowed in a narrative"
    if name in LINKS and not _is_link(value):
        return "may hold an address such as https:, mailto:, tel: or #, and nothing that runs"
    if name == "src" and not _is_own_image(value):
        return "may not fetch anything from elsewhere; give a data: image or #id"
    if name == "style" and not _is_plain_style(value):
        return "may not fetch anything from elsewhere, call functions or hold a backslash"
    return None


def _local(name: str) -> str:
    return shown(name.rpartition("}")[2])


def _is_link(address: str) -> bool:
    scheme, colon, _ = re.split(r"[/?#]", address.translate(_PASSED_OVER), maxsplit=1)[0].partition(":")
    return not colon or scheme.lower() in SCHEMES


def _is_own_image(address: str) -> bool:
    """Return whether an image is in the address itself, in the resource, or beside the page that shows it."""
    plain = address.translate(_PASSED_OVER).lower()
    if plain.startswith("data:"):
        return plain.startswith("data:image/")
    return ":" not in re.split(r"[/?#]", plain, maxsplit=1)[0] and not re.match(r"[/\\]{2}", plain)


def _is_plain_style(style: str) -> bool:
    return "\\" not in style and all(
        name.lower() in STYLE_FUNCTIONS or (name.lower() == "url" and image)
        for name, image in _STYLE_FUNCTION.findall(style)
    )


def _says_something(root: etree._Element) -> bool:
    texts: Any = root.itertext(etree.Element)
    return any(text.strip(" \t\r\n") for text in texts) or any(
        image.get("src") is not None for image in root.iter(f"{{{XHTML}}}img")
    )
