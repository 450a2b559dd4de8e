"""The functions of FHIRPath over single values: texts and conversions (http://hl7.org/fhirpath/N1/#string-manipulation)."""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from service.conformance.fhirpath.collection import Collection, EvaluationError, Scope
from service.conformance.fhirpath.functions.invocation import Function, Invocation, demand
from service.conformance.fhirpath.kinds import SYSTEM
from service.conformance.fhirpath.moments import Moment
from service.conformance.fhirpath.system import is_number

_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
_GROUP = re.compile(r"\$\{?(\w+)\}?")


def _of_text(make: Callable[..., Any], result: str, takes: str = "") -> Function:
    """Return the function that makes of a text, and of arguments of the types in ``takes``, a ``result``."""

    def function(call: Invocation) -> Collection:
        demand(call.of, call.name, "String", "Date", "DateTime", "Time")
        value = call.of.value
        numbers = range(len(call.arguments))
        arguments = [call.integer(number) if takes[number] == "i" else call.text(number) for number in numbers]
        literals = [call.argument(number).literal for number in numbers]
        if None not in literals:
            make("", *literals)  # a pattern that is none is an error already now

        def item(focus: Any, scope: Scope) -> Any:
            found = value(focus, scope)
            if found is None:
                return None
            text = found.text if isinstance(found, Moment) else found
            if type(text) is not str:
                raise EvaluationError
            given = [argument(focus, scope) for argument in arguments]
            return None if None in given else make(text, *given)

        return Collection((SYSTEM[result],), item=item)

    return function


def _join(call: Invocation) -> Collection:
    demand(call.of, call.name, "String")
    values = call.of.values
    separator = call.text(0) if call.arguments else None

    def item(focus: Any, scope: Scope) -> str | None:
        texts = values(focus, scope)
        between = separator(focus, scope) if separator else ""
        if any(type(text) is not str for text in texts):
            raise EvaluationError
        return between.join(texts) if texts and between is not None else None

    return Collection((SYSTEM["String"],), item=item)


def _conversion(convert: Callable[[Any], Any], result: str) -> Function:
    def function(call: Invocation) -> Collection:
        value = call.of.value
        return Collection(
            (SYSTEM[result],),
            item=lambda focus, scope: None if (found := value(focus, scope)) is None else convert(found),
        )

    return function


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.DOTALL)
    except re.error as error:
        raise EvaluationError(f"{text!r} is no pattern: {error}") from None


def _matches(text: str, pattern: str) -> bool:
    """Whether ``pattern`` is found anywhere: an expression that means the whole says so by ``^`` and ``$``."""
    return _pattern(pattern).search(text) is not None


def _replace_matches(text: str, pattern: str, substitution: str) -> str:
    return _pattern(pattern).sub(_GROUP.sub(r"\\g<\1>", substitution.replace("\\", "\\\\")), text)


def _substring(text: str, start: int, length: int | None = None) -> str | None:
    if not 0 <= start < len(text):
        return None
    return text[start:] if length is None else text[start : start + max(length, 0)]


def _to_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Moment):
        return value.text
    return str(value) if isinstance(value, str) or is_number(value) else None


def _to_integer(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value) if _INTEGER.fullmatch(value) and abs(Decimal(value)) < 2**31 else None
    return int(value) if isinstance(value, int) else None


def _to_decimal(value: Any) -> Decimal | None:
    if isinstance(value, str):
        return Decimal(value) if _DECIMAL.fullmatch(value) else None
    return Decimal(value) if isinstance(value, (int, Decimal)) else None


TEXTS: dict[str, tuple[Function, range]] = {
    "contains": (_of_text(lambda text, part: part in text, "Boolean", "s"), range(1, 2)),
    "endsWith": (_of_text(str.endswith, "Boolean", "s"), range(1, 2)),
    "indexOf": (_of_text(str.find, "Integer", "s"), range(1, 2)),
    "join": (_join, range(2)),
    "length": (_of_text(len, "Integer"), range(1)),
    "lower": (_of_text(str.lower, "String"), range(1)),
    "matches": (_of_text(_matches, "Boolean", "s"), range(1, 2)),
    "replace": (_of_text(str.replace, "String", "ss"), range(2, 3)),
    "replaceMatches": (_of_text(_replace_matches, "String", "ss"), range(2, 3)),
    "startsWith": (_of_text(str.startswith, "Boolean", "s"), range(1, 2)),
    "substring": (_of_text(_substring, "String", "ii"), range(1, 3)),
    "toDecimal": (_conversion(_to_decimal, "Decimal"), range(1)),
    "toInteger": (_conversion(_to_integer, "Integer"), range(1)),
    "toString": (_conversion(_to_text, "String"), range(1)),
    "upper": (_of_text(str.upper, "String"), range(1)),
}
"""Each function by its name, and how many arguments it can have."""
