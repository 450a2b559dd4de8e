"""Search type token: codes, codings, identifiers, booleans (https://hl7.org/fhir/R4/search.html#token).

A value is written as ``code`` and as ``system|code``, or ``|code`` where it has no system; a query for ``system|``
looks for the words that start so.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from service.conformance.search_parameters import SearchParameter
from service.search.text import split_unescaped, unescape

SCALARS = frozenset({"code", "id", "boolean", "string", "uri"})
"""Types of one plain value, which is stored as it is when a resource can have only one."""


def words_and_keys(parameter: SearchParameter, of_type: str, value: Any) -> tuple[list[str], list[str]] | tuple[()]:
    """Return the forms of ``value``, an element of the FHIR type ``of_type``, and the codes by which it is sorted."""
    codings = list(_codings(parameter, of_type, value))
    words = [form for system, code in codings for form in _forms(system, code)]
    return (words, [code for _, code in codings if code is not None]) if words else ()


def scalar(value: Any) -> str:
    """Return a plain value as it is stored alone."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def scalar_words(parameter: SearchParameter, text: str) -> tuple[str, ...] | None:
    """Return the values that ``text`` asks of a parameter stored as a plain value; None stands for any."""
    system, code = _parts(text)
    if system and system not in parameter.systems:
        return ()
    if system == "" and parameter.systems:
        return ()
    return (code,) if code else None


def query_word(text: str) -> tuple[str, bool]:
    """Return the form that ``text`` asks for, and whether it is only the start of it."""
    system, code = _parts(text)
    if system is None:
        return _one_part(code), False
    return f"{_one_part(system)}|{_one_part(code)}", not code


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


def _codings(parameter: SearchParameter, of_type: str, value: Any) -> Iterator[tuple[str | None, str | None]]:
    """Yield system and code of all that ``value`` says."""
    if of_type == "CodeableConcept":
        for coding in value.get("coding", ()):
            yield coding.get("system"), coding.get("code")
    elif of_type == "Coding":
        yield value.get("system"), value.get("code")
    elif of_type == "Identifier":
        yield value.get("system"), value.get("value")
    else:
        for system in parameter.systems or {None}:
            yield system, scalar(value)


@lru_cache(maxsize=4096)
def _forms(system: str | None, code: str | None) -> tuple[str, ...]:
    if code is not None:
        return _one_part(code), f"{_one_part(system or '')}|{_one_part(code)}"
    return (f"{_one_part(system)}|",) if system else ()


def _one_part(text: str) -> str:
    r"""Return ``text`` with ``\|`` for ``|``: a code that holds one must not be taken for system and code."""
    return text.replace("\\", r"\\").replace("|", r"\|") if "|" in text or "\\" in text else text
