"""Primitive data types: which JSON value is one, by the official regular expressions (https://hl7.org/fhir/R4/datatypes.html)."""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from typing import Any

from service.conformance.definitions import Definitions
from service.fhir.datetimes import stretch
from service.fhir.json import Number

Check = Callable[[Any], bool]

LONGEST_TEXT = 1024 * 1024
"""Characters of a string; https://hl7.org/fhir/R4/datatypes.html#string"""

_REGEX = "http://hl7.org/fhir/StructureDefinition/regex"
_TEXTS = {"string", "markdown"}
_TIMES = {"date", "dateTime", "instant"}
_INTEGERS = {"integer": (-(2**31), 2**31 - 1), "positiveInt": (1, 2**31 - 1), "unsignedInt": (0, 2**31 - 1)}


def primitive_checks(definitions: Definitions) -> dict[str, Check]:
    """Return for each primitive type a function that tells whether a JSON value is written as that type."""
    checks: dict[str, Check] = {}
    for definition in definitions.of_type("StructureDefinition"):
        if definition["kind"] == "primitive-type":
            checks[definition["type"]] = _check(definition["type"], _regex(definition))
    return checks


def _check(name: str, regex: str | None) -> Check:
    if name in _TEXTS:
        # their expression only demands a character, and costs time on long texts
        return lambda value: type(value) is str and 0 < len(value) <= LONGEST_TEXT
    if name == "xhtml":
        return _is_text
    if name == "boolean":
        return lambda value: value is True or value is False
    if name == "decimal":
        return lambda value: type(value) is int or type(value) is Number
    if name in _INTEGERS:
        lowest, highest = _INTEGERS[name]
        return lambda value: type(value) is int and lowest <= value <= highest
    if name == "base64Binary":
        return _is_base64  # the official expression takes exponential time on white space
    if regex is None:
        raise LookupError(f"The definition of {name} gives no regular expression")
    matches = re.compile(regex, re.ASCII).fullmatch
    if name in _TIMES:
        return lambda value: type(value) is str and matches(value) is not None and _is_in_calendar(value)
    return lambda value: type(value) is str and value != "" and matches(value) is not None


def _regex(definition: dict[str, Any]) -> str | None:
    name = definition["type"]
    for element in definition["snapshot"]["element"]:
        if element["path"] == f"{name}.value":
            extensions = element["type"][0]["extension"]
            return next((item["valueString"] for item in extensions if item["url"] == _REGEX), None)
    return None


def _is_text(value: Any) -> bool:
    return type(value) is str and value != ""


def _is_base64(value: Any) -> bool:
    if type(value) is not str or not value.strip():
        return False
    try:
        b64decode("".join(value.split()), validate=True)
    except (Base64Error, ValueError):
        return False
    return True


def _is_in_calendar(text: str) -> bool:
    try:
        stretch(text)
    except ValueError:
        return False
    return True
