"""The operators of ``_filter`` as searches of one parameter (https://hl7.org/fhir/R4/search_filter.html#ops)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from service.search.predicate import All, Any, LinkedTo, Not, OneOf, Predicate, StartsWith
from service.search.text import escape, split_unescaped

Ask = Callable[[str, str], Predicate]
"""Reads one ``name[:modifier]`` with its value as a search does; raises ValueError where that cannot be."""
TypeOf = Callable[[str], str]
"""Returns the type of the last search parameter of a path; raises ValueError where there is none."""


@dataclass(frozen=True, slots=True)
class _Question:
    """What an operator asks a search."""

    modifier: str = ""
    prefix: str = ""
    of_whole_text: bool = False
    is_negated: bool = False


_PRESENCE = {"true": _Question(":missing"), "false": _Question(":missing", is_negated=True)}
_PREFIXES = {name: _Question(prefix=name) for name in ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")}
_EQUALITY = {"eq": _Question(), "ne": _Question(is_negated=True)}
_QUESTIONS = {
    "string": {
        "eq": _Question(of_whole_text=True),
        "ne": _Question(of_whole_text=True, is_negated=True),
        "co": _Question(":contains"),
        "sw": _Question(),
    },
    "number": _PREFIXES,
    "date": _PREFIXES,
    "quantity": _PREFIXES,
    "token": {
        **_EQUALITY,
        "in": _Question(":in"),
        "ni": _Question(":in", is_negated=True),
        "ss": _Question(":below"),
        "sb": _Question(":above"),
    },
    "reference": {"re": _Question()},
    "uri": _EQUALITY,
    "composite": _EQUALITY,
}
OPERATORS = ("pr", *dict.fromkeys(name for questions in _QUESTIONS.values() for name in questions))
NOT_SUPPORTED = ("ew", "po")
_SYSTEMS = {
    "loinc": "http://loinc.org",
    "snomed": "http://snomed.info/sct",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "ucum": "http://unitsofmeasure.org",
}
_SHORT_SYSTEM = re.compile(rf"(?:^|(?<=\|))(?:{'|'.join(_SYSTEMS)})(?=\|)")
_WITH_SYSTEM = frozenset({"token", "quantity"})


def read_test(path: str, operator: str, value: str, ask: Ask, type_of: TypeOf) -> Predicate:
    """Return what a test of a filter demands; raises ValueError where it cannot be read."""
    of_type = type_of(path)
    question = _question(path, operator, value, of_type)
    if operator == "pr":
        found = ask(path + question.modifier, "false")
    else:
        found = ask(path + question.modifier, question.prefix + _as_in_a_search(value, of_type))
    if question.of_whole_text:
        found = _of_whole_text(found)
    return Not(found) if question.is_negated else found


def _question(path: str, operator: str, value: str, of_type: str) -> _Question:
    questions = _QUESTIONS.get(of_type)
    if questions is None:
        raise ValueError(f"{path} cannot be used in a filter")
    if operator == "pr":
        if value.lower() not in _PRESENCE:
            raise ValueError("pr is followed by true or false")
        return _PRESENCE[value.lower()]
    if operator not in questions:
        known = ", ".join([*questions, "pr"])
        raise ValueError(f"{operator} cannot be used with {path}, which is of type {of_type}, only {known}")
    return questions[operator]


def _as_in_a_search(value: str, of_type: str) -> str:
    if of_type == "string":
        return escape(value)
    if len(split_unescaped(value, ",")) > 1:
        raise ValueError(r"This is one value (join tests with or to ask for several; \, stands for a comma in a value)")
    if of_type in _WITH_SYSTEM:
        return _SHORT_SYSTEM.sub(lambda name: _SYSTEMS[name[0]], value, count=1)
    return value


def _of_whole_text(found: Predicate) -> Predicate:
    """Return ``found``, which asks for texts by their start, as what asks for those that are no longer than that."""
    match found:
        case StartsWith(field, text):
            return OneOf(field, (text,))
        case All(parts):
            return All(tuple(map(_of_whole_text, parts)))
        case Any(parts):
            return Any(tuple(map(_of_whole_text, parts)))
        case LinkedTo():
            return replace(found, part=_of_whole_text(found.part))
        case _:
            return found
