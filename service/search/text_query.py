"""The parameters ``_text`` and ``_content`` (https://hl7.org/fhir/R4/search.html#content): words that texts hold.

``_text`` looks in the narrative, ``_content`` in all texts (`service.search.content`), for whole words as
`service.search.words` makes them. Several words all have to be there, in any order. ``and`` and ``or`` may be in any
case, as in the example of the specification, ``(bone OR liver) and metastases``; ``NOT`` must be in capitals, for *not*
is a word too. ``-word`` means ``NOT word``, and ``-(…)`` means ``NOT (…)``. All are taken from left to right without
precedence: ``a OR b c`` is ``(a OR b) and c``. Other signs only divide words: ``well-being`` is ``(well and being)``.

Refused are phrases in quotation marks, ``*``, and what only excludes: each alternative needs a word that has to be
there.
"""

import re
from collections.abc import Iterator

from service.search import fields
from service.search.expression import MARKS, Token, read_expression, refusal
from service.search.predicate import All, Any, OneOf, Predicate
from service.search.words import words

_CHUNK = re.compile(r"[()]|[^\s()]+")
_NOT_UNDERSTOOD = re.compile('["“”„*]')


def read_text_query(text: str, kinds: str) -> Predicate:
    """Return what the query ``text`` demands of terms of ``kinds``; raises ValueError where it cannot be read.

    The kinds are the letters that such terms start with: ``t`` for ``_text``, ``tc`` for ``_content``.
    """
    query = read_expression(_with_and(_tokens(text, kinds)), "a word")
    if not _demands_a_word(query):
        raise ValueError("This only excludes words; say one that has to be there, in each alternative of OR")
    return query


def _with_and(tokens: Iterator[Token]) -> Iterator[Token]:
    """Yield ``tokens`` with the and that is not written between two words."""
    after_word = False
    for token in tokens:
        if after_word and token.part not in ("and", "or", ")"):
            yield Token(token.at, "and")
        yield token
        after_word = token.part == ")" or not isinstance(token.part, str)


def _tokens(text: str, kinds: str) -> Iterator[Token]:
    for chunk in _CHUNK.finditer(text):
        at, name = chunk.start(), chunk[0].lower()
        if name in MARKS and (name != "not" or chunk[0] == "NOT"):
            yield Token(at, MARKS[name])
        elif name == "-" and text.startswith("(", chunk.end()):
            yield Token(at, "not")
        else:
            yield from _words_in(chunk[0], at, kinds)


def _words_in(chunk: str, at: int, kinds: str) -> Iterator[Token]:
    sign = _NOT_UNDERSTOOD.search(chunk)
    if sign:
        raise refusal(at + sign.start(), "is not understood: each word is looked for alone and whole")
    demanded = [OneOf(fields.TERMS, tuple(f"{kind}|{word}" for kind in kinds)) for word in words(chunk)]
    if demanded and chunk.startswith("-"):
        yield Token(at, "not")
    if len(demanded) > 1:
        yield Token(at, "(")
    for each in demanded:
        yield Token(at, each)
    if len(demanded) > 1:
        yield Token(at, ")")


def _demands_a_word(query: Predicate) -> bool:
    match query:
        case All(parts):
            return any(map(_demands_a_word, parts))
        case Any(parts):
            return all(map(_demands_a_word, parts))
        case _:
            return isinstance(query, OneOf)
