"""The small vocabulary in which searches speak to the store; it knows no database.

A field is the dotted name of a place in a stored document. A field that holds a list fits when one member does.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

Value = str | int | Decimal | bool


@dataclass(frozen=True, slots=True)
class OneOf:
    """The field equals one of ``values``; none where there are none."""

    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class StartsWith:
    """The field is a text that starts with ``text``, character by character."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Contains:
    """The field is a text that starts with ``start`` and holds ``text`` somewhere after that."""

    field: str
    start: str
    text: str


@dataclass(frozen=True, slots=True)
class Only:
    """Every text in the field that starts with ``start`` is one of ``values``; so also where there is none."""

    field: str
    start: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """The field is smaller or greater than ``value``; ``operator`` is one of ``lt le gt ge``."""

    field: str
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class Present:
    """The field is there."""

    field: str


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; true where there are none."""

    parts: "tuple[Predicate, ...]" = ()


@dataclass(frozen=True, slots=True)
class Any:
    """At least one part holds; false where there are none."""

    parts: "tuple[Predicate, ...]" = ()


@dataclass(frozen=True, slots=True)
class Member:
    """One and the same member of the list in ``field`` fulfils ``part``, whose fields are those of the member."""

    field: str
    part: "Predicate"


@dataclass(frozen=True, slots=True)
class Not:
    """``part`` does not hold, be it that its field is not there."""

    part: "Predicate"


@dataclass(frozen=True, slots=True)
class LinkedTo:
    """The field has a text ``start`` + ``Type/id`` that names a resource of ``type`` for which ``part`` holds."""

    field: str
    start: str
    type: str
    part: "Predicate"


@dataclass(frozen=True, slots=True)
class LinkedFrom:
    """A resource of ``type`` for which ``part`` holds has in its ``field`` the text ``start`` + our own ``Type/id``."""

    type: str
    field: str
    start: str
    part: "Predicate"


Predicate = OneOf | StartsWith | Contains | Only | Compare | Present | All | Any | Not | Member | LinkedTo | LinkedFrom

NOTHING = Any()


def any_of(parts: Iterable[Predicate]) -> Predicate:
    """Return the predicate that one of ``parts`` holds; equalities on one field become one."""
    rest: list[Predicate] = []
    values: dict[str, list[Value]] = {}
    for part in parts:
        if isinstance(part, OneOf):
            values.setdefault(part.field, []).extend(part.values)
        elif part != NOTHING:
            rest.append(part)
    merged = [OneOf(name, tuple(dict.fromkeys(found))) for name, found in values.items()]
    together = (*merged, *rest)
    return together[0] if len(together) == 1 else Any(together)


def all_of(parts: Iterable[Predicate]) -> Predicate:
    """Return the predicate that all of ``parts`` hold."""
    together = tuple(parts)
    return together[0] if len(together) == 1 else All(together)


def parts_of(predicate: Predicate) -> Iterator[Predicate]:
    """Yield ``predicate`` and all that it is made of, but for what it asks of other resources."""
    yield predicate
    match predicate:
        case All(parts) | Any(parts):
            for part in parts:
                yield from parts_of(part)
        case Not(part) | Member(_, part):
            yield from parts_of(part)


def asks_others(predicate: Predicate) -> bool:
    """Return whether other resources have a say in whether ``predicate`` holds."""
    return any(isinstance(part, LinkedTo | LinkedFrom) for part in parts_of(predicate))
