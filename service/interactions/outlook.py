"""What conditions find: the resources that are stored, as they will be when a transaction has been done so far.

A condition locks its type and criteria before it looks: of two transactions with the same condition that run at once,
one has to run again after the other (https://hl7.org/fhir/R4/http.html#ccreate).
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from service.fhir.entry import Parameters, split_url
from service.fhir.outcome import Issue, OutcomeError, shown
from service.interactions.context import Context
from service.search.memory import Document, holds
from service.search.predicate import asks_others
from service.search.request import RESULT_PARAMETERS
from service.search.source import Source

HEADER = "http.If-None-Exist"


def criteria_of(query: str) -> Parameters:
    """Return the search parameters that If-None-Exist states; raises OutcomeError where they cannot be read."""
    parts = query.removeprefix("?")
    try:
        if parts and not all("=" in part for part in parts.split("&")):
            raise ValueError("a part of it has no value")
        return split_url(f"?{parts}")[1]
    except ValueError:
        sentence = "If-None-Exist is the query of a search, such as identifier=system|value"
        raise OutcomeError(Issue("header-value", sentence, HEADER)) from None


class Outlook:
    """The state that a transaction leads to; ``context`` has to be bound to that."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._written: set[str] = set()
        self._made: dict[str, dict[str, Any]] = {}

    def delete(self, name: str) -> None:
        """Note that ``Type/id`` will be gone."""
        self._written.add(name)
        self._made.pop(name, None)

    def put(self, name: str, resource: Any) -> None:
        """Note that ``resource`` will be ``Type/id``."""
        self._written.add(name)
        self._made[name] = resource

    async def matching(
        self, resource_type: str, criteria: Parameters, base: str, place: str | None = None, most: int = 1
    ) -> list[str]:
        """Return the ids of the matches of a condition, which is in the address unless it is at another ``place``.

        Raises OutcomeError 412 where they are more than ``most``, and 400 where the condition cannot be read.
        """
        source = await self._source(resource_type, criteria, base, place)
        await self._context.store.notes.lock(f"{resource_type}?{sorted(set(criteria))}")
        written = {name.partition("/")[2] for name in self._written if name.startswith(f"{resource_type}/")}
        page = await self._context.store.search([source], most + len(written) + 1)
        found = [match.id for match in page.matches if match.id not in written]
        found += self._made_that_match(source, place)
        if len(found) > most:
            told = "one resource" if most == 1 else f"{most} resources"
            sentence = f"More than {told} of type {resource_type} match, so that it is not clear which is meant"
            raise OutcomeError(Issue("multiple-matches", sentence, place))
        return found

    async def _source(self, resource_type: str, criteria: Parameters, base: str, place: str | None) -> Source:
        if not criteria:
            sentence = "A condition says by search parameters which resource is meant, such as identifier=system|value"
            raise OutcomeError(Issue("parameter-value", sentence, place))
        _refuse(criteria, RESULT_PARAMETERS, place)
        try:
            search = self._context.search_parser.parse(criteria, [resource_type], base=base)
        except OutcomeError as error:
            raise OutcomeError(
                *(replace(issue, expression=place or issue.expression) for issue in error.issues)
            ) from None
        for name, codes in search.used.items():
            await self._context.readiness.require(name, codes)
        (source,) = search.sources
        return source

    def _made_that_match(self, source: Source, place: str | None) -> list[str]:
        """Return the ids of matches that are to be stored; what is malformed, and so refused later, is none."""
        made = [(name, resource) for name, resource in self._made.items() if name.startswith(f"{source.type}/")]
        if made and asks_others(source.predicate):
            sentence = (
                f"Where a transaction stores a {source.type}, a condition for that type takes no chain and no _has"
            )
            raise OutcomeError(Issue("parameter-value", sentence, place))
        return [
            name.partition("/")[2]
            for name, resource in made
            if not self._is_malformed(resource) and holds(source.predicate, self._document(name, resource))
        ]

    def _is_malformed(self, resource: Any) -> bool:
        is_resource = isinstance(resource, dict) and "resourceType" in resource
        return not is_resource or any(issue.status == 400 for issue in self._context.validator.issues(resource))

    def _document(self, name: str, resource: dict[str, Any]) -> Document:
        resource_type, _, resource_id = name.partition("/")
        return {"_id": resource_id, **self._context.indexers[resource_type](resource)}


def _refuse(criteria: Parameters, names: Iterable[str], place: str | None) -> None:
    for name, _ in criteria:
        if name.partition(":")[0] in names:
            sentence = f"{shown(name)} selects nothing, so a condition takes none"
            raise OutcomeError(Issue("parameter-value", sentence, place or f"http.{shown(name)}"))
