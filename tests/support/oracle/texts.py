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


def narrative(resource: Any) -> str:
    """Return the words of the narrative without its markup."""
    return html.unescape(re.sub(r"<[^>]*>", " ", resource.get("text", {}).get("div", "")))


def contents(node: Any) -> Iterator[str]:
    """Yield every text that is somewhere in ``node``."""
    if isinstance(node, list):
        for item in node:
            yield from contents(item)
    if isinstance(node, dict):
        for name, item in node.items():
            if name in TEXTS and isinstance(item, str):
                yield item
            else:
                yield from contents(item)


def words(text: str) -> set[str]:
    """Return the words of ``text`` as they are compared."""
    return set(re.findall(r"[^\W_]+", readable(text)))


def says(there: set[str], query: str) -> bool:
    """Return whether the words that are there fulfil a query with ``OR``, ``NOT``, ``-`` and parentheses."""
    tokens = [token for token in re.findall(r"[()]|(?<![^\s(])-|[^\s()]+", query) if token.upper() != "AND"]
    found = _either(there, tokens)
    assert not tokens, query
    return found


def _either(there: set[str], tokens: list[str]) -> bool:
    found = _all(there, tokens)
    while tokens and tokens[0].upper() == "OR":
        tokens.pop(0)
        found = _all(there, tokens) or found  # what is on the right has to be read in any case
    return found


def _all(there: set[str], tokens: list[str]) -> bool:
    found = True
    while tokens and tokens[0].upper() not in ("OR", ")"):
        found = _one(there, tokens) and found
    return found


def _one(there: set[str], tokens: list[str]) -> bool:
    token = tokens.pop(0)
    if token.upper() in ("NOT", "-"):
        return not _one(there, tokens)
    if token == "(":
        found = _either(there, tokens)
        assert tokens.pop(0) == ")"
        return found
    return words(token) <= there
