"""Matplotlib's SVG as part of a page: named, without styles of its own, and with ids that are those of one picture."""

import re
from typing import Any

from lxml import etree

from service.reporting.dashboard.drawing.paper import WIDTH

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
_LEFT_OUT = (f"{_SVG}metadata", f"{_SVG}style")
_NOT_MINE = ("font-family", "stroke-linejoin", "stroke-linecap", "font-stretch", "font-variant")
_NUMBER = re.compile(r"-?\d+\.\d{3,}")


def finished(drawn: bytes, key: str, title: str, description: str) -> str:
    """Return the picture that is named ``key`` on its page; ``title`` and ``description`` are read out for it."""
    root = etree.fromstring(drawn, _PARSER)
    for part in list(root.iter(*_LEFT_OUT)):
        part.getparent().remove(part)
    for part in root.iter():
        _without_style(part)
    _with_own_ids(root, key)
    _, _, _, height = root.get("viewBox").split()
    for name in list(root.attrib):
        del root.attrib[name]
    told = {"role": "img", "aria-labelledby": f"{key}-title {key}-desc", "focusable": "false"}
    looks = {"font-family": "DejaVu Sans, sans-serif", "stroke-linejoin": "round", "stroke-linecap": "butt"}
    size = {"viewBox": f"0 0 {WIDTH} {height}", "width": str(WIDTH), "height": height}
    for name, value in (told | size | looks).items():
        root.set(name, value)
    _name(root, "desc", f"{key}-desc", description)
    _name(root, "title", f"{key}-title", title)
    etree.cleanup_namespaces(root)
    text = etree.tostring(root, encoding="unicode", with_tail=False)
    return _NUMBER.sub(lambda found: f"{float(found[0]):.2f}", re.sub(r"\s+", " ", text))


def _without_style(part: Any) -> None:
    """Say as attributes what ``part`` says as a style: a page allows no styles but its own."""
    style = part.attrib.pop("style", "")
    for declaration in filter(None, (each.strip() for each in style.split(";"))):
        name, _, value = (each.strip() for each in declaration.partition(":"))
        if name == "font":
            _say_font(part, value)
        elif name not in _NOT_MINE:
            part.set(name, value.removesuffix("px"))
    if part.get("stroke-linecap") is None and "stroke-linecap: round" in style:
        part.set("stroke-linecap", "round")
    if re.match(r"rotate\(-?0[ )]", part.get("transform", "")):
        del part.attrib["transform"]


def _say_font(part: Any, value: str) -> None:
    """Say the shorthand ``font`` as attributes."""
    found = re.match(r"(?:(?P<weight>bold|\d{3}) )?(?P<size>[\d.]+)px", value)
    if found:
        part.set("font-size", found["size"])
        if found["weight"]:
            part.set("font-weight", found["weight"])


def _with_own_ids(root: Any, key: str) -> None:
    """Keep those ids only to which something refers, and put ``key`` before them."""
    wanted = {part.get(_LINK)[1:] for part in root.iter() if part.get(_LINK)}
    for part in root.iter():
        if link := part.attrib.pop(_LINK, None):
            part.set("href", f"#{key}-{link[1:]}")
        name = part.attrib.pop("id", None)
        if name in wanted:
            part.set("id", f"{key}-{name}")
        part.attrib.pop("clip-path", None)
    for part in list(root.iter(f"{_SVG}clipPath")):
        part.getparent().remove(part)


def _name(root: Any, tag: str, key: str, text: str) -> None:
    part = etree.Element(_SVG + tag, id=key)
    part.text = text
    root.insert(0, part)
