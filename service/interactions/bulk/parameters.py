"""The parameters of an export (https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters).

What cannot be done is refused before a job is made. A lenient client is told in a file of its export what was left out.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from service.conformance.definitions import Definition
from service.fhir.entry import Request, read_query
from service.fhir.media_types import NDJSON
from service.fhir.outcome import Issue, OutcomeError, did_you_mean, shown
from service.interactions.bulk.export import Export, People
from service.interactions.bulk.selection import may_export
from service.interactions.context import Context
from service.interactions.operation_input import Given, moment_given, read_input
from service.interactions.representation import Views
from service.interactions.search import encoded
from service.search.predicate import asks_others
from service.search.request import RESULT_PARAMETERS, SearchRequest

FORMATS = (NDJSON, "application/ndjson", "ndjson")
_BETWEEN_QUERIES = re.compile(r",(?=[A-Za-z]+\?)")
"""What parts two queries; other commas stand in one of them."""
_TYPE, _FILTER, _ELEMENTS, _SINCE, _FORMAT, _PERSON = (
    *("_type", "_typeFilter", "_elements", "_since", "_outputFormat", "patient"),
)

Listed = list[tuple[str, str]]
"""Texts of a parameter that takes several, each with the place where it stands."""


def read_export(
    request: Request, operation: Definition, known: Sequence[str], context: Context, *, of_people: bool
) -> Export:
    """Return what ``request`` asks for, which is resources of ``known`` types.

    Raises OutcomeError where that cannot be done, and 403 where it is not for the client.
    """
    url = f"{request.base}/{'/'.join(request.path)}"
    asked, ignored = _understood(request, operation)
    given = read_input(asked, operation, context)
    for item in _of(_FORMAT, given):
        _check_format(item)
    types, unknown = _types(_listed(_TYPE, given), known, request, context)
    filters, dropped = _filters(_queries(given), types, request, context)
    elements = ",".join(text for text, _ in _listed(_ELEMENTS, given)) or None
    if elements and types:
        Views([(_ELEMENTS, elements)], types, context)
    since = [moment_given(item) for item in _of(_SINCE, given)]
    return Export(
        url=f"{url}?{encoded(asked.parameters)}" if asked.parameters else url,  # what is not known may be a token
        base=request.base,
        types=tuple(types),
        since=since[0] if since else None,
        filters=tuple(filters),
        elements=elements,
        people=_people(_of(_PERSON, given)) if of_people else None,
        ignored=tuple(replace(issue, severity="warning") for issue in (*ignored, *unknown, *dropped)),
        is_redacted=context.answers_are_redacted,
    )


def _understood(request: Request, operation: Definition) -> tuple[Request, list[Issue]]:
    """Return ``request`` without what is not known, where the client is lenient, and what that was."""
    if not request.preferences.lenient:
        return request, []
    known = {item["name"] for item in operation["parameter"]}
    unknown = [(name, f"http.{shown(name)}") for name, _ in request.parameters if name not in known]
    body = request.resource
    if isinstance(body, dict) and isinstance(parts := body.get("parameter"), list):
        names = [part.get("name") if isinstance(part, dict) else None for part in parts]
        strange = {number for number, name in enumerate(names) if isinstance(name, str) and name not in known}
        unknown += [(str(names[number]), f"Parameters.parameter[{number}]") for number in sorted(strange)]
        kept = [part for number, part in enumerate(parts) if number not in strange]
        body = {name: value for name, value in body.items() if name != "parameter"} | (
            {"parameter": kept} if kept else {}
        )
    parameters = [item for item in request.parameters if item[0] in known]
    sentence = "$export takes no such parameter, so it was left out"
    ignored = [Issue("unknown-parameter", f"{shown(name)}: {sentence}", place) for name, place in unknown]
    return replace(request, parameters=parameters, resource=body), ignored


def _of(name: str, given: Iterable[Given]) -> list[Given]:
    return [item for item in given if item.name == name]


def _listed(name: str, given: Iterable[Given]) -> Listed:
    """Return the texts of a parameter, whether they come with commas between them or one by one."""
    texts = [(text.strip(), item.place) for item in _of(name, given) for text in str(item.value).split(",")]
    return [(text, place) for text, place in texts if text]


def _queries(given: Iterable[Given]) -> Listed:
    return [(text, item.place) for item in _of(_FILTER, given) for text in _BETWEEN_QUERIES.split(str(item.value))]


def _check_format(given: Given) -> None:
    if str(given.value).replace(" ", "+") not in FORMATS:  # a plus sign that was not escaped
        sentence = f"{_FORMAT}: Files are written as {', '.join(FORMATS[:-1])} or {FORMATS[-1]}, which is all the same"
        raise OutcomeError(Issue("parameter-value", sentence, given.place))


def _types(named: Listed, known: Sequence[str], request: Request, context: Context) -> tuple[list[str], list[Issue]]:
    """Return the types that are wanted, and what is wrong with others; raises OutcomeError, 403 for what is kept."""
    if not named:
        return [name for name in known if may_export(name, context)], []
    issues = [
        Issue("parameter-value", f"{_TYPE}: {shown(name)} is not exported here{did_you_mean(name, known)}", place)
        for name, place in named
        if name not in known
    ]
    if issues and not request.preferences.lenient:
        raise OutcomeError(*issues)
    wanted = [name for name in known if name in dict(named)]
    for name in wanted:
        if not may_export(name, context):
            sentence = f"To export {name} takes that resources of it may be read and searched for"
            raise OutcomeError(Issue("forbidden", sentence, dict(named)[name]))
    return wanted, issues


def _filters(
    queries: Listed, types: Sequence[str], request: Request, context: Context
) -> tuple[list[tuple[str, str]], list[Issue]]:
    """Return the searches by type, and what a lenient client asked there in vain; raises OutcomeError."""
    found: list[tuple[str, str]] = []
    issues: list[Issue] = []
    for text, place in queries:
        name, _, query = text.partition("?")
        if name not in types:
            issues.append(Issue("parameter-value", f"{_FILTER}: {shown(text)} is no search of what is exported", place))
            continue
        search = _search(name, query, place, request, context)
        found.append((name, encoded(search.applied)))
        issues += [replace(issue, expression=place) for issue in search.ignored]
    if issues and not request.preferences.lenient:
        raise OutcomeError(*issues)
    return found, issues


def _search(resource_type: str, query: str, place: str, request: Request, context: Context) -> SearchRequest:
    """Return what ``query`` asks for; raises OutcomeError for what cannot be told of one resource by itself."""
    try:
        parameters = read_query(query)
    except ValueError:
        sentence = f"{_FILTER}: This is a search such as {resource_type}?_id=1, percent-encoded once for itself"
        raise OutcomeError(Issue("parameter-value", sentence, place)) from None
    results = [name for name, _ in parameters if name.partition(":")[0] in RESULT_PARAMETERS]
    if results:
        sentence = f"{_FILTER}: {shown(results[0])} says how results come, not which resources are exported"
        raise OutcomeError(Issue("parameter-value", sentence, place))
    lenient = request.preferences.lenient
    try:
        search = context.search_parser.parse(parameters, [resource_type], base=request.base, lenient=lenient)
    except OutcomeError as error:
        raise error.told_as(replace(issue, expression=place) for issue in error.issues) from None
    if asks_others(search.predicates[resource_type]):
        sentence = f"{_FILTER}: What is exported is told by each resource itself, so this takes no chains and no _has"
        raise OutcomeError(Issue("parameter-value", sentence, place))
    return search


def _people(given: list[Given]) -> People:
    try:
        return People.named([item.value for item in given])
    except ValueError as error:
        raise OutcomeError(Issue("parameter-value", f"{_PERSON}: {error}", "Parameters.parameter")) from None
