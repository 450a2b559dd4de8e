"""transaction: all entries or none, references between them resolved (https://hl7.org/fhir/R4/http.html#trules)."""

import re
from collections.abc import Iterable
from dataclasses import replace

from service.conformance.links import Targets, places_of
from service.fhir.entry import Preferences, Request, Response
from service.fhir.outcome import Issue, OutcomeError, shown
from service.fhir.reference import parse_reference
from service.interactions.checks import resource_issues
from service.interactions.context import Context
from service.interactions.entries import BundleEntry, prefixed
from service.interactions.perform import perform
from service.store.resources import ResourceStore

_SHORT = Preferences("minimal")
"""What the answer to a transaction says of what it stored, unless the client asks for more."""
_BY_SEARCH = re.compile(r"[A-Z][A-Za-z]+\?")
_ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "GET": 3}


async def transaction(entries: list[BundleEntry], context: Context) -> list[Response]:
    """Return the responses in the order of ``entries``, all of them done.

    Raises OutcomeError, with nothing done: for all that is wrong with the entries as they stand, or for the first that
    cannot be performed.
    """
    requests = [entry.request for entry in entries if entry.request is not None]
    _refuse(*(issue for entry in entries for issue in entry.issues), *_unserved(entries, context))
    for request in requests:
        request.new_id = context.new_id() if _creates(request) else None
    _refuse(*_same_targets(entries, requests), *_invalid(entries, requests, context))
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


def _refuse(*issues: Issue) -> None:
    if issues:
        raise OutcomeError(*issues)


def _unserved(entries: list[BundleEntry], context: Context) -> Iterable[Issue]:
    served = ", ".join(context.parsers)
    for entry, request in ((entry, entry.request) for entry in entries if entry.request is not None):
        if request.path[0] not in context.parsers and request.path != ("metadata",):
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


def _invalid(entries: list[BundleEntry], requests: list[Request], context: Context) -> Iterable[Issue]:
    links = _Links(entries, requests)
    for entry, request in zip(entries, requests, strict=True):
        if _stores(request):
            if isinstance(request.resource, dict):
                yield from links.rewrite(entry, request, context)
            yield from resource_issues(request.resource, request.path[0], context, f"{entry.place}.resource")
            request.checked = True
            if request.preferences.returns is None:
                request.preferences = _SHORT


class _Links:
    """Turns links between entries into links between the resources that they become."""

    def __init__(self, entries: list[BundleEntry], requests: list[Request]) -> None:
        self._targets = {
            entry.full_url: target
            for entry, request in zip(entries, requests, strict=True)
            if entry.full_url is not None and (target := _target(request)) is not None
        }

    def rewrite(self, entry: BundleEntry, request: Request, context: Context) -> list[Issue]:
        """Rewrite the links in the resource of ``request``, and return an issue for each that leads nowhere."""
        base = _base_of(entry.full_url)
        unresolved: dict[str, str] = {}

        def of_reference(link: str) -> str:
            found = self._targets.get(link) or (self._targets.get(f"{base}/{link}") if base else None)
            if found is None and (reason := _why_unresolved(link)):
                unresolved[link] = reason
            return found or link

        root = f"{entry.place}.resource"
        try:
            context.links.rewrite(request.resource, Targets(self._targets, of_reference))
        except RecursionError:
            return [Issue("nesting", "The resource is nested too deeply to be read", root)]
        places = places_of(unresolved, request.resource, root) if unresolved else ()
        return [Issue("reference-unresolved", unresolved[link], place) for link, place in places]


def _why_unresolved(link: str) -> str | None:
    """Return why a reference that no entry's fullUrl matches cannot stay as it is, or None where it can."""
    if link.startswith(("urn:uuid:", "urn:oid:")):
        return "No entry of this transaction that is written has this fullUrl"
    if _BY_SEARCH.match(link):
        return "References by search are not supported; refer to an id or to the fullUrl of an entry"
    return None


def _base_of(full_url: str | None) -> str | None:
    """Return the server that a fullUrl belongs to, by which relative references in its entry are read."""
    literal = parse_reference(full_url) if full_url else None
    return literal.base if literal else None
