"""From what a search demands of AuditEvents to the blocks of the audit in which there may be such events."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

from service.fhir.datetimes import microseconds, moment_of
from service.fhir.reference import parse_reference
from service.search.fields import WORDS
from service.search.predicate import All, Compare, OneOf, Predicate
from service.security.audit import Recorded
from service.security.audit_terms import agents_of, entities_of, people_of
from service.store.audit_reading import Wanted

_DATES = ("search.date.", "search._lastUpdated.")
_OUTCOMES = {"0": range(100, 400), "4": range(400, 500), "8": range(500, 600)}
_SLACK = timedelta(milliseconds=2)
"""An instant counts as the stretch of its precision."""
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_FARTHEST = microseconds(_LAST)


def wanted_of(predicate: Predicate, bases: Iterable[str]) -> Wanted:
    """Return which blocks hold all that ``predicate`` may hold for, and others.

    References to this server, which is at ``bases``, may have been recorded with its address.
    """
    found: dict[str, frozenset[str]] = {}
    statuses: frozenset[int] = frozenset()
    since, until = _FIRST, _LAST
    for part in _demands(predicate):
        if isinstance(part, Compare):
            moment = _moment(part.value)
            if part.operator in ("gt", "ge"):
                since = max(since, moment or since)
            else:
                until = min(until, moment or until)
        elif part.field == "search.outcome":
            statuses = frozenset(status for code in part.values for status in _OUTCOMES.get(str(code), ()))
        else:
            for term, values in _terms(part):
                elsewhere = frozenset(f"{base}/{value}" for base in bases for value in values if _is_relative(value))
                found.setdefault(term, elsewhere.union(values))
    return Wanted(**found, statuses=statuses, since=max(since, _FIRST + _SLACK) - _SLACK, until=until + _SLACK)


def ids_of(predicate: Predicate) -> list[str] | None:
    """Return the ids one of which ``predicate`` demands, or None where it demands none."""
    every = [part.values for part in _demands(predicate) if isinstance(part, OneOf) and part.field == "_id"]
    return sorted(set.intersection(*({str(value) for value in values} for values in every))) if every else None


def may_be(event: Recorded, wanted: Wanted) -> bool:
    """Return whether an event has what blocks are wanted for, so that it is worth a closer look."""
    happened = event.happened
    has = (
        (wanted.statuses, lambda: {happened.status}),
        (wanted.agents, lambda: agents_of(happened.client)),
        (wanted.entities, lambda: entities_of(happened)),
        (wanted.patients, lambda: people_of(happened)),
    )
    return all(not asked.isdisjoint(found()) for asked, found in has if asked)


def _demands(predicate: Predicate) -> Iterator[OneOf | Compare]:
    """Yield what has to hold for ``predicate`` to hold, as far as it is of use here."""
    match predicate:
        case All(parts):
            for part in parts:
                yield from _demands(part)
        case OneOf():
            yield predicate
        case Compare(field) if field.startswith(_DATES):
            yield predicate


def _moment(value: object) -> datetime | None:
    """Return the moment of a bound, or None where it is beyond what is recorded in any case."""
    moment = moment_of(value) if isinstance(value, int) and abs(value) < _FARTHEST else None
    return moment if moment and _FIRST <= moment <= _LAST else None


def _terms(part: OneOf) -> Iterator[tuple[str, list[str]]]:
    """Yield by what blocks are found that have what ``part`` demands."""
    if part.field != WORDS:
        return
    for code, (term, known) in _TERMS.items():
        texts = [str(value) for value in part.values]
        if all(text.startswith(code) for text in texts):
            values = [text.removeprefix(code).partition("/_history/")[0] for text in texts]
            if all(map(known, values)):
                yield term, values


def _is_of_resource(value: str) -> bool:
    literal = parse_reference(value)
    return literal is not None and literal.type != "Patient"


def _is_of_patient(value: str) -> bool:
    literal = parse_reference(value)
    return literal is not None and literal.type == "Patient"


def _is_relative(value: str) -> bool:
    literal = parse_reference(value)
    return literal is not None and literal.base is None


_TERMS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "entity=": ("entities", _is_of_resource),
    "entity:version=": ("entities", _is_of_resource),
    "patient=": ("patients", _is_of_patient),
    "agent=": ("agents", lambda value: parse_reference(value) is not None),
    "altid=": ("agents", lambda value: not set(value) & set("|\\")),
}
"""By how a demand begins: the term of the blocks, and what its values have to be."""
