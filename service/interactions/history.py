"""history: GET [base]/[type]/[id]/_history, [type]/_history, _history (https://hl7.org/fhir/R4/http.html#history)."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import quote, urlencode

from service.fhir.bundle import Entry, Link, bundle
from service.fhir.datetimes import instant, microseconds
from service.fhir.entry import Parameters, Request, Response
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.context import Context
from service.interactions.history_parameters import read_parameters
from service.interactions.page_links import PageLinks
from service.interactions.representation import Views
from service.store.document import Stored
from service.store.history import EVERY, LATEST, Versions
from service.store.reading import PastMomentError

_DELETED, _CREATED, _CHANGED = (
    f"{status.value} {status.phrase}" for status in (HTTPStatus.NO_CONTENT, HTTPStatus.CREATED, HTTPStatus.OK)
)


async def history_instance(request: Request, context: Context) -> Response:
    """Return a page of the versions of a resource as a Bundle of type history; raises OutcomeError 404.

    Its ``total`` is the number of all versions; with ``_since`` or ``_at``, or where some may be kept from the client,
    only a page that is the only one has it.
    """
    resource_type, resource_id = request.path[:2]
    asked = read_parameters(request.parameters, [resource_type], context)
    links = _links(request, asked.page, context)
    token = links.token
    found = await context.store.versions(
        resource_type, resource_id, asked.count, token.place, within=asked.within, newest=token.total or LATEST
    )
    if found is None:
        raise OutcomeError(Issue("unknown-resource", f"There is no {resource_type} with this id"))
    newest = token.total or found.newest
    is_whole = asked.within == EVERY and context.access.seen("r", resource_type) is None
    total = newest if is_whole else _total(found, asked.count)
    around = links.around(replace(token, total=newest), found.before, found.after)
    return _answer(request, found, around, total, asked.views, context)


async def history_type(request: Request, context: Context) -> Response:
    """Return a page of the versions of all resources of a type, deletions among them, as a Bundle of type history.

    Its ``total`` is told where one page holds all of them; otherwise they would have to be counted one by one. Raises
    OutcomeError 410 where the database no longer keeps the state that the page is to show.
    """
    return await _history(request, [request.path[0]], context)


async def history_system(request: Request, context: Context) -> Response:
    """Return a page of the versions of all resources, as `history_type` does for those of one type."""
    return await _history(request, context.definitions.stored_types, context)


async def _history(request: Request, types: Sequence[str], context: Context) -> Response:
    asked = read_parameters(request.parameters, types, context)
    links = _links(request, asked.page, context)
    token = links.token
    for name in types:
        await context.readiness.require(name, ["_lastUpdated"])
    try:
        found = await context.store.history(
            types, asked.count, token.place, within=asked.within.seen_at(token.until), at=token.moment
        )
    except PastMomentError:
        raise links.expired(microseconds(links.shown) if token.until is None else token.until) from None
    around = links.around(replace(token, moment=found.moment), found.before, found.after)
    return _answer(request, found, around, _total(found, asked.count), asked.views, context)


def _links(request: Request, page: str | None, context: Context) -> PageLinks:
    return PageLinks(context.page_secret, request.base, _query(request.path, request.parameters), page)


def _query(path: Sequence[str], parameters: Parameters) -> str:
    kept = [(name, value) for name, value in parameters if name != "_page"]
    return "/".join(path) + (f"?{urlencode(kept, quote_via=quote)}" if kept else "")


def _total(found: Versions, count: int) -> int | None:
    """Return how many versions there are where one page holds all of them."""
    return len(found.versions) if count and found.before is found.after is None else None


def _answer(
    request: Request, found: Versions, links: list[Link], total: int | None, views: Views, context: Context
) -> Response:
    entries = [_entry(request.base, version, views) for version in found.versions]
    return bundle("history", entries, links=links, total=total, is_redacted=context.answers_are_redacted)


def _entry(base: str, version: Stored, views: Views) -> Entry:
    status = _DELETED if version.deleted else _CREATED if version.created else _CHANGED
    address = f"{version.type}/{version.id}"
    role = (
        f'"request":{{"method":"{version.method}","url":"{version.type if version.method == "POST" else address}"}},'
        f'"response":{{"status":"{status}","etag":"W/\\"{version.version}\\"",'
        f'"lastModified":"{instant(version.last_updated)}"}}'
    )
    body = version.body and views.render(version.type, version.body)
    return Entry(f"{base}/{address}", body, role.encode(), touched=version.touched)
