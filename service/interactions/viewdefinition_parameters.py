"""What a run of a view is asked for (https://sql-on-fhir.org/ig/OperationDefinition-ViewDefinitionRun.html).

Beside the parameters of SQL on FHIR there are three of ours: ``view`` names a table, ``_until`` the moment whose state
it shows, and ``changes`` asks for the keys of what changed; and ``patient`` can be given several times.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from service.conformance.definitions import CANONICAL
from service.fhir.entry import Request
from service.fhir.outcome import Issue, OutcomeError, did_you_mean, shown
from service.fhir.reference import parse_reference
from service.interactions.bulk.export import PERSON, People
from service.interactions.context import Context
from service.interactions.operation_input import Given, moment_given, read_input
from service.reporting.views.definition import TYPE
from service.reporting.views.faults import ViewError
from service.reporting.views.formats import FORMATS, Format
from service.reporting.views.ready import Table

OPERATION = f"{CANONICAL}/OperationDefinition/viewdefinition-run"
LARGEST_LIMIT = 2**31 - 1
_RESOURCE = "viewResource"
_REFERENCES = ("viewReference", "patient", "group")
"""What an address writes as the text of a reference."""
_UNSUPPORTED = {
    "group": "No groups are kept here; name the people with patient",
    "resource": "Views are made of what is stored here; store the resources, or run the view where they are",
    "source": "Views are made of what is stored here, and of no other source",
}
_PART = re.compile(r"^Parameters\.parameter\[(\d+)\]")
_TRUTHS = {"true": True, "false": False, True: True, False: False}
_DEFAULT = "csv"


@dataclass(frozen=True, slots=True)
class Run:
    """What is asked for."""

    table: Table
    code: str
    """Of the format."""
    header: bool = True
    people: People | None = None
    """None for everybody."""
    since: datetime | None = None
    until: datetime | None = None
    """The moment whose state is shown; None for the latest that there is."""
    limit: int | None = None
    changes: bool = False
    """Whether only the keys of what changed are wanted."""

    @property
    def format(self) -> Format:
        """How the rows are written."""
        return FORMATS[self.code]

    @property
    def name(self) -> str:
        """The name of the file."""
        return f"{self.table[0].definition.name or 'view'}{'-changes' if self.changes else ''}.{self.code}"


def read_run(request: Request, context: Context) -> Run:
    """Return what ``request`` asks for; raises OutcomeError where that cannot be read, or not be done."""
    others, inline = _apart(request)
    given = _read(others, inline, context)
    by_name: dict[str, list[Given]] = {}
    for item in given:
        by_name.setdefault(item.name, []).append(item)
    issues = [
        Issue("view-unsupported", f"{name}: {sentence}", by_name[name][0].place)
        for name, sentence in _UNSUPPORTED.items()
        if name in by_name
    ]
    if issues:
        raise OutcomeError(*issues)
    one = {name: items[0] for name, items in by_name.items()}
    return Run(
        table=_table(inline, one, request, context),
        code=_code(one.get("_format"), request),
        header=_truth(one.get("header"), otherwise=True),
        people=_people(by_name.get("patient", ())),
        since=_moment(one.get("_since")),
        until=_moment(one.get("_until")),
        limit=_limit(one.get("_limit")),
        changes=_truth(one.get("changes"), otherwise=False),
    )


def _apart(request: Request) -> tuple[Request, list[tuple[int, Any]]]:
    """Return ``request`` without the ViewDefinitions in it, which are of no type that FHIR R4 has, and these."""
    body = request.resource
    parts = body.get("parameter") if isinstance(body, dict) else None
    if not isinstance(parts, list):
        return request, []
    inline = [
        (number, part.get("resource"))
        for number, part in enumerate(parts)
        if isinstance(part, dict) and part.get("name") == _RESOURCE
    ]
    taken = {number for number, _ in inline}
    rest = [part for number, part in enumerate(parts) if number not in taken]
    without = {key: value for key, value in body.items() if key != "parameter"}
    return replace(request, resource={**without, "parameter": rest} if rest else without), inline


def _read(request: Request, inline: list[tuple[int, Any]], context: Context) -> list[Given]:
    """Return the parameters but for ViewDefinitions; faults in them have the places that were sent."""
    places = [number for number, _ in inline]

    def sent(place: str | None) -> str | None:
        return None if place is None else _PART.sub(lambda match: _shifted(int(match[1]), places), place)

    references = [Given(name, text, f"http.{name}") for name, text in request.parameters if name in _REFERENCES]
    others = [(name, text) for name, text in request.parameters if name not in _REFERENCES]
    try:
        given = read_input(replace(request, parameters=others), context.definitions.get(OPERATION), context)
    except OutcomeError as error:
        raise error.told_as(replace(issue, expression=sent(issue.expression)) for issue in error.issues) from None
    return [*references, *(item._replace(place=sent(item.place) or "") for item in given)]


def _shifted(number: int, taken: list[int]) -> str:
    for place in taken:
        number += place <= number
    return f"Parameters.parameter[{number}]"


def _table(inline: list[tuple[int, Any]], given: dict[str, Given], request: Request, context: Context) -> Table:
    named = [given[name] for name in ("view", "viewReference") if name in given]
    if len(named) + len(inline) != 1:
        listed = ", ".join(context.tables.names)
        sentence = f"One view is run: named by view (one of {listed}), or given as viewResource in a POST"
        raise OutcomeError(Issue("parameter-value", sentence, named[0].place if named else "http.view"))
    if inline:
        return _defined(*inline[0], request, context)
    value = named[0].value
    text = str(value.get("reference", "")) if isinstance(value, dict) else str(value)
    table = context.tables.named(text)
    if table is None:
        hint = did_you_mean(text.rpartition("/")[2], context.tables.names)
        sentence = f"There is no view {shown(text)}{hint}; there are {', '.join(context.tables.names)}"
        raise OutcomeError(Issue("parameter-value", sentence, named[0].place))
    return table


def _defined(number: int, definition: Any, request: Request, context: Context) -> Table:
    """Return the table of a ViewDefinition; what is wrong with it is told with its place in the body, too."""
    try:
        return context.tables.defined(definition)
    except ViewError as error:
        around = f"Parameters.parameter[{number}].resource"
        places = [str(issue.expression).replace(TYPE, around, 1) for issue in error.issues]
        found = request.text.positions(places) if request.text else {}
        located = (replace(issue, position=found.get(place)) for issue, place in zip(error.issues, places, strict=True))
        raise OutcomeError(*located) from None


def _code(given: Given | None, request: Request) -> str:
    """Return the code of the format: that of ``_format``, or what Accept prefers."""
    if given is None and request.format is None:
        return _accepted(request.accept)
    text = str(given.value if given else request.format).strip()
    found = _format_called(text)
    if found is None:
        place = given.place if given else "http._format"
        raise OutcomeError(Issue("parameter-value", f"_format: A table is given out as {', '.join(FORMATS)}", place))
    return found


def _format_called(text: str) -> str | None:
    name = text.partition(";")[0].strip().lower().replace(" ", "+")
    return next((code for code, item in FORMATS.items() if name in (code, *item.accepted)), None)


def _accepted(accept: str) -> str:
    ranges = sorted((_range(text) for text in accept.split(",") if text.strip()), key=lambda item: -item[0])
    for weight, name in ranges:
        if weight <= 0:
            continue
        if name in ("*/*", "text/*"):
            return _DEFAULT
        code = _format_called(name)
        if code is not None:
            return code
    if not ranges:
        return _DEFAULT
    offered = ", ".join(kind for item in FORMATS.values() for kind in item.accepted)
    raise OutcomeError(Issue("not-acceptable", f"A table is given out as {offered}", "http.Accept"))


def _range(text: str) -> tuple[float, str]:
    name, *parameters = (part.strip().lower() for part in text.split(";"))
    weights = [part[2:] for part in parameters if part.startswith("q=")]
    try:
        return float(weights[0]) if weights else 1.0, name
    except ValueError:
        return 0.0, name


def _truth(given: Given | None, *, otherwise: bool) -> bool:
    if given is None:
        return otherwise
    if not isinstance(given.value, (str, bool)) or given.value not in _TRUTHS:
        raise OutcomeError(Issue("parameter-value", f"{given.name} is true or false", given.place))
    return _TRUTHS[given.value]


def _limit(given: Given | None) -> int | None:
    if given is None:
        return None
    text = str(given.value)
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 0 < int(text) <= LARGEST_LIMIT):
        raise OutcomeError(Issue("parameter-value", "_limit is a number of rows from 1 on", given.place))
    return int(text)


def _moment(given: Given | None) -> datetime | None:
    return None if given is None else moment_given(given)


def _people(given: Iterable[Given]) -> People | None:
    references = [_reference(item) for item in given]
    return People.named(references) if references else None


def _reference(given: Given) -> dict[str, Any]:
    value = given.value
    if isinstance(value, str):
        value = {"reference": value if "/" in value else f"{PERSON}/{value}"}
    literal = parse_reference(str(value.get("reference", "")))
    is_known_by_number = all(value.get("identifier", {}).get(name) for name in ("system", "value"))
    if not is_known_by_number and (literal is None or literal.type != PERSON):
        sentence = "patient: This names a person, such as Patient/1"
        raise OutcomeError(Issue("parameter-value", sentence, given.place))
    return dict(value)
