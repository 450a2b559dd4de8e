"""Texts in queries: escaping, and what counts as the same text (https://hl7.org/fhir/R4/search.html#escaping)."""

import re
import unicodedata
from operator import itemgetter

_ESCAPED = re.compile(r"\\([,|$\\])")
_ESCAPES = str.maketrans({sign: f"\\{sign}" for sign in ",|$\\"})


def split_unescaped(text: str, separator: str) -> list[str]:
    r"""Return the parts of ``text`` between separators; ``\`` before one makes it an ordinary character."""
    if "\\" not in text:
        return text.split(separator)
    parts: list[list[str]] = [[]]
    for piece in re.findall(r"\\.|.", text, re.DOTALL):
        if piece == separator:
            parts.append([])
        else:
            parts[-1].append(piece)
    return ["".join(part) for part in parts]


def unescape(text: str) -> str:
    r"""Return ``text`` with ``\,`` ``\|`` ``\$`` and ``\\`` as the characters that they stand for."""
    return _ESCAPED.sub(itemgetter(1), text) if "\\" in text else text


def escape(text: str) -> str:
    r"""Return ``text`` with ``\`` before each character that separates values: what ``unescape`` undoes."""
    return text.translate(_ESCAPES)


def normalise(text: str) -> str:
    """Return ``text`` without case, accents and repeated white space: two texts that read alike are equal."""
    if text.isascii():  # it has neither accents nor letters of compatibility
        return " ".join(text.lower().split())
    compatible = unicodedata.normalize("NFKD", text).casefold()  # first, for a letter such as ℌ has no case of its own
    letters = unicodedata.normalize("NFKD", compatible)
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())
