"""transaction: all entries or none, references between them resolved (https://hl7.org/fhir/R4/http.html#trules)."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from service.fhir.entry import Preferences, Request, Response
from service.fhir.outcome import Issue, OutcomeError, shown
from service.interactions.checks import refuse_errors, write_issues
from service.interactions.context import Context
from service.interactions.entries import BundleEntry, prefixed
from service.interactions.entry_links import EntryLinks
from service.interactions.perform import perform
from service.interactions.surroundings import Surroundings
from service.store.resources import ResourceStore

_SHORT = Preferences("minimal")
"""What the answer to a transaction says of what it stored, unless the client asks for more."""
_ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "GET": 3}


async def transaction(entries: list[BundleEntry], context: Context) -> list[Response]:
    """Return the responses in the order of ``entries``, all of them done.

    Raises OutcomeError, with nothing done: for all that is wrong with the entries as they stand, or for the first that
    cannot be performed.
    """
    requests = [entry.request for entry in entries if entry.request is not None]
    refuse_errors([*(issue for entry in entries for issue in entry.issues), *_unserved(entries, context)])
    for request in requests:
        request.new_id = context.new_id() if _creates(request) else None
    refuse_errors([*_same_targets(entries, requests), *await _resource_issues(entries, requests, context)])
    order = sorted(range(len(requests)), key=lambda number: _ORDER[requests[number].method])

    async def work(store: ResourceStore) -> dict[int, Response]:
        bound = replace(context, store=store)
        return {number: await _one(entries[number], requests[number], bound) for number in order}

    done = await context.store.transaction(work)
    return [done[number] for number in range(len(requests))]


async def _one(entry: BundleEntry, request: Request, context: Context) -> Response:
    try:
        return await perform(request, context)
    except OutcomeError as error:
        raise OutcomeError(*prefixed(error.issues, entry.place), headers=error.headers) from error


def _unserved(entries: list[BundleEntry], context: Context) -> Iterable[Issue]:
    served = ", ".join(context.search_parser.types)
    for entry, request in ((entry, entry.request) for entry in entries if entry.request is not None):
        of_compartment = request.path[0] in context.compartments and len(request.path) > 2
        if not of_compartment and request.path[0] not in (*context.search_parser.types, "metadata"):
            sentence = f"{shown(request.path[0])} is not served here; served are {served}"
            yield Issue("entry-type", sentence, f"{entry.place}.request.url")


def _creates(request: Request) -> bool:
    return request.method == "POST" and len(request.path) == 1  # and not a search by POST


def _stores(request: Request) -> bool:
    return request.method == "PUT" or _creates(request)


def _target(request: Request) -> str | None:
    """Return ``Type/id`` of the resource that a request writes, or None."""
    if request.new_id is not None:
        return f"{request.path[0]}/{request.new_id}"
    is_write = request.method in ("PUT", "DELETE") and len(request.path) == 2
    return "/".join(request.path) if is_write else None


def _same_targets(entries: list[BundleEntry], requests: list[Request]) -> Iterable[Issue]:
    targets: set[str] = set()
    full_urls: set[str] = set()
    for entry, request in zip(entries, requests, strict=True):
        target = _target(request)
        if target in targets:
            sentence = "Another entry of this transaction writes the same resource"
            yield Issue("entry-duplicate", sentence, f"{entry.place}.request.url")
        if target is not None and entry.full_url in full_urls:
            yield Issue("entry-duplicate", "Another entry has the same fullUrl", f"{entry.place}.fullUrl")
        if target is not None:
            targets.add(target)
            full_urls |= {entry.full_url} if entry.full_url else set()


async def _resource_issues(entries: list[BundleEntry], requests: list[Request], context: Context) -> list[Issue]:
    """Return what is wrong with the resources that are to be written, and remember of each what only warns."""
    pairs = list(zip(entries, requests, strict=True))
    links = EntryLinks({entry.full_url: target for entry, request in pairs if (target := _target(request))})
    writes = [(entry, request) for entry, request in pairs if _stores(request)]
    issues = [issue for entry, request in writes for issue in links.rewrite(request.resource, entry, context)]
    surroundings = Surroundings(context.store, _written(requests))
    placed = [(request, f"{entry.place}.resource") for entry, request in writes]
    for (request, _), found in zip(placed, await write_issues(placed, context, surroundings), strict=True):
        request.warnings = tuple(issue for issue in found if not issue.is_error)
        issues += found
        if request.preferences.returns is None:
            request.preferences = _SHORT
    return issues


def _written(requests: list[Request]) -> dict[str, Any]:
    """Return by ``Type/id`` what will be when all ``requests`` are done, None where nothing will."""
    return {target: _content(request) for request in requests if (target := _target(request))}


def _content(request: Request) -> dict[str, Any] | None:
    """Return what a request writes, which of a malformed resource is nothing that others could look at."""
    if not _stores(request):
        return None
    return request.resource if isinstance(request.resource, dict) else {}
