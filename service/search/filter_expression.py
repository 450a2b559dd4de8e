r"""The parameter ``_filter`` (https://hl7.org/fhir/R4/search_filter.html), in the subset that is said here.

A filter is one test or several, joined by ``and`` and ``or``, which are taken from left to right without precedence,
as the page says; ``(…)`` groups, ``not (…)`` negates. A test is ``path operator value`` with white space between. The
case of these words and of the operators does not matter.

A **path** is the name of a search parameter, or a chain of them: ``goal.category``, ``goal:Goal.category``.

A **value** ends at white space or ``)`` and may not hold ``]``, or it is a JSON string, ``"sleep (8 h)"``; both mean
the same. It is always one value. For parameters of type string each character stands for itself; for all others it is
written as in a search without ``_filter``: ``\,`` is a comma, ``\|`` a bar, ``\$`` a dollar sign, ``\\`` a backslash,
and ``,`` alone is refused. The systems ``loinc|``, ``snomed|``, ``rxnorm|`` and ``ucum|`` of tokens and quantities are
short for those of LOINC, SNOMED CT, RxNorm and UCUM. Case and accents count where they do in such a search.

The **operators**, by the type of the last parameter of the path (here ``x``), and the search that they mean:

======================  ======================  ==================================================================
any type below          ``pr true``             ``x:missing=false``
any type below          ``pr false``            ``not (x pr true)``
string                  ``sw``, ``co``          ``x=value`` (starts with), ``x:contains=value``
string                  ``eq``                  the whole text is the value, whatever case, accents and white space
number, date, quantity  ``eq ne gt lt ge le``,  ``x=`` with this prefix before the value; of several values of a
                        ``sa eb ap``            resource one has to fit, also for ``ne``
token                   ``eq``                  ``x=value``
token                   ``in``                  ``x:in=value``
token                   ``ss``                  ``x:below=value``: the value subsumes what the resource says
token                   ``sb``                  ``x:above=value``: the value is subsumed by what the resource says
token                   ``ni``                  ``not (x in value)``
reference               ``re``                  ``x=value``
uri, composite          ``eq``                  ``x=value``
string, token, uri,     ``ne``                  ``not (x eq value)``
composite
======================  ======================  ==================================================================

So ``ni``, and ``ne`` in the last line, hold where no value of the resource is as said, be it that there is none; with
a chain, where no value is of any of the resources that it leads to. With a chain, ``pr`` asks whether one of those has
a value.

All else is refused: ``ew`` and ``po``; an operator with a type where the table does not have it; parameters of type
special; ``path[filter].name``; modifiers and ``_has`` in a path.
"""

import re
from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder

from service.search.expression import MARKS, Token, read_expression, refusal
from service.search.filter_operators import NOT_SUPPORTED, OPERATORS, Ask, TypeOf, read_test
from service.search.predicate import Predicate

_TEST = "a test (parameter, operator, value)"
_SPACE = re.compile(r"\s*")
_MARK = re.compile(r"[()]|(?:and|or)(?=[\s(]|$)|not(?=\s*\()", re.IGNORECASE)
_NAME = "[A-Za-z_][A-Za-z0-9_-]*+"
_PATH = re.compile(rf"(?:{_NAME}(?::[A-Z][A-Za-z]*+)?\.)*{_NAME}")  # (…)*+ fails in Python before 3.11.5
_OPERATOR = re.compile(r"\s+([A-Za-z]+)(?=[\s)]|$)\s*")
_TOKEN = re.compile(r"[^\s\])]+")
_JSON = JSONDecoder()
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


def read_filter(text: str, ask: Ask, type_of: TypeOf) -> Predicate:
    """Return what the filter ``text`` demands; raises ValueError that says where it cannot be read, and why.

    Of ``ask`` and ``type_of`` no other error is caught.
    """
    return read_expression(_tokens(text, ask, type_of), _TEST)


def _tokens(text: str, ask: Ask, type_of: TypeOf) -> Iterator[Token]:
    at = _after_space(text, 0)
    while at < len(text):
        mark = _MARK.match(text, at)
        if mark is not None:
            yield Token(at, MARKS[mark[0].lower()])
            end = mark.end()
        else:
            path, operator_at = _path(text, at)
            operator, value_at = _operator(text, operator_at)
            value, end = _value(text, value_at)
            try:
                test = read_test(path, operator, value, ask, type_of)
            except ValueError as error:
                raise refusal(at, f"starts a test that cannot be read: {error}") from error
            yield Token(at, test)
        at = _after_space(text, end)


def _path(text: str, at: int) -> tuple[str, int]:
    """Return the path at the character ``at``, and where it ends."""
    path = _PATH.match(text, at)
    if path is None:
        raise refusal(at, f"cannot stand here: {_TEST} is expected")
    if path[0].lower() == "not":
        raise refusal(path.end(), "cannot stand here: after not comes an opening parenthesis")
    after = text[path.end() : path.end() + 1]
    if after == "[":
        raise refusal(path.end(), "starts a filter in a path, which is not supported: only names, with dots between")
    if after == ":":
        raise refusal(path.end(), "starts a modifier, which no path can have: say it with an operator")
    return path[0], path.end()


def _operator(text: str, at: int) -> tuple[str, int]:
    """Return the operator that follows a path, and where its value starts."""
    operator = _OPERATOR.match(text, at)
    name = operator[1].lower() if operator else ""
    if operator is None or name not in OPERATORS:
        wrong = f"starts {name}, which is not supported" if name in NOT_SUPPORTED else "cannot stand here"
        raise refusal(_after_space(text, at), f"{wrong}: an operator is expected, one of {', '.join(OPERATORS)}")
    return name, operator.end()


def _value(text: str, at: int) -> tuple[str, int]:
    """Return the value at the character ``at``, and where it ends."""
    if text.startswith('"', at):
        try:
            value, end = _JSON.raw_decode(text, at)
        except JSONDecodeError as error:
            raise refusal(error.pos, "cannot be read: a value in quotation marks is a JSON string") from None
    else:
        token = _TOKEN.match(text, at)
        if token is None:
            raise refusal(at, "cannot stand here: a value is expected")
        value, end = token[0], token.end()
    if end < len(text) and text[end] != ")" and not text[end].isspace():
        raise refusal(end, "cannot stand here: after a value comes white space or a closing parenthesis")
    if _NO_TEXT.search(value):
        raise refusal(at, "starts a value with a character that no text can have: NUL, or half of a surrogate pair")
    return value, end


def _after_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    assert space is not None
    return space.end()
