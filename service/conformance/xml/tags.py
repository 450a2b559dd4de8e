"""The tags of an XML text with their places in it, which no XML library tells (https://www.w3.org/TR/xml/#sec-starttags).

For texts that have been parsed before, so what they hold is known to be well-formed and to have no DOCTYPE.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_MARKUP = re.compile(
    r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>"
    r"|<(/?)([^\s/>]++)((?:[^\"'/>]++|/(?!>)|\"[^\"]*+\"|'[^']*+')*)(/?)>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([^\s=\"']+)\s*=\s*(?:\"[^\"]*\"|'[^']*')")


class Tag(NamedTuple):
    """A start tag, an end tag, or both in one (``<a/>``), from ``start`` to before ``end``."""

    name: str
    """Without a prefix."""
    start: int
    end: int
    opens: bool
    closes: bool
    attributes: str
    """As they are written, from ``attributes_start`` on."""
    attributes_start: int


def tags(text: str) -> Iterator[Tag]:
    """Yield the tags in ``text``, passing over comments, CDATA and processing instructions."""
    for match in _MARKUP.finditer(text):
        slash, name, attributes, end_slash = match.groups()
        if name is not None:
            local = name.rpartition(":")[2]
            closes = bool(slash or end_slash)
            yield Tag(local, match.start(), match.end(), not slash, closes, attributes, match.start(3))


def attribute_starts(tag: Tag) -> Iterator[tuple[str, int]]:
    """Yield the name of each attribute of ``tag`` and where it begins in the text."""
    for match in _ATTRIBUTE.finditer(tag.attributes):
        yield match[1], tag.attributes_start + match.start()


def outermost(text: str, name: str) -> Iterator[str]:
    """Yield the text of each element called ``name`` that stands in no other such, in their order."""
    start, depth = 0, 0
    for tag in tags(text):
        if tag.name != name:
            continue
        if tag.opens:
            start = start if depth else tag.start
            depth += 1
        if tag.closes:
            depth -= 1
            if depth == 0:
                yield text[start : tag.end]
