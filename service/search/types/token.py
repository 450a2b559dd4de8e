"""Search type token: codes, codings, identifiers, booleans (https://hl7.org/fhir/R4/search.html#token).

A value is written as ``=code`` and as ``=system|code``, or ``=|code`` where it has no system; a query for ``system|``
looks for the words that start so. The texts beside codes are written as ``:text=``, identifiers with their type as
``:of-type=``.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Any, TypeVar

from service.conformance.search_parameters import SearchParameter
from service.search import fields
from service.search.modifier import Knowledge, Modifier, Modifiers
from service.search.predicate import NOTHING, OneOf, Predicate
from service.search.text import normalise, split_unescaped, unescape

LONGEST_TEXT = 200
"""Normalised characters of the text beside a code that can be searched."""

T = TypeVar("T")
WordsAndKeys = tuple[list[str], list[str]]


def words_and_keys(parameter: SearchParameter, of_type: str) -> Callable[[Any], WordsAndKeys]:
    """Return what gives the forms of a value of the FHIR type ``of_type``, and the codes by which it is sorted."""
    return _OF_TYPE.get(of_type) or _of_code(parameter)


def identifier_forms(value: Any) -> Iterator[str]:
    """Yield the forms by which an Identifier is found: ``value``, ``system|value``, ``|value``."""
    yield from (form.removeprefix("=") for form in _forms(value.get("system"), value.get("value")))


def scalar(value: Any) -> str:
    """Return a plain value as it is stored alone."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def query_form(text: str) -> tuple[str, bool]:
    """Return the form that ``text`` asks for, and whether it is only the start of it."""
    system, code = _parts(text)
    if system is None:
        return _one_part(code), False
    return f"{_one_part(system)}|{_one_part(code)}", not code


def _plain(parameter: SearchParameter, text: str, _: Knowledge) -> Predicate:
    if fields.has_own_field(parameter):
        return _one_of(parameter, _scalars(parameter, text))
    form, is_start = query_form(text)
    return fields.starting(parameter, f"={form}") if is_start else fields.equal(parameter, [form])


def _with_text(parameter: SearchParameter, text: str, _: Knowledge) -> Predicate:
    start = normalise(unescape(text))
    if not start:
        raise ValueError("The text holds nothing that could be compared")
    if len(start) > LONGEST_TEXT:
        raise ValueError(f"The text has at most {LONGEST_TEXT} characters, for no more of each is compared")
    return fields.starting(parameter, f":text={start}")


def _of_type(parameter: SearchParameter, text: str, _: Knowledge) -> Predicate:
    parts = [unescape(part) for part in split_unescaped(text, "|")]
    if len(parts) != 3 or not all(parts):
        raise ValueError("This has the form system|code|value: the coding of the identifier's type, and its value")
    return OneOf(fields.WORDS, (fields.word(parameter, _typed_form(*parts)),))


def _in(parameter: SearchParameter, text: str, knowledge: Knowledge) -> Predicate:
    return _one_coding_of(
        parameter, _told(partial(knowledge.terminology.expansion, _value_set(unescape(text), knowledge)))
    )


def _below(parameter: SearchParameter, text: str, knowledge: Knowledge) -> Predicate:
    system, code = _concept(parameter, text)
    return _one_coding_of(
        parameter, [(system, each) for each in _told(partial(knowledge.terminology.subsumed_by, system, code))]
    )


def _above(parameter: SearchParameter, text: str, knowledge: Knowledge) -> Predicate:
    system, code = _concept(parameter, text)
    return _one_coding_of(
        parameter, [(system, each) for each in _told(partial(knowledge.terminology.subsuming, system, code))]
    )


MODIFIERS: Modifiers = {
    "": Modifier(_plain),
    "not": Modifier(_plain, negates=True),
    "text": Modifier(_with_text),
    "in": Modifier(_in),
    "not-in": Modifier(_in, negates=True),
    "below": Modifier(_below),
    "above": Modifier(_above),
    "of-type": Modifier(_of_type),
}


def _told(ask: Callable[[], frozenset[T]]) -> frozenset[T]:
    try:
        return ask()
    except LookupError as error:  # a value set or code system that is not held, or not in full
        raise ValueError(str(error)) from None


def _value_set(text: str, knowledge: Knowledge) -> str:
    """Return the canonical url of a value set that may be named by its address on this server."""
    local = knowledge.references.addresses.local(text)
    held = knowledge.terminology.url_at(local.type, local.id) if local else None
    return held or text


def _scalars(parameter: SearchParameter, text: str) -> list[str]:
    """Return the values that ``text`` asks of a parameter stored as a plain value."""
    system, code = _parts(text)
    if system:
        return sorted(each for its_system, each in parameter.codings if its_system == system and code in ("", each))
    return [code] if system is None or not parameter.codings else []


def _one_of(parameter: SearchParameter, values: Iterable[str]) -> Predicate:
    found = tuple(values)
    return fields.equal(parameter, found) if found else NOTHING


def _one_coding_of(parameter: SearchParameter, codings: Iterable[tuple[str, str]]) -> Predicate:
    if fields.has_own_field(parameter):
        return _one_of(parameter, sorted({code for _, code in parameter.codings.intersection(codings)}))
    return _one_of(parameter, sorted(f"{_one_part(system)}|{_one_part(code)}" for system, code in codings))


def _concept(parameter: SearchParameter, text: str) -> tuple[str, str]:
    system, code = _parts(text)
    if system is None and len(parameter.systems) == 1:
        (system,) = parameter.systems
    if not system or not code:
        raise ValueError("This has the form system|code")
    return system, code


def _parts(text: str) -> tuple[str | None, str]:
    """Return system and code: None for a missing system, an empty text for none."""
    first, *rest = split_unescaped(text, "|")
    if len(rest) > 1:
        raise ValueError("A token has the form code, system|code, |code or system|")
    if not rest:
        return None, unescape(first)
    if not first and not rest[0]:
        raise ValueError("A token needs a system or a code")
    return unescape(first), unescape(rest[0])


def _of_codings(codings: Sequence[dict[str, Any]], *texts: str) -> WordsAndKeys:
    """Return the forms of ``codings`` with the ``texts`` beside them, and their codes."""
    forms: list[str] = []
    beside: list[str] = []
    codes: list[str] = []
    for coding in codings:
        forms += _forms(coding.get("system"), coding.get("code"))
        if "code" in coding:
            codes.append(coding["code"])
        if "display" in coding:
            beside.append(_text_form(coding["display"]))
    return [*forms, *beside, *map(_text_form, texts)], codes


def _of_coding(coding: dict[str, Any]) -> WordsAndKeys:
    forms, codes = _of_codings([coding])
    has_none = coding.keys().isdisjoint(("system", "code"))  # such as a security label that is a text alone
    return [fields.BARE, *forms] if has_none else forms, codes


def _of_concept(concept: dict[str, Any]) -> WordsAndKeys:
    codings = concept.get("coding", ())
    return _of_codings(codings, concept["text"]) if "text" in concept else _of_codings(codings)


def _of_identifier(identifier: dict[str, Any]) -> WordsAndKeys:
    value, kind = identifier.get("value"), identifier.get("type", {})
    texts = [_text_form(kind["text"])] if "text" in kind else []
    forms = [*_forms(identifier.get("system"), value), *texts, *_typed_forms(identifier)]
    return forms, [] if value is None else [value]


def _of_code(parameter: SearchParameter) -> Callable[[Any], WordsAndKeys]:
    systems: dict[str, list[str]] = {}
    for system, code in sorted(parameter.codings):
        systems.setdefault(code, []).append(system)

    def of_code(value: Any) -> WordsAndKeys:
        code = scalar(value)
        return [form for system in systems.get(code, (None,)) for form in _forms(system, code)], [code]

    return of_code


def _of_contact(contact: dict[str, Any]) -> WordsAndKeys:
    """Return the forms of a telephone number or an address, which has no system."""
    value = contact.get("value")
    return list(_forms(None, value)), [] if value is None else [value]


_OF_TYPE = {
    "CodeableConcept": _of_concept,
    "Coding": _of_coding,
    "ContactPoint": _of_contact,
    "Identifier": _of_identifier,
}


def _typed_forms(identifier: dict[str, Any]) -> Iterator[str]:
    for coding in identifier.get("type", {}).get("coding", ()):
        if "system" in coding and "code" in coding and "value" in identifier:
            yield _typed_form(coding["system"], coding["code"], identifier["value"])


def _typed_form(system: str, code: str, value: str) -> str:
    return f":of-type={_one_part(system)}|{_one_part(code)}|{_one_part(value)}"


@lru_cache(maxsize=4096)
def _text_form(text: str) -> str:
    return f":text={normalise(text)[:LONGEST_TEXT]}"


@lru_cache(maxsize=4096)
def _forms(system: str | None, code: str | None) -> tuple[str, ...]:
    if code is not None:
        return f"={_one_part(code)}", f"={_one_part(system or '')}|{_one_part(code)}"
    return (f"={_one_part(system)}|",) if system else ()


def _one_part(text: str) -> str:
    r"""Return ``text`` with ``\|`` for ``|``: a code that holds one must not be taken for system and code."""
    return text.replace("\\", r"\\").replace("|", r"\|") if "|" in text or "\\" in text else text
