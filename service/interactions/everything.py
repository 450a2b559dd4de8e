"""$everything: a plan, or a person's whole record (https://hl7.org/fhir/R4/patient-operation-everything.html).

What belongs is looked for anew for each page, at the moment that all of them show.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from service.conformance.definitions import CANONICAL
from service.fhir.bundle import INCLUDE, MATCH, Entry, bundle
from service.fhir.datetimes import stretch
from service.fhir.entry import Parameters, Request, Response
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.belonging import Belonging, of_person, of_plan
from service.interactions.context import Context
from service.interactions.operation_input import PAGE, Given, read_input
from service.interactions.paging import Paging
from service.interactions.search import encoded, types_asked
from service.interactions.searched import Page
from service.search.predicate import all_of
from service.search.request import SearchRequest
from service.search.source import SortKey, Source
from service.store.reading import Moment
from service.store.resources import ResourceStore

_OF_PERSON = f"{CANONICAL}/OperationDefinition/Patient-compartment-everything"
_OF_PLAN = f"{CANONICAL}/OperationDefinition/CarePlan-everything"
_BY_ID = (SortKey("_id"),)
_SINCE, _TYPE = "_since", "_type"

Gather = Callable[[Moment | None], Awaitable[Belonging]]


async def everything_of_person(request: Request, context: Context) -> Response:
    """Return pages of all that is about somebody, who need not be stored here, and of what refers to that."""
    gather = partial(of_person, request.path[0], request.path[1], context)
    return await _everything(request, context, _OF_PERSON, gather)


async def everything_of_plan(request: Request, context: Context) -> Response:
    """Return pages of a plan and all that belongs to it; raises OutcomeError 404 or 410 where there is no such plan."""
    gather = partial(of_plan, request.path[1], context)
    return await _everything(request, context, _OF_PLAN, gather, request.path[:2])


async def _everything(
    request: Request, context: Context, operation: str, gather: Gather, asked_of: tuple[str, ...] = ()
) -> Response:
    """Return a page of what ``gather`` finds; where one resource is ``asked_of``, the others are included with it."""
    given = read_input(request, context.definitions.get(operation), context)
    search = _search(given, context)
    for name, codes in search.used.items():
        await context.readiness.require(name, codes)
    paging = Paging(context.page_secret, request.base, f"{'/'.join(request.path)}?{encoded(_applied(given))}", search)
    where = _Everything(context.store, gather)
    if search.count == 0:
        return bundle(
            "searchset",
            [],
            links=[paging.itself],
            total=await where.count(search.sources),
            is_redacted=context.answers_are_redacted,
        )
    page, total = await paging.read(where, search.sources)
    entries = [
        Entry(
            f"{request.base}/{item.type}/{item.id}",
            item.body,
            MATCH if not asked_of or (item.type, item.id) == asked_of else INCLUDE,
            touched=item.touched,
        )
        for item in page.matches
    ]
    return bundle(
        "searchset",
        entries,
        links=paging.links(page, total),
        total=total,
        is_redacted=context.answers_are_redacted,
    )


class _Everything:
    """What ``gather`` finds in ``store``, to be searched further: by ids within each part of what belongs."""

    def __init__(self, store: ResourceStore, gather: Gather) -> None:
        self._store = store
        self._gather = gather

    async def search(self, sources: Sequence[Source], count: int, place: Any = None, *, at: Any = None) -> Page:
        """Return at most ``count`` of what belongs and is of ``sources``, from ``place`` on."""
        belonging = await self._gather(at)
        return await self._store.search(_within(belonging, sources), count, place, at=belonging.moment)

    async def count(self, sources: Sequence[Source], *, at: Any = None) -> int:
        """Return how much belongs and is of ``sources``."""
        belonging = await self._gather(at)
        return await self._store.count(_within(belonging, sources), at=belonging.moment)


def _within(belonging: Belonging, sources: Sequence[Source]) -> list[Source]:
    wanted = {source.type: source for source in sources}
    return [
        replace(wanted[name], predicate=all_of([predicate, wanted[name].predicate]), sort=_BY_ID, group=group)
        for group, (name, predicate) in enumerate(belonging.parts)
        if name in wanted
    ]


def _search(given: list[Given], context: Context) -> SearchRequest:
    """Return the search that the parameters of the operation make, with whole pages unless asked otherwise."""
    types, others = types_asked(_applied(given), context.definitions.stored_types)
    named = dict(others)
    parameters = [("_sort", "_id"), ("_count", named.get("_count", str(context.search_parser.settings.largest_page)))]
    if _SINCE in named:
        parameters.append(("_lastUpdated", f"ge{_instant(named[_SINCE])}"))
    parameters += [(PAGE, str(value)) for name, value, _ in given if name == PAGE]
    return context.search_parser.parse(parameters, types)


def _applied(given: list[Given]) -> Parameters:
    """Return the parameters that say what is asked for, several types as one list."""
    types = [str(value) for name, value, _ in given if name == _TYPE]
    others = [(name, str(value)) for name, value, _ in given if name not in (_TYPE, PAGE)]
    return [*([(_TYPE, ",".join(types))] if types else []), *others]


def _instant(text: str) -> str:
    try:
        stretch(text)
    except (ValueError, OverflowError):
        sentence = "_since is a FHIR instant such as 2026-11-01T09:30:00Z"
        raise OutcomeError(Issue("parameter-value", sentence, "http._since")) from None
    return text
