"""Searches of a type, of the whole system and of a compartment (https://hl7.org/fhir/R4/http.html#search)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote, urlencode

from service.fhir import json
from service.fhir.bundle import INCLUDE, MATCH, OUTCOME, Entry, Link, bundle
from service.fhir.entry import Parameters, Request, Response
from service.fhir.outcome import Issue, OutcomeError, did_you_mean, operation_outcome, shown
from service.interactions.contained import contained_entries, with_contained
from service.interactions.context import Context
from service.interactions.explanation import explanation
from service.interactions.included import included
from service.interactions.paging import Paging
from service.interactions.representation import Views
from service.interactions.searched import Match, Searched
from service.search import fields
from service.search.predicate import Predicate, all_of, any_of
from service.search.request import SearchRequest
from service.search.source import Source

_TYPE = "_type"
_NEWEST_FIRST = ("-date", "-_lastUpdated")


async def search_type(request: Request, context: Context) -> Response:
    """Return a page of matches as a Bundle of type searchset; raises OutcomeError for what cannot be asked."""
    return await _search(request, context, [request.path[0]], request.parameters)


async def search_system(request: Request, context: Context) -> Response:
    """Return a page of matches among the resources of the types in ``_type``, or of all that are stored."""
    types, parameters = types_asked(request.parameters, context.definitions.stored_types)
    return await _search(request, context, types, parameters)


async def search_compartment(request: Request, context: Context) -> Response:
    """Return a page of matches among what belongs to a person or practitioner, whether or not they are stored here."""
    kind, resource_id, wanted = request.path[:3]
    compartment = context.compartments[kind]
    types, parameters = (
        types_asked(request.parameters, compartment.parameters) if wanted == "*" else ([wanted], request.parameters)
    )
    within: dict[str, Predicate] = {}
    for name in types:
        known = context.search_parser.types[name]
        links = [known[code] for code in compartment.parameters[name]]
        within[name] = any_of(fields.equal(link, [f"{kind}/{resource_id}"]) for link in links)
        await context.readiness.require(name, compartment.parameters[name])
    return await _search(request, context, types, parameters, within)


async def search_published(request: Request, context: Context) -> Response:
    """Return a page of the definitions that match; raises OutcomeError for what cannot be asked."""
    return await _search(request, context, [request.path[0]], request.parameters)


async def search_recorded(request: Request, context: Context) -> Response:
    """Return a page of the AuditEvents that match, the newest first; raises OutcomeError for what cannot be asked."""
    if any(name == "_sort" and text not in _NEWEST_FIRST for name, text in request.parameters):
        sentence = f"_sort: The audit is read from its end, so its order is one of: {', '.join(_NEWEST_FIRST)}"
        raise OutcomeError(Issue("parameter-value", sentence, "http._sort"))
    return await _search(request, context, [request.path[0]], request.parameters)


async def _search(
    request: Request,
    context: Context,
    types: Sequence[str],
    parameters: Parameters,
    within: Mapping[str, Predicate] | None = None,
) -> Response:
    views = Views(parameters, types, context)
    search = context.search_parser.parse(views.others, types, base=request.base, lenient=request.preferences.lenient)
    _check_view(views, search)
    for name, codes in search.used.items():
        await context.readiness.require(name, codes)
    sources = [_narrowed(source, within) for source in search.sources]
    if search.contained != "false":
        sources = with_contained(sources, search, context)
    known = (*search.applied, *views.applied)
    applied = [item for item in request.parameters if item in known or item not in parameters]
    path = "/".join(part for part in request.path if part != "_search")
    paging = Paging(context.page_secret, request.base, f"{path}?{encoded(applied)}", search)
    where = _searched(types[0], context)
    if search.explain:
        return await explanation(sources, search, paging, context)
    if search.count == 0 or views.counts_only:
        return _answer([], [paging.itself], await where.count(sources), search, context)
    page, total = await paging.read(where, sources)
    entries = _matches(request.base, page.matches, views)
    if search.contained != "false":
        entries = contained_entries(request.base, page.matches, search, views, context)
    more, cut = await included(request.base, page, search.includes, context)
    entries += [
        Entry(item.full_url, views.render(item.type, item.body), INCLUDE, touched=item.touched) for item in more
    ]
    told = replace(search, ignored=(*search.ignored, *cut))
    return _answer(entries, paging.links(page, total), total, told, context)


def _searched(resource_type: str, context: Context) -> Searched:
    """Return where resources of a type are searched."""
    if resource_type in context.definitions.recorded_types:
        return context.audited.seen_by(context.access)
    return context.published if context.published.holds_type(resource_type) else context.store


def types_asked(parameters: Parameters, known: Sequence[str] | Mapping[str, object]) -> tuple[list[str], Parameters]:
    """Return the types that ``_type`` names, all ``known`` ones where it is not given, and all other parameters."""
    asked = [text.split(",") for name, text in parameters if name == _TYPE]
    wanted = [name for name in known if all(name in names for names in asked)]
    for name in (name for names in asked for name in names):
        if name not in known:
            sentence = f"{_TYPE}: {shown(name)} is not searched here{did_you_mean(name, known)}"
            raise OutcomeError(Issue("parameter-value", sentence, f"http.{_TYPE}"))
    return wanted, [item for item in parameters if item[0] != _TYPE]


def _narrowed(source: Source, within: Mapping[str, Predicate] | None) -> Source:
    return replace(source, predicate=all_of([within[source.type], source.predicate])) if within else source


def _check_view(views: Views, search: SearchRequest) -> None:
    if views.summary == "text" and search.includes:
        sentence = "_summary=text shows matches alone; leave out _include and _revinclude"
        raise OutcomeError(Issue("parameter-value", sentence, "http._summary"))


def _matches(base: str, matches: Sequence[Match], views: Views) -> list[Entry]:
    return [
        Entry(f"{base}/{item.type}/{item.id}", views.render(item.type, item.body), MATCH, touched=item.touched)
        for item in matches
        if item.body is not None
    ]


def _answer(
    entries: list[Entry], links: list[Link], total: int | None, search: SearchRequest, context: Context
) -> Response:
    if search.ignored:
        entries = [*entries, Entry(None, json.dump(operation_outcome(search.ignored)), OUTCOME, touched=())]
    return bundle("searchset", entries, links=links, total=total, is_redacted=context.answers_are_redacted)


def encoded(parameters: Parameters) -> str:
    """Return ``parameters`` as the query of an address."""
    return urlencode(parameters, safe="/:|,", quote_via=quote)
