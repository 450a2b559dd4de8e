"""Which items of two lists are the same thing, so that differences are told within it and not as one more and less."""

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

from service.fhir import json

Pair = tuple[Any, Any]
Pairs = dict[int, int]
"""By position in the later list that of the same item in the earlier."""
MOST_COMPARED = 50
"""Items of each list that are compared with each other for what they have in common; others go by their order."""
MOST_MOVED = 200
"""Items of a list that are told to have moved; where more did, they are deleted and added again."""
_NAMES = (("resourceType", "id"), ("id",), ("url",), ("system", "value"), ("system", "code"), ("reference",))
"""Members that name what an item is, the surest first."""


def paired(before: Sequence[Pair], after: Sequence[Pair]) -> Pairs:
    """Return which items of ``after`` are which of ``before``; each is a value and what stands beside it.

    First those that are equal, then those with the same name, such as id or url, then those that have most in common,
    and at last those between the same neighbours.
    """
    pairs: Pairs = {}
    for name in (json.dump_sorted, _name):
        _pair_by(name, before, after, pairs)
    _pair_by_likeness(before, after, pairs)
    _pair_by_neighbours(before, after, pairs)
    return pairs


def moved(pairs: Pairs) -> list[tuple[int, int]]:
    """Return the moves, from a position to another, that bring what was paired into its later order.

    Most items stay where they are. Where more than MOST_MOVED do not, these are taken out of ``pairs``.
    """
    order = [pairs[later] for later in sorted(pairs)]
    staying = _longest_ascending(order)
    moving = [item for item in order if item not in staying]
    if len(moving) > MOST_MOVED:
        given_up = set(moving)
        for later in [later for later, earlier in pairs.items() if earlier in given_up]:
            del pairs[later]
        return []
    current, moves = sorted(order), []
    for position, item in enumerate(order):
        if item in staying:
            continue
        source = current.index(item)
        del current[source]
        destination = current.index(order[position - 1]) + 1 if position else 0
        current.insert(destination, item)
        moves.append((source, destination))
    return moves


def has_in_common(before: Pair, after: Pair) -> bool:
    """Return whether any text, number or truth value stands at the same path in two objects."""
    return not _leaves(before).isdisjoint(_leaves(after))


def _pair_by(name: Callable[[Any], Hashable], before: Sequence[Pair], after: Sequence[Pair], pairs: Pairs) -> None:
    """Add to ``pairs`` the items with the same name that are in none, in their order."""
    lost, new = _unpaired(before, after, pairs)
    waiting: dict[Hashable, deque[int]] = defaultdict(deque)
    for earlier in lost:
        waiting[name(before[earlier])].append(earlier)
    waiting.pop(None, None)
    for later in new:
        same = waiting.get(name(after[later]))
        if same:
            pairs[later] = same.popleft()


def _pair_by_likeness(before: Sequence[Pair], after: Sequence[Pair], pairs: Pairs) -> None:
    """Add to ``pairs`` the items that have at least half in common, unless there are very many."""
    lost, new = _unpaired(before, after, pairs)
    if len(lost) > MOST_COMPARED or len(new) > MOST_COMPARED:
        return
    earlier, later = {index: _leaves(before[index]) for index in lost}, {index: _leaves(after[index]) for index in new}
    likeness = {(j, i): len(later[j] & earlier[i]) / max(len(later[j]), len(earlier[i]), 1) for j in new for i in lost}
    taken = set()
    for j, i in sorted(likeness, key=lambda pair: (-likeness[pair], abs(pair[0] - pair[1]), pair)):
        if likeness[j, i] >= 0.5 and j not in pairs and i not in taken:
            pairs[j] = i
            taken.add(i)


def _pair_by_neighbours(before: Sequence[Pair], after: Sequence[Pair], pairs: Pairs) -> None:
    """Add to ``pairs`` the items that stand, in their order, between items that are the same."""
    lost, _ = _unpaired(before, after, pairs)
    bounds, bound = {}, len(before)
    for index in reversed(range(len(after))):
        bounds[index] = bound
        bound = min(bound, pairs.get(index, bound))
    lowest, waiting = -1, deque(lost)
    for index in range(len(after)):
        if index not in pairs:
            while waiting and waiting[0] < lowest:
                waiting.popleft()
            if waiting and waiting[0] < bounds[index]:
                pairs[index] = waiting.popleft()
        lowest = max(lowest, pairs.get(index, -1))


def _unpaired(before: Sequence[Pair], after: Sequence[Pair], pairs: Pairs) -> tuple[list[int], list[int]]:
    known = set(pairs.values())
    lost = [earlier for earlier in range(len(before)) if earlier not in known]
    return lost, [later for later in range(len(after)) if later not in pairs]


def _name(item: Pair) -> Hashable:
    value, _ = item
    if type(value) is not dict:
        return None
    for members in _NAMES:
        if all(type(value.get(member)) is str for member in members):
            return members, tuple(value[member] for member in members)
    return None


def _leaves(item: Pair) -> set[tuple[str, bytes]]:
    """Return the texts, numbers and truth values in an object, each with its path; a text alone has none."""
    return set(_leaves_below(item[0], "")) if type(item[0]) is dict else set()


def _leaves_below(value: Any, path: str) -> Iterator[tuple[str, bytes]]:
    if type(value) is dict:
        for key, item in value.items():
            yield from _leaves_below(item, f"{path}.{key}")
    elif type(value) is list:
        for item in value:
            yield from _leaves_below(item, path)
    else:
        yield path, json.dump(value)


def _longest_ascending(order: list[int]) -> set[int]:
    """Return the members of the longest ascending subsequence."""
    ends: list[int] = []
    before: dict[int, int | None] = {}
    for item in order:
        length = bisect_left(ends, item)
        before[item] = ends[length - 1] if length else None
        ends[length : length + 1] = [item]
    found: set[int] = set()
    last = ends[-1] if ends else None
    while last is not None:
        found.add(last)
        last = before[last]
    return found
