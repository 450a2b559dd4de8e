"""The values of one search parameter in a query, as a predicate."""

from collections.abc import Callable

from service.conformance.search_parameters import SearchParameter
from service.search import fields
from service.search.predicate import NOTHING, Member, OneOf, Predicate, Present, StartsWith, any_of
from service.search.text import split_unescaped
from service.search.types import date, number, string, token, uri
from service.search.types.reference import References

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")

MOST_VALUES = 1_000
"""Values of one parameter, with commas between."""


class ValueReader:
    """Reads values as the server that ``references`` know understands them; ``now`` gives microseconds since 1970."""

    def __init__(self, references: References, now: Callable[[], int]) -> None:
        self._references = references
        self._now = now
        self._readers: dict[str, Callable[[SearchParameter, str], Predicate]] = {
            "date": self._bounded,
            "number": self._bounded,
            "reference": self._reference,
            "string": _string,
            "token": _token,
            "uri": _uri,
        }

    def predicate(self, parameter: SearchParameter, text: str) -> Predicate:
        """Return what ``text``, values with commas between, demands; raises ValueError where one cannot be read."""
        values = split_unescaped(text, ",")
        if len(values) > MOST_VALUES:
            raise ValueError(f"At most {MOST_VALUES} values can be asked for at once")
        if not all(values):
            raise ValueError("A value is empty; leave the parameter out to search without it")
        return any_of(self._readers[parameter.type](parameter, value) for value in values)

    def _reference(self, parameter: SearchParameter, text: str) -> Predicate:
        return _one_of(parameter, self._references.query_words(parameter, text))

    def _bounded(self, parameter: SearchParameter, text: str) -> Predicate:
        prefix, value = (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)
        if value[:1].isalpha():
            raise ValueError(f"The prefix is not one of: {', '.join(PREFIXES)}")
        field = fields.own_field(parameter)
        lo, hi = (f"{field}.lo", f"{field}.hi") if parameter.single else ("lo", "hi")
        if parameter.type == "date":
            condition = date.predicate(prefix, lo, hi, date.query_stretch(value), self._now())
        else:
            condition = number.predicate(prefix, lo, hi, number.query_number(value))
        return condition if parameter.single else Member(field, condition)


def _token(parameter: SearchParameter, text: str) -> Predicate:
    if fields.has_own_field(parameter):
        field, wanted = fields.own_field(parameter), token.scalar_words(parameter, text)
        return Present(field) if wanted is None else OneOf(field, wanted) if wanted else NOTHING
    form, is_start = token.query_word(text)
    return StartsWith(fields.WORDS, fields.word(parameter.code, form)) if is_start else _one_of(parameter, (form,))


def _string(parameter: SearchParameter, text: str) -> Predicate:
    return StartsWith(fields.WORDS, fields.word(parameter.code, string.query_start(text)))


def _uri(parameter: SearchParameter, text: str) -> Predicate:
    return _one_of(parameter, uri.query_words(text))


def _one_of(parameter: SearchParameter, forms: tuple[str, ...]) -> Predicate:
    if fields.has_own_field(parameter):
        return OneOf(fields.own_field(parameter), forms)
    return OneOf(fields.WORDS, tuple(fields.word(parameter.code, form) for form in forms))
