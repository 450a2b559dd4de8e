"""What a call of an operation gives, as its definition names it (https://hl7.org/fhir/R4/operations.html#executing).

Parameters come in the address, as far as their types are written as one text, or in a Parameters resource.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from service.conformance.definitions import Definition
from service.fhir.datetimes import moment_of, stretch
from service.fhir.entry import Request
from service.fhir.outcome import LONGEST_VALUE, MOST_SHOWN, Issue, OutcomeError, did_you_mean, shown
from service.interactions.context import Context

_ZONE = re.compile(r"(Z|[+-]\d\d:\d\d)$")
_NOW = timedelta(minutes=2)
"""What is settled is so much behind the clock at most, unless the database lags."""
PAGE = "_page"
"""The parameter of our own with which links lead to other pages."""


class Given(NamedTuple):
    """A parameter that is given: its value, None where it has none of its type, and where it stands."""

    name: str
    value: Any
    place: str


def read_input(request: Request, operation: Definition, context: Context) -> list[Given]:
    """Return what ``request`` gives of the parameters of ``operation``.

    Raises OutcomeError where one is unknown, is given too often, lacks its value, or is missing.
    """
    known = {item["name"]: item for item in operation["parameter"] if item["use"] == "in"}
    in_address = [Given(name, text, f"http.{shown(name)}") for name, text in request.parameters]
    given = [*in_address, *_parts(request.resource, known, context)]
    issues = [*_unusable(given, known, operation["code"], context), *_missing(given, known)]
    if issues:
        raise OutcomeError(*issues)
    return given


def moment_given(given: Given) -> datetime:
    """Return the moment that a parameter gives; raises OutcomeError where it is none, or a time of no zone.

    What a client means by a time without its zone would be guessed, and hours be missed or told twice.
    """
    text = str(given.value)
    try:
        if "T" in text and not _ZONE.search(text):
            raise ValueError(text)
        return moment_of(stretch(text)[0])
    except (ValueError, OverflowError):
        sentence = (
            f"{given.name} is a FHIR instant, with its zone, such as 2026-11-01T09:30:00Z; in an address a plus sign "
            "is written %2B"
        )
        raise OutcomeError(Issue("parameter-value", sentence, given.place)) from None


def refuse_the_future(name: str, moment: datetime | None, settled: datetime) -> None:
    """Raise OutcomeError where nothing can have come since ``moment``, because it lies ahead of what is settled.

    Who goes by the clock of this machine, or by a moment that it has told, is never refused.
    """
    if moment is not None and moment > settled + _NOW:
        sentence = (
            f"{name} lies ahead of the clock here, so nothing can have changed since; ask from a moment in the past"
        )
        raise OutcomeError(Issue("parameter-value", sentence, f"http.{name}"))


def _parts(body: Any, known: dict[str, Definition], context: Context) -> Iterator[Given]:
    """Yield what a Parameters resource gives; raises OutcomeError where it is none, or not shaped as one."""
    if body is None:
        return
    if not isinstance(body, dict) or body.get("resourceType") != "Parameters":
        raise OutcomeError(
            Issue("resource-type", "The body is Parameters, or there is none", "Parameters.resourceType")
        )
    issues = [issue for issue in context.validator.issues(body) if issue.is_error]
    if issues:
        raise OutcomeError(*issues)
    for number, part in enumerate(body.get("parameter", [])):
        value = part.get(_member(known[part["name"]])) if part["name"] in known else None
        yield Given(part["name"], value, f"Parameters.parameter[{number}]")


def _unusable(given: list[Given], known: dict[str, Definition], code: str, context: Context) -> Iterator[Issue]:
    times = Counter(item.name for item in given)
    for name, value, place in given[:MOST_SHOWN]:
        if name not in known and name != PAGE:
            hint = did_you_mean(name[:LONGEST_VALUE], known)
            yield Issue("unknown-parameter", f"${code} takes no parameter {shown(name)}{hint}", place)
        elif times[name] > 1 and (name == PAGE or known[name]["max"] == "1"):
            yield Issue("parameter-value", f"{name}: This parameter is given twice", place)
        if name in known and not _is_of(known[name], value, context):
            sentence = f"{name}: This parameter is given as {_member(known[name])} in Parameters"
            yield Issue("parameter-value", sentence, place)


def _missing(given: list[Given], known: dict[str, Definition]) -> Iterator[Issue]:
    names = {item.name for item in given}
    for name, parameter in known.items():
        if parameter["min"] > 0 and name not in names:
            yield Issue("parameter-value", f"{name}: This parameter must be there", "Parameters.parameter")


def _is_of(parameter: Definition, value: Any, context: Context) -> bool:
    """Return whether there is a value, which of a type with elements is no text."""
    return value is not None and (context.structures.is_primitive(parameter["type"]) or isinstance(value, dict))


def _member(parameter: Definition) -> str:
    name: str = parameter["type"]
    return f"value{name[0].upper()}{name[1:]}"
