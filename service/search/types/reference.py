"""Search type reference: to resources here and elsewhere (https://hl7.org/fhir/R4/search.html#reference).

A reference to this server is written as ``=Type/id``, whether it was given relative or absolute; one to another server
stays as it is. One that names a version is written as ``:version=`` as well, by which that version alone is found. A
canonical is written with and without its version, a logical reference as ``:identifier=``.
"""

from typing import Any

from service.conformance.search_parameters import SearchParameter
from service.fhir.reference import is_id
from service.search import fields
from service.search.modifier import Knowledge, Modifier, Modifiers
from service.search.predicate import OneOf, Predicate, StartsWith, any_of
from service.search.references import References
from service.search.text import unescape
from service.search.types import token


def words_and_keys(references: References, value: Any) -> tuple[list[str], list[str]]:
    """Return the forms of a Reference or a canonical, and what it is sorted by."""
    normal = references.scalar(value)
    forms = [] if normal is None else [f"={normal}"]
    if isinstance(value, str) and "|" in value:
        forms.append(f"={references.addresses.normal(value.partition('|')[0])}")
    return forms + more_forms(references, value), [] if normal is None else [normal]


def more_forms(references: References, value: Any) -> list[str]:
    """Return the forms of the version that a Reference names, and of the identifier in it."""
    version = references.versioned(value)
    return [*([] if version is None else [f":version={version}"]), *_identifier_forms(value)]


def _identifier_forms(value: Any) -> list[str]:
    identifier = value.get("identifier") if isinstance(value, dict) else None
    return [f":identifier={form}" for form in token.identifier_forms(identifier)] if identifier else []


def _plain(parameter: SearchParameter, text: str, knowledge: Knowledge) -> Predicate:
    version = knowledge.references.versioned(unescape(text))
    if version is not None:
        return OneOf(fields.WORDS, (fields.word(parameter, f":version={version}"),))
    return fields.equal(parameter, knowledge.references.asked(parameter, text))


def _identifier(parameter: SearchParameter, text: str, _: Knowledge) -> Predicate:
    form, is_start = token.query_form(text)
    word = fields.word(parameter, f":identifier={form}")
    return StartsWith(fields.WORDS, word) if is_start else OneOf(fields.WORDS, (word,))


def _versions(parameter: SearchParameter, text: str, knowledge: Knowledge) -> Predicate:
    normal = knowledge.references.addresses.normal(unescape(text))
    exactly = fields.equal(parameter, [normal])
    return any_of([exactly, fields.starting(parameter, f"={normal}.")]) if "|" in normal else exactly


MODIFIERS: Modifiers = {
    "": Modifier(_plain),
    "identifier": Modifier(_identifier),
    "below": Modifier(_versions),
}


def of_type(resource_type: str) -> Modifier:
    """Return the modifier that takes an id as one of ``resource_type``."""

    def read(parameter: SearchParameter, text: str, _: Knowledge) -> Predicate:
        if not is_id(unescape(text)):
            raise ValueError(f"With :{resource_type} this is the id alone")
        return fields.equal(parameter, [f"{resource_type}/{unescape(text)}"])

    return Modifier(read)
