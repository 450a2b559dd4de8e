"""What counts as a word of a text, and what text a narrative shows.

A word is letters and digits and the marks on them, as `service.search.text.normalise` makes them (without case and
accents), and is known by its first 64 characters. All else ends it, apostrophes and hyphens too (``don't`` is ``don``
and ``t``), but soft hyphens and joiners, which nobody sees. In scripts without spaces between words, all that stands
between two other characters is one word.
"""

import re
import unicodedata
from functools import lru_cache
from html import unescape

from service.search.text import normalise

LONGEST_WORD = 64

_ASCII_WORD = re.compile(f"([a-z0-9]{{1,{LONGEST_WORD}}})[a-z0-9]*")
_RUN = re.compile("[a-z0-9\x80-\U0010ffff]+")
"""What the ASCII signs divide; other signs may divide it further."""
_UNSEEN = dict.fromkeys((0xAD, 0x200C, 0x200D, 0x2060, 0xFEFF, *range(0xFE00, 0xFE10)))
_MARKS = frozenset({"Mn", "Mc"})

_COMMENT = re.compile("<!--(?:.*?-->|.*)", re.DOTALL)
_LETTERS_ONLY = "a|abbr|acronym|b|bdo|big|cite|code|dfn|em|i|kbd|samp|small|span|strong|tt|var"
"""Elements that change how letters look and do not end a word."""
_REST_OF_TAG = r"""(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*>"""
_INNER_TAG = re.compile(rf"</?(?:{_LETTERS_ONLY})(?=[\s/>]){_REST_OF_TAG}")
_TAG = re.compile(rf"<{_REST_OF_TAG}")


def words(text: str) -> dict[str, None]:
    """Return the words of ``text``, each once, in the order in which they come."""
    lower = text.lower()
    if text.isascii():
        return dict.fromkeys(_ASCII_WORD.findall(lower))
    found: dict[str, None] = {}
    for run in dict.fromkeys(_RUN.findall(lower)):
        if run.isascii():
            found[run[:LONGEST_WORD]] = None
        else:
            found.update(_remembered(run) if len(run) <= LONGEST_WORD else _divided(run))
    return found


def shown_text(div: str) -> str:
    """Return the text that a narrative shows: no tags, attributes and comments, entities as characters."""
    text = _COMMENT.sub("", div) if "<!--" in div else div
    text = _TAG.sub(" ", _INNER_TAG.sub("", text))
    return unescape(text) if "&" in text else text


def _divided(run: str) -> dict[str, None]:
    signs = normalise(run.translate(_UNSEEN))
    parts = "".join([sign if sign.isalnum() or unicodedata.category(sign) in _MARKS else " " for sign in signs]).split()
    return {part[:LONGEST_WORD]: None for part in parts if any(map(str.isalnum, part))}


@lru_cache(maxsize=8192)
def _remembered(run: str) -> dict[str, None]:
    return _divided(run)
