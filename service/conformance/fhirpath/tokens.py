"""The tokens of FHIRPath (http://hl7.org/fhirpath/N1/grammar.html)."""

import re
from typing import NamedTuple

_ESCAPED = {"f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_TOKEN = re.compile(
    r"""(?P<gap>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<text>'(?:[^'\\]|\\.)*')
    |(?P<delimited>`(?:[^`\\]|\\.)*`)
    |(?P<variable>%(?:[A-Za-z_]\w*|`[^`]*`|'[^']*')|\$[a-z]+)
    |(?P<moment>@(?:\d{4}(?:-\d\d(?:-\d\d)?)?)?(?:T(?:\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?)?)?)
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<mark>[!<>]=|!~|[-+*/&|=~<>().,\[\]{}])""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)


class Token(NamedTuple):
    """A piece of an expression: ``kind`` is the name of its group in the pattern."""

    kind: str
    text: str


def tokens(expression: str) -> list[Token]:
    """Return the tokens of ``expression`` without gaps and comments; raises ValueError where there is none."""
    found = []
    position = 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None:
            raise ValueError(f"{expression[position:]!r} is not supported in {expression!r}")
        position = match.end()
        if match.lastgroup != "gap":
            found.append(Token(str(match.lastgroup), match.group()))
    return found


def unquoted(text: str) -> str:
    """Return what a quoted text or name stands for."""
    return re.sub(r"\\(u[0-9A-Fa-f]{4}|.)", _character, text[1:-1], flags=re.DOTALL)


def _character(match: re.Match[str]) -> str:
    mark = match[1]
    return chr(int(mark[1:], 16)) if len(mark) == 5 else _ESCAPED.get(mark, mark)
