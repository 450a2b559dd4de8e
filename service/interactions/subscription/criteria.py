"""Subscription.criteria: a search over one type that each version is held against by itself."""

from collections.abc import Collection
from dataclasses import dataclass

from service.fhir.entry import read_query
from service.fhir.outcome import Issue, OutcomeError, did_you_mean, shown
from service.search.predicate import Predicate, asks_others
from service.search.request import RESULT_PARAMETERS, SearchParser

_PLACE = "Subscription.criteria"


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which versions a subscriber is told of."""

    type: str
    predicate: Predicate


def read_criteria(text: str, base: str, parser: SearchParser, types: Collection[str]) -> Criteria:
    """Return what ``text`` asks for, such as ``Goal?category=hope``, for a client that calls this server ``base``.

    Raises OutcomeError 422 with all that cannot be asked for: other than ``types``, and what a version by itself does
    not tell.
    """
    name, _, query = text.partition("?")
    if name not in types:
        hint = did_you_mean(name, types)
        raise _refused(f"Criteria are one of {', '.join(types)}, a question mark and search parameters{hint}")
    try:
        parameters = read_query(query)
    except ValueError:
        raise _refused("After the question mark stand search parameters, percent-encoded") from None
    if any("=" not in part for part in query.split("&") if part):
        raise _refused("Each search parameter has a name, an equals sign and a value")
    results = [each for each, _ in parameters if each.partition(":")[0] in RESULT_PARAMETERS]
    if results:
        raise _refused(*(f"{shown(each)} selects nothing, so criteria take none" for each in results))
    try:
        predicates = [parser.parse([each], [name], base=base).predicates[name] for each in parameters]
        whole = parser.parse(parameters, [name], base=base).predicates[name]
    except OutcomeError as error:
        raise _refused(*(issue.diagnostics for issue in error.issues)) from None
    links = [each for (each, _), found in zip(parameters, predicates, strict=True) if asks_others(found)]
    if links:
        sentence = "asks other resources, and criteria are about the one that is new: no chain and no _has"
        raise _refused(*(f"{shown(each)} {sentence}" for each in links))
    return Criteria(name, whole)


def _refused(*sentences: str) -> OutcomeError:
    return OutcomeError(*(Issue("subscription", sentence, _PLACE) for sentence in sentences))
