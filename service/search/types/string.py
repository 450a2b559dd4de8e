"""Search type string: texts by how they start, whatever their case and accents (https://hl7.org/fhir/R4/search.html#string).

A value is written as ``=normalised text``, and as ``:exact=`` with each character as it is.
"""

from hashlib import sha256

from service.conformance.search_parameters import SearchParameter
from service.search import fields
from service.search.modifier import Knowledge, Modifier, Modifiers
from service.search.predicate import Contains, OneOf, Predicate
from service.search.text import normalise, unescape

_LONGEST = 200
"""Characters that stand in the index as they are; a longer text is followed by its digest."""


def words_and_keys(value: str) -> tuple[list[str], list[str]]:
    """Return the forms of a text, and what it is sorted by."""
    normal = normalise(value)
    return [f"={normal}", _exact_form(value)], [normal]


def _start(parameter: SearchParameter, text: str, _: Knowledge) -> Predicate:
    return fields.starting(parameter, f"={_comparable(text)}")


def _exact(parameter: SearchParameter, text: str, _: Knowledge) -> Predicate:
    return OneOf(fields.WORDS, (fields.word(parameter, _exact_form(unescape(text))),))


def _part(parameter: SearchParameter, text: str, _: Knowledge) -> Predicate:
    return Contains(fields.WORDS, fields.word(parameter, "="), _comparable(text))


MODIFIERS: Modifiers = {"": Modifier(_start), "exact": Modifier(_exact), "contains": Modifier(_part)}


def _comparable(text: str) -> str:
    """Return ``text`` as it is compared; raises ValueError where nothing of it can be."""
    normal = normalise(unescape(text))
    if not normal:
        raise ValueError("The text holds nothing that could be compared")
    return normal


def _exact_form(text: str) -> str:
    if len(text) <= _LONGEST:
        return f":exact={text}"
    return f":exact={text[:_LONGEST]}#{sha256(text.encode()).hexdigest()}"
