"""What comes with the matches: ``_include`` and ``_revinclude`` (https://hl7.org/fhir/R4/search.html#revinclude)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple

from service.fhir import json
from service.fhir.outcome import Issue
from service.fhir.touched import Touched
from service.interactions.context import Context
from service.interactions.searched import Match, Page
from service.search import fields
from service.search.include import Include
from service.search.predicate import OneOf, Predicate, any_of
from service.search.source import Source

MOST_INCLUDED = 1_000
"""Resources that come with one page."""
_IN_ANY_ORDER = ()
MOST_ROUNDS = 10
"""How often what was included is looked through for more."""


class Included(NamedTuple):
    """A resource that comes with the matches."""

    type: str
    id: str
    full_url: str
    body: bytes
    touched: tuple[Touched, ...]


@dataclass(slots=True)
class _Gathering:
    """The resources that come with a page, by ``Type/id``; none of them is a match."""

    page: Page
    context: Context
    known: set[str]
    found: list[Match] = field(default_factory=list)
    is_cut: bool = False

    async def round(self, includes: Sequence[Include], resources: Sequence[Match]) -> list[Match]:
        """Return what ``includes`` find from ``resources`` and was not known before."""
        new: list[Match] = []
        for source in self._sources(includes, resources):
            room = MOST_INCLUDED - len(self.found)
            page = await self.context.store.search([source], room + len(self.known), at=self.page.moment)
            fresh = [item for item in page.matches if _name(item) not in self.known]
            self.is_cut |= len(fresh) > room or page.after is not None
            new.extend(fresh[:room])
            self.found.extend(fresh[:room])
            self.known.update(map(_name, fresh[:room]))
        return new

    def _sources(self, includes: Sequence[Include], resources: Sequence[Match]) -> Iterator[Source]:
        named = set(self._named([item for item in includes if not item.reverse], resources)) - self.known
        ordered = sorted(name.split("/") for name in named)
        for resource_type, names in groupby(ordered, key=lambda parts: parts[0]):
            yield Source(resource_type, OneOf("_id", tuple(name[1] for name in names)), _IN_ANY_ORDER)
        for include in includes:
            if include.reverse and (predicate := _referring(include, resources)):
                yield Source(include.type, predicate, _IN_ANY_ORDER)

    def _named(self, includes: Sequence[Include], resources: Sequence[Match]) -> Iterator[str]:
        """Yield the ``Type/id`` of what ``resources`` refer to on this server."""
        addresses = self.context.pages.addresses
        for item in resources:
            asked = [include for include in includes if include.type == item.type]
            resource = json.parse(item.body or b"{}") if asked else None
            for include in asked:
                for text in _references(include, resource):
                    local = addresses.local(text)
                    if local and local.type in self.context.search_parser.types and _fits(include, local.type):
                        yield local.relative


async def included(
    base: str, page: Page, includes: Sequence[Include], context: Context
) -> tuple[list[Included], list[Issue]]:
    """Return what comes with the matches of ``page``, each once, and a warning where that is not all."""
    gathering = _Gathering(page, context, {_name(item) for item in page.matches})
    resources: Sequence[Match] = page.matches
    for number in range(MOST_ROUNDS + 1):
        asked = [item for item in includes if item.iterate or number == 0]
        resources = await gathering.round(asked, resources) if asked and resources else ()
        if not resources or gathering.is_cut:
            break
    found = [
        Included(item.type, item.id, f"{base}/{_name(item)}", item.body, item.touched)
        for item in gathering.found
        if item.body
    ]
    is_all = not gathering.is_cut and not resources
    return found, [] if is_all else [_cut_short()]


def _cut_short() -> Issue:
    sentence = f"Not all that was to be included is: at most {MOST_INCLUDED} resources come with a page, and what is"
    return Issue("include-limit", f"{sentence} included is followed {MOST_ROUNDS} times", severity="warning")


def _referring(include: Include, resources: Iterable[Match]) -> Predicate | None:
    parts = []
    for parameter in include.parameters:
        names = [_name(item) for item in resources if item.type in parameter.targets and _fits(include, item.type)]
        if names:
            parts.append(fields.equal(parameter, names))
    return any_of(parts) if parts else None


def _references(include: Include, resource: Any) -> Iterator[str]:
    for parameter in include.parameters:
        for branch in parameter.branches:
            for value in branch.values(resource):
                text = value.get("reference") if isinstance(value, dict) else value
                if text is not None:
                    yield text


def _fits(include: Include, resource_type: str) -> bool:
    return include.target in (None, resource_type)


def _name(item: Match) -> str:
    return f"{item.type}/{item.id}"
