"""search-type: GET [base]/[type]?… and POST [base]/[type]/_search (https://hl7.org/fhir/R4/http.html#search)."""

from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from service.fhir import json
from service.fhir.bundle import MATCH, OUTCOME, Entry, Link, bundle
from service.fhir.entry import Parameters, Request, Response
from service.fhir.outcome import operation_outcome
from service.interactions.context import Context
from service.interactions.representation import VIEW, View, split_view
from service.search.predicate import Predicate
from service.search.request import SearchRequest
from service.search.source import SortKey
from service.store.cursor import page_token, read_page_token


class Match(Protocol):
    """A resource that was found."""

    @property
    def type(self) -> str:
        """The resource type."""

    @property
    def id(self) -> str:
        """The logical id."""

    @property
    def body(self) -> bytes | None:
        """The JSON text."""


class Page(Protocol):
    """Matches of a search, and the place of the last one where more follow."""

    @property
    def matches(self) -> Sequence[Match]:
        """The matches in order."""

    @property
    def place(self) -> list[Any] | None:
        """Where the next page begins, None on the last."""


class Searched(Protocol):
    """Where resources are searched: the store, or the definitions that the service holds."""

    async def search(
        self, resource_type: str, predicate: Predicate, sort: Sequence[SortKey], count: int, after: list[Any] | None
    ) -> Page:
        """Return at most ``count`` matches in the order of ``sort``, from the place ``after`` on."""

    async def count(self, resource_type: str, predicate: Predicate) -> int:
        """Return how many resources match."""


async def search_type(request: Request, context: Context) -> Response:
    """Return a page of matches as a Bundle of type searchset; raises OutcomeError for what cannot be asked."""
    return await _search(request, context, context.store)


async def search_published(request: Request, context: Context) -> Response:
    """Return a page of the definitions that match; raises OutcomeError for what cannot be asked."""
    return await _search(request, context, context.published)


async def _search(request: Request, context: Context, where: Searched) -> Response:
    resource_type = request.path[0]
    view, parameters = split_view(resource_type, request.parameters, context)
    search = context.parsers[resource_type].parse(parameters, lenient=request.preferences.lenient)
    applied = search.applied + [(name, value) for name, value in request.parameters if name in VIEW]
    query = f"{resource_type}?{_encoded(applied)}"
    if search.count == 0 or (view is not None and view.counts_only):
        matches = await where.count(resource_type, search.predicate)
        return _answer([], [("self", f"{request.base}/{query}")], matches, search)
    place = read_page_token(context.page_secret, query, search.page) if search.page is not None else None
    page = await where.search(resource_type, search.predicate, search.sort, search.count, place)
    total = await _total(resource_type, search, page, where)
    links = [("self", _link(request.base, query, search.page))]
    if page.place is not None:
        links.append(("next", _link(request.base, query, page_token(context.page_secret, query, page.place))))
    return _answer(_entries(request.base, page, view), links, total, search)


async def _total(resource_type: str, search: SearchRequest, page: Page, where: Searched) -> int | None:
    """Return the number of matches where it is asked for, or known because the first page holds them all."""
    if search.page is None and page.place is None:
        return len(page.matches)
    if search.total == "none":
        return None
    return await where.count(resource_type, search.predicate)


def _entries(base: str, page: Page, view: View | None) -> list[Entry]:
    return [
        Entry(f"{base}/{item.type}/{item.id}", view.render(item.body) if view else item.body, MATCH)
        for item in page.matches
        if item.body is not None
    ]


def _answer(entries: list[Entry], links: list[Link], total: int | None, search: SearchRequest) -> Response:
    if search.ignored:
        entries = [*entries, Entry(None, json.dump(operation_outcome(search.ignored)), OUTCOME)]
    return Response(200, bundle("searchset", entries, links=links, total=total))


def _link(base: str, query: str, page: str | None) -> str:
    if page is None:
        return f"{base}/{query}"
    return f"{base}/{query}{'' if query.endswith('?') else '&'}_page={page}"


def _encoded(parameters: Parameters) -> str:
    return urlencode(parameters, safe="/:|,", quote_via=quote)
