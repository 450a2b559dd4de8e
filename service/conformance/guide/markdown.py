"""Texts of definitions as parts of a Markdown page (https://github.github.com/gfm/)."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from service.conformance.guide.codes import title_of

_SPECIAL = re.compile(r"([\\`*_\[\]<>|])")
_GAP = re.compile(r"\n(?:[ \t]*\n){2,}")
_LINK = re.compile(r"\[\[\[(.+?)\]\]\]|\[([^\]]+)\]\([^)]+\)")
_HOW_MANY = {
    (0, "0"): "none",
    (0, "1"): "at most one",
    (1, "1"): "exactly one",
    (0, "*"): "any number",
    (1, "*"): "one or more",
}


def rendered(name: str, **content: Any) -> str:
    """Return the page that a template makes of ``content``."""
    page = _ENVIRONMENT.get_template(f"{name}.md").render(content)
    return _GAP.sub("\n\n", page).strip() + "\n"


def plain(text: str) -> str:
    """Return a FHIR string so that nothing in it is taken for Markdown."""
    return _SPECIAL.sub(r"\\\1", one_line(text))


def prose(text: str) -> str:
    """Return a FHIR markdown of one paragraph so that it can stand in a table, without HTML.

    Of its links only the words are kept: they lead to pages beside the definition in HL7's specification.
    """
    return _LINK.sub(r"\1\2", one_line(text)).replace("<", "&lt;").replace("|", r"\|")


def code(text: str) -> str:
    """Return ``text`` as code that can stand in a table."""
    return "`" + text.replace("|", r"\|") + "`"


def slug(title: str) -> str:
    """Return the name that a Git host gives to the place of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def how_many(least: int, most: str) -> str:
    """Return a cardinality in words."""
    return _HOW_MANY.get((least, most)) or (f"up to {most}" if least == 0 else f"{least} to {most}")


def one_line(text: str) -> str:
    """Return ``text`` with single spaces for all that parts its words."""
    return " ".join(text.split())


def either(items: Iterable[str], word: str = "or") -> str:
    """Return ``items`` as one says them: a, b or c."""
    *others, last = items
    return f"{', '.join(others)} {word} {last}" if others else last


def in_url(text: str) -> str:
    """Return the value of a query parameter as it stands in an address."""
    return quote(text, safe=":/,.")


_ENVIRONMENT = Environment(
    loader=PackageLoader("service.conformance.guide"),
    autoescape=False,  # noqa: S701 - it is Markdown, for which the filters escape
    undefined=StrictUndefined,
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_ENVIRONMENT.filters |= {
    "plain": plain,
    "prose": prose,
    "code": code,
    "slug": slug,
    "either": either,
    "one_line": one_line,
    "title_of": title_of,
    "in_url": in_url,
}
_ENVIRONMENT.globals["how_many"] = how_many
