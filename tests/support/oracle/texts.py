"""Texts of queries and of resources: what separates and escapes, what is the same to a reader, words.

https://hl7.org/fhir/R4/search.html#escaping and #string.
"""

import html
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

LONGEST = 200  # characters of a text that are compared
# The elements of type string and markdown in the types that are searched, by name; Reference.reference and
# Coding.version are left out on purpose.
TEXTS = ("authorString", "description", "detailString", "display", "mitigation", "rationale", "scheduledString")
TEXTS += ("statusReason", "text", "title", "unit", "value", "valueString")
_WITHIN_WORDS = "a|abbr|acronym|b|bdo|big|cite|code|dfn|em|i|kbd|samp|small|span|strong|tt|var"


def split(text: str, separator: str) -> list[str]:
    """Return the parts of ``text`` between the separators that no backslash stands before."""
    parts, escaped = [""], False
    for letter in text:
        if letter == separator and not escaped:
            parts.append("")
            continue
        parts[-1] += letter
        escaped = letter == "\\" and not escaped
    return parts


def plain(text: str) -> str:
    """Return ``text`` without the backslashes that escape."""
    found, letters = "", iter(text)
    for letter in letters:
        if letter == "\\":
            following = next(letters, "")
            found += following if following in (",", "|", "$", "\\") else letter + following
        else:
            found += letter
    return found


def readable(text: str) -> str:
    """Return ``text`` without case, accents and repeated spaces."""
    letters = unicodedata.normalize("NFD", text.casefold())
    return " ".join("".join(letter for letter in letters if unicodedata.category(letter) != "Mn").split())


def compared(text: str) -> str:
    """Return of a text what is compared."""
    return readable(text)[:LONGEST]


def string_matches(modifier: str, value: str, wanted: str) -> bool:
    """Return whether a string is what a string parameter asks."""
    if modifier == "exact":
        return value == wanted
    if modifier == "whole":  # what eq of _filter asks
        return readable(value) == readable(wanted)
    if modifier == "contains":
        return readable(wanted) in readable(value)
    return readable(value).startswith(readable(wanted))


def narrative(div: str) -> str:
    """Return the text of a narrative as it is read: without comments and tags, of which most part words."""
    shown = re.sub(r"<!--.*?-->", "", div, flags=re.DOTALL)
    shown = re.sub(rf"</?(?:{_WITHIN_WORDS})\b[^>]*>", "", shown)
    return html.unescape(re.sub(r"<[^>]*>", " ", shown))


def contents(node: Any) -> Iterator[str]:
    """Yield every text that is somewhere in ``node``."""
    if isinstance(node, list):
        for item in node:
            yield from contents(item)
    if isinstance(node, dict):
        for name, item in node.items():
            if name == "div":
                yield narrative(item)
            elif name in TEXTS and isinstance(item, str):
                yield item
            else:
                yield from contents(item)


def words(text: str) -> set[str]:
    """Return the words of ``text`` as they are compared."""
    return set(re.findall(r"[^\W_]+", readable(text)))


def says(there: set[str], query: str) -> bool:
    """Return whether the words that are there fulfil a query.

    All have to be there, but for ``OR``, ``NOT`` and ``-``; it is read from left to right, and parentheses group.
    """
    tokens = re.findall(r"[()]|(?<![^\s(])-|[^\s()]+", query)
    found = _said(there, tokens)
    assert not tokens, query
    return found


def _said(there: set[str], tokens: list[str]) -> bool:
    found = _one(there, tokens)
    while tokens and tokens[0] != ")":
        connective = tokens[0].upper()
        if connective in ("AND", "OR"):
            tokens.pop(0)
        following = _one(there, tokens)  # which has to be read in any case
        found = (found or following) if connective == "OR" else (found and following)
    return found


def _one(there: set[str], tokens: list[str]) -> bool:
    token = tokens.pop(0)
    if token in ("NOT", "-"):
        return not _one(there, tokens)
    if token == "(":
        found = _said(there, tokens)
        assert tokens.pop(0) == ")"
        return found
    return words(token) <= there
