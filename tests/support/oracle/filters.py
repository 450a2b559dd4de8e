"""``_filter`` in the subset that the service states: https://hl7.org/fhir/R4/search_filter.html.

Every test becomes a criterion of a search without ``_filter``; ``and`` and ``or`` are taken from left to right.
"""

import json
import re
from collections.abc import Callable

Criterion = Callable[[str, str], bool]
Ask = Callable[[str, str, str], bool]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[()]|[^\s()]+')
_SYSTEMS = {
    "loinc": "http://loinc.org",
    "snomed": "http://snomed.info/sct",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "ucum": "http://unitsofmeasure.org",
}
_OPPOSITES = {"ne": "eq", "ni": "in"}
_MODIFIERS = {"co": ":contains", "in": ":in", "ss": ":below", "sb": ":above"}
_ORDERED = ("number", "date", "quantity")


def filter_holds(text: str, fulfils: Criterion, type_of: Callable[[str], str]) -> bool:
    """Return whether a filter holds, where ``fulfils`` answers a criterion and ``type_of`` knows the parameters."""

    def ask(path: str, operator: str, value: str) -> bool:
        kind = type_of(re.split("[.:]", path)[-1])
        if operator == "pr":
            return fulfils(f"{path}:missing", "false") == (value == "true")
        if operator in _OPPOSITES and kind not in _ORDERED:
            return not ask(path, _OPPOSITES[operator], value)
        if kind in _ORDERED:
            return fulfils(path, operator + _named(value))
        if kind == "string":
            modifier = ":whole" if operator == "eq" else _MODIFIERS.get(operator, "")
            return fulfils(path + modifier, re.sub(r"([\\,|$])", r"\\\1", value))
        return fulfils(path + _MODIFIERS.get(operator, ""), _named(value) if kind == "token" else value)

    ahead = _TOKEN.findall(text)
    found = _expression(ahead, ask)
    assert not ahead, text
    return found


def _named(value: str) -> str:
    """Return a token or quantity with the address of a code system that is given by its short name."""
    parts = re.split(r"(?<!\\)\|", value)
    return "|".join([_SYSTEMS.get(part, part) for part in parts[:-1]] + parts[-1:])


def _expression(ahead: list[str], ask: Ask) -> bool:
    found = _test(ahead, ask)
    while ahead and ahead[0] != ")":
        word = ahead.pop(0).lower()
        following = _test(ahead, ask)
        found = (found and following) if word == "and" else (found or following)
    return found


def _test(ahead: list[str], ask: Ask) -> bool:
    word = ahead.pop(0)
    if word == "(":
        found = _expression(ahead, ask)
        assert ahead.pop(0) == ")"
        return found
    if word.lower() == "not":
        return not _test(ahead, ask)
    operator, value = ahead.pop(0).lower(), ahead.pop(0)
    return ask(word, operator, json.loads(value) if value.startswith('"') else value)
