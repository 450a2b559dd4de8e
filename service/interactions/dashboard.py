"""``$report``: what is published of the recovery-orientation audit as a page with pictures, or as CSV.

It is an operation of our own (https://w3id.org/recovery-plan/OperationDefinition/report); ``/reports`` is its address
for people.
"""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from service.fhir import json
from service.fhir.entry import Piece, Request, Response
from service.fhir.media_types import FHIR_JSON
from service.fhir.outcome import Issue, OutcomeError, did_you_mean, shown
from service.interactions.context import Context
from service.interactions.operation_input import read_input
from service.reporting.dashboard.composition import composed
from service.reporting.dashboard.drawn import NotDrawnError
from service.reporting.dashboard.figures import Figures
from service.reporting.dashboard.page import GROUPINGS, POLICY, page
from service.reporting.dashboard.published import figures
from service.reporting.dashboard.spreadsheet import spreadsheet
from service.reporting.measures.periods import Month

OPERATION = "https://w3id.org/recovery-plan/OperationDefinition/report"
INDICATORS = "https://w3id.org/recovery-plan/CodeSystem/audit-indicator"
AUDIT = "recovery-orientation-audit"
"""The logical id of the Measure."""
MONTHS, MOST_MONTHS = 12, 60
"""What is shown where nothing else is asked for, and at most."""
_HTML, _CSV = "text/html; charset=utf-8", "text/csv; charset=utf-8; header=present"
_FORMATS = {"html": _HTML, "text/html": _HTML, "csv": _CSV, "text/csv": _CSV}
"""In what the report comes as it is; who asks for a resource gets the page in a Binary."""
_BINARY = ("json", "application/json", FHIR_JSON)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be shown."""

    months: tuple[Month, ...]
    by: str | None
    """By what groups are made; None where nothing is said of it."""
    codes: tuple[str, ...]
    """The indicators that are wanted as CSV; all where there are none."""


async def report(request: Request, context: Context) -> Response:
    """Return the page or the CSV; raises OutcomeError where it cannot be asked for like that."""
    given = {item.name: str(item.value) for item in read_input(request, context.definitions.get(OPERATION), context)}
    asked = await read_asked(given, context)
    media_type = _media_type(request)
    found = await figures_of(asked, context)
    if media_type == _CSV:
        body = (await asyncio.to_thread(spreadsheet, found, asked.codes, asked.by)).encode()
        name = f'attachment; filename="recovery-orientation-{asked.months[-1]}.csv"'
        return _as_it_is(body, media_type, {"Content-Disposition": name})
    body = await _page(found, asked, given, context)
    if media_type == _HTML:
        return _as_it_is(body, media_type, {"Content-Security-Policy": POLICY})
    binary = {"resourceType": "Binary", "contentType": "text/html", "data": b64encode(body).decode()}
    return Response(200, json.dump(binary), touched=())


async def figures_of(asked: Asked, context: Context, counted: Callable[[int], None] = lambda _: None) -> Figures:
    """Return what is published for the months that are ``asked`` for, having told ``counted`` of each one."""
    audit = context.measures.audits[AUDIT]
    reports = []
    for month in asked.months:
        reports.append(await context.measures.published(audit, month.period))
        counted(1)
    descriptions = {indicator.code: indicator.description for indicator in audit.indicators}
    return figures(reports, context.definitions.get(INDICATORS), descriptions)


async def _page(found: Figures, asked: Asked, given: Mapping[str, str], context: Context) -> bytes:
    contents = await asyncio.to_thread(composed, found, asked.by or "")
    try:
        svgs = await context.drawings.svgs(contents.pictures)
    except NotDrawnError as error:
        raise RuntimeError("the pictures could not be drawn") from error
    return await asyncio.to_thread(page, contents, svgs, given)


async def read_asked(given: Mapping[str, str], context: Context) -> Asked:
    """Return what is to be shown; raises OutcomeError where there is no such thing."""
    by = given.get("by")
    if by is not None and by not in GROUPINGS:
        raise _wrong("by", f"{shown(by)}: Groups are made by {', '.join(GROUPINGS)}")
    known = {indicator.code for indicator in context.measures.audits[AUDIT].indicators}
    codes = tuple(filter(None, given.get("indicator", "").split(",")))
    for code in codes:
        if code not in known:
            raise _wrong("indicator", f"{shown(code)} is none of the indicators{did_you_mean(code, known)}")
    until = _until(given.get("until"), await context.measures.last_month())
    try:
        months = tuple(until.before(ago) for ago in reversed(range(_number(given.get("months")))))
    except ValueError:
        raise _wrong("until", f"{until}: The calendar does not go back that far") from None
    return Asked(months, by, codes)


def _number(text: str | None) -> int:
    if text is None:
        return MONTHS
    if not (text.isascii() and text.isdigit() and len(text) < 3 and 0 < int(text) <= MOST_MONTHS):
        raise _wrong("months", f"{shown(text)}: This is a number from 1 to {MOST_MONTHS}")
    return int(text)


def _until(text: str | None, newest: Month) -> Month:
    if text is None:
        return newest
    try:
        month = Month.read(text) if len(text) == len(str(newest)) else None
    except ValueError:
        month = None
    if month is None:
        raise _wrong("until", f"{shown(text)}: This is a month such as {newest}")
    if month > newest:
        raise _wrong("until", f"{shown(text)}: The last month that has ended is {newest}")
    return month


def _media_type(request: Request) -> str | None:
    """Return what the report comes as, None for a Binary; raises OutcomeError 406."""
    if request.format is not None:
        if request.format in _FORMATS or request.format in _BINARY:
            return _FORMATS.get(request.format)
        sentence = "A report comes as html, csv, or json, which is a Binary"
        raise OutcomeError(Issue("not-acceptable", sentence, "http._format"))
    names = [item.partition(";")[0].strip().lower() for item in request.accept.split(",")]
    return next((_FORMATS[name] for name in names if name in _FORMATS), None)


def _as_it_is(body: bytes, media_type: str, headers: Mapping[str, str]) -> Response:
    async def pieces() -> AsyncIterator[Piece]:
        yield Piece(body, ())

    return Response(200, pieces=pieces(), media_type=media_type, headers=headers, touched=())


def _wrong(name: str, sentence: str) -> OutcomeError:
    return OutcomeError(Issue("parameter-value", sentence, f"http.{name}"))
