"""What conditions find: the resources that are stored, as they will be when a transaction has been done so far.

A condition locks its type and criteria before it looks: of two transactions with the same condition that run at once,
one has to run again after the other (https://hl7.org/fhir/R4/http.html#ccreate).
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from service.fhir.entry import Parameters, read_query
from service.fhir.outcome import Issue, OutcomeError, shown
from service.interactions.context import Context
from service.search.memory import Document, holds
from service.search.predicate import asks_others
from service.search.request import RESULT_PARAMETERS
from service.search.source import Source

HEADER = "http.If-None-Exist"


def criteria_of(query: str, place: str = HEADER) -> Parameters:
    """Return the search parameters that a condition states; raises OutcomeError where they cannot be read."""
    parts = query.removeprefix("?")
    try:
        if parts and not all("=" in part for part in parts.split("&")):
            raise ValueError("a part of it has no value")
        return read_query(parts)
    except ValueError:
        sentence = "A condition is the percent-encoded query of a search, such as identifier=system|value"
        raise OutcomeError(Issue("header-value", sentence, place)) from None


class Outlook:
    """The state that a transaction leads to; ``context`` has to be bound to that.

    What a patch leaves is known only when it is done: until then its resource counts as it is stored.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._written: set[str] = set()
        self._made: dict[str, Any] = {}
        self._documents: dict[str, Document | None] = {}
        """What a condition has asked about so far: the documents of what is made, None for what is malformed."""

    def delete(self, name: str) -> None:
        """Note that ``Type/id`` will be gone."""
        self._written.add(name)
        self._made.pop(name, None)

    def put(self, name: str, resource: Any) -> None:
        """Note that ``resource`` will be ``Type/id``; what is malformed, and so refused later, is no match."""
        self._written.add(name)
        self._made[name] = resource
        self._documents.pop(name, None)

    async def matching(
        self, resource_type: str, criteria: Parameters, base: str, place: str | None = None, most: int = 1
    ) -> list[str]:
        """Return the ids of the matches of a condition, on which a write depends; no other such write comes between.

        It is in the address unless it is at another ``place``. Raises OutcomeError 412 where the matches are more than
        ``most``, and 400 where the condition cannot be read.
        """
        await self._context.store.notes.lock(f"{resource_type}?{sorted(set(map(_normal, criteria)))}")
        return await self.found(resource_type, criteria, base, place, most)

    async def found(
        self, resource_type: str, criteria: Parameters, base: str, place: str | None, most: int = 1
    ) -> list[str]:
        """Return the ids of what a search finds; raises OutcomeError as ``matching`` does."""
        source = await self._source(resource_type, criteria, base, place)
        written = {name.partition("/")[2] for name in self._written if name.startswith(f"{resource_type}/")}
        page = await self._context.store.search([source], most + len(written) + 1)
        found = [match.id for match in page.matches if match.id not in written]
        found += self._made_that_match(source, place)
        if len(found) > most:
            told = "one resource" if most == 1 else f"{most} resources"
            sentence = f"More than {told} of type {resource_type} match; add parameters until one is left"
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
        """Return the ids of matches that are to be stored."""
        documents = map(self._document, [name for name in self._made if name.startswith(f"{source.type}/")])
        made = [document for document in documents if document is not None]
        if made and asks_others(source.predicate):
            sentence = f"Where a transaction stores a {source.type}, a condition for one takes no chain and no _has"
            raise OutcomeError(Issue("parameter-value", sentence, place))
        return [document["_id"] for document in made if holds(source.predicate, document)]

    def _document(self, name: str) -> Document | None:
        if name not in self._documents:
            resource, (resource_type, _, resource_id) = self._made[name], name.partition("/")
            is_malformed, index = self._is_malformed(resource), self._context.indexers[resource_type]
            self._documents[name] = None if is_malformed else {"_id": resource_id, **index(resource)}
        return self._documents[name]

    def _is_malformed(self, resource: Any) -> bool:
        is_resource = isinstance(resource, dict) and "resourceType" in resource
        return not is_resource or any(issue.status == 400 for issue in self._context.validator.issues(resource))


def _normal(parameter: tuple[str, str]) -> tuple[str, tuple[str, ...]]:
    """Return a parameter in the form that is equal for equal ones: its values, any of which will do, in one order."""
    name, text = parameter
    return name, tuple(sorted(set(text.split(","))))


def _refuse(criteria: Parameters, names: Iterable[str], place: str | None) -> None:
    for name, _ in criteria:
        if name.partition(":")[0] in names:
            sentence = f"{shown(name)} selects nothing, so a condition takes none"
            raise OutcomeError(Issue("parameter-value", sentence, place or f"http.{shown(name)}"))
