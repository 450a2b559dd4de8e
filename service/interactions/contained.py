"""``_contained``: matches that are inside other resources (https://hl7.org/fhir/R4/search.html#contained)."""

from collections.abc import Iterator, Sequence
from typing import Any

from service.fhir import json
from service.fhir.bundle import MATCH, Entry
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.context import Context
from service.interactions.representation import Views
from service.interactions.searched import Match
from service.search.contained import Containing, of_contained
from service.search.memory import holds
from service.search.predicate import any_of
from service.search.request import SearchRequest
from service.search.source import SortKey, Source


def with_contained(sources: Sequence[Source], search: SearchRequest, context: Context) -> list[Source]:
    """Return what has to be searched for containers, and with ``both`` for resources that stand alone, too.

    Raises OutcomeError where contained resources cannot be searched so.
    """
    if len(sources) > 1 or any(name == "_sort" for name, _ in search.applied):
        raise _refusal("Contained resources are searched one type at a time, and in no order")
    (source,) = sources
    if source.type not in context.search_parser.linked:
        raise _refusal(f"Nothing contains a {source.type} here")
    try:
        inside = of_contained(source.type, source.predicate)
    except ValueError as error:
        raise _refusal(str(error)) from None
    found = []
    for name in context.definitions.stored_types:
        alone = [source.predicate] if search.contained == "both" and name == source.type else []
        found.append(Source(name, any_of([inside, *alone]), (SortKey("_id"),)))
    return found


def contained_entries(
    base: str, matches: Sequence[Match], search: SearchRequest, views: Views, context: Context
) -> list[Entry]:
    """Return the entries of containers, or of the contained resources themselves where they are asked for."""
    found = []
    for item in matches:
        body, address = item.body or b"", f"{base}/{item.type}/{item.id}"
        if search.contained_type == "container" or _matches_itself(item, search, context):
            found.append(Entry(address, views.render(item.type, body), MATCH, touched=item.touched))
        if search.contained_type == "contained":
            inside = _contained_matches(json.parse(body), search, context.containing[item.type])
            found.extend(
                Entry(f"{address}#{each['id']}", json.dump(each), MATCH, touched=item.touched) for each in inside
            )
    return found


def _matches_itself(item: Match, search: SearchRequest, context: Context) -> bool:
    if search.contained != "both" or item.type not in search.predicates:
        return False
    index = context.containing[item.type].indexers[item.type]
    document = {"_id": item.id, **index(json.parse(item.body or b""))}
    return holds(search.predicates[item.type], document)


def _contained_matches(resource: Any, search: SearchRequest, containing: Containing) -> Iterator[Any]:
    by_id = {item.get("id"): item for item in resource.get("contained", ())}
    for index in containing.indexes(resource):
        predicate = search.predicates.get(index["type"])
        if predicate is not None and holds(predicate, index):
            yield by_id[index["_id"]]


def _refusal(sentence: str) -> OutcomeError:
    return OutcomeError(Issue("parameter-value", f"_contained: {sentence}", "http._contained"))
