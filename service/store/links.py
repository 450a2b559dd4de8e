"""Links to other resources in a predicate: which there are, and what the predicate says without them."""

from collections.abc import Callable, Mapping

from service.search.predicate import (
    NOTHING,
    All,
    Any,
    Compare,
    Contains,
    LinkedFrom,
    LinkedTo,
    Member,
    Not,
    OneOf,
    Only,
    Predicate,
    Present,
    StartsWith,
    all_of,
    any_of,
)

Link = LinkedTo | LinkedFrom
Leaf = OneOf | StartsWith | Contains | Compare | Present | Member | LinkedTo
EVERYTHING = All()
_INDEXED = (OneOf, StartsWith, Compare, Member)
_OF_TOMBSTONES = ("_id", "version", "lastUpdated", "deleted", "method")


def links_in(predicate: Predicate) -> list[Link]:
    """Return the different links of a predicate, without those inside of others.

    Raises ValueError for a link in a member of a list: it would not be the member that is linked.
    """
    match predicate:
        case LinkedTo() | LinkedFrom():
            return [predicate]
        case All(parts) | Any(parts):
            return list(dict.fromkeys(link for part in parts for link in links_in(part)))
        case Not(part):
            return links_in(part)
        case Member(field, part) if links_in(part):
            raise ValueError(f"{field}: a member of a list has no links of its own")
    return []


def answered(predicate: Predicate, answers: Mapping[Link, Predicate]) -> Predicate:
    """Return the predicate with links replaced by the predicates that say the same."""
    return _replaced(predicate, lambda link, _: answers.get(link, link))


def weakened(predicate: Predicate) -> Predicate:
    """Return what follows from the predicate and has no links in it."""
    return _replaced(predicate, lambda _, wanted: EVERYTHING if wanted else NOTHING)


def outlined(predicate: Predicate) -> Predicate:
    """Return what follows from the predicate and has no links in it, but that there is a reference to follow."""
    return _replaced(predicate, lambda link, wanted: _has_reference(link) if wanted else NOTHING)


def with_links(predicate: Predicate) -> Predicate:
    """Return the part of the predicate that does not follow from it ``weakened``."""
    if isinstance(predicate, All):
        return all_of(with_links(part) for part in predicate.parts if links_in(part))
    return predicate


def narrows(predicate: Predicate) -> bool:
    """Return whether an index leads to what the predicate is about."""
    return _demands(predicate, lambda leaf: isinstance(leaf, _INDEXED))


def is_of_the_living(predicate: Predicate) -> bool:
    """Return whether the predicate cannot hold of a deleted resource, which has no content and no index."""
    return _demands(predicate, lambda leaf: leaf.field not in _OF_TOMBSTONES)


def _has_reference(link: Link) -> Predicate:
    return StartsWith(link.field, f"{link.start}{link.type}/") if isinstance(link, LinkedTo) else EVERYTHING


def _replaced(predicate: Predicate, answer: Callable[[Link, bool], Predicate], wanted: bool = True) -> Predicate:
    """Return the predicate with its links answered; ``wanted`` is whether it may become weaker, else stronger."""
    match predicate:
        case LinkedTo() | LinkedFrom():
            return answer(predicate, wanted)
        case All(parts):
            together = [_replaced(part, answer, wanted) for part in parts]
            return NOTHING if NOTHING in together else all_of(part for part in together if part != EVERYTHING)
        case Any(parts):
            either = [_replaced(part, answer, wanted) for part in parts]
            return EVERYTHING if EVERYTHING in either else any_of(either)
        case Not(part):
            denied = _replaced(part, answer, not wanted)
            opposite: dict[Predicate, Predicate] = {EVERYTHING: NOTHING, NOTHING: EVERYTHING}
            return opposite.get(denied, Not(denied))
    return predicate


def _demands(predicate: Predicate, kind: Callable[[Leaf], bool]) -> bool:
    """Return whether nothing fulfils the predicate without fulfilling a simple one of that kind."""
    match predicate:
        case All(parts):
            return any(_demands(part, kind) for part in parts)
        case Any(parts):
            return all(_demands(part, kind) for part in parts)
        case Not() | Only() | LinkedFrom():  # which also hold where there is nothing
            return False
    return kind(predicate)
