"""In which order resources are stored that refer to each other: what is referred to first, a circle all at once."""

from collections.abc import Collection, Iterator, Mapping

Links = Mapping[str, Collection[str]]
"""By the name of each resource the names of those that it refers to."""


def in_order(links: Links) -> list[list[list[str]]]:
    """Return the names in ``links`` by circles, those of a step after all that they refer to in the steps before.

    A circle is all that refer to each other, directly or by way of others: mostly one alone.
    """
    steps: dict[str, int] = {}
    ordered: list[list[list[str]]] = []
    for circle in _circles(links):
        inside = set(circle)
        before = [steps[name] for each in circle for name in links[each] if name in links and name not in inside]
        step = max(before, default=-1) + 1
        steps |= dict.fromkeys(circle, step)
        if step == len(ordered):
            ordered.append([])
        ordered[step].append(circle)
    return ordered


def _circles(links: Links) -> Iterator[list[str]]:
    """Yield the strongly connected components, each after those that it leads to (Tarjan's algorithm)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    on_path: set[str] = set()
    for start in links:
        if start in number:
            continue
        visits = [_visit(start, links, number, lowest, path, on_path)]
        names = [start]
        while visits:
            following = next(visits[-1], None)
            if following is not None:
                visits.append(_visit(following, links, number, lowest, path, on_path))
                names.append(following)
                continue
            visits.pop()
            name = names.pop()
            if names:
                lowest[names[-1]] = min(lowest[names[-1]], lowest[name])
            if lowest[name] == number[name]:
                circle = [path.pop()]
                while circle[-1] != name:
                    circle.append(path.pop())
                on_path.difference_update(circle)
                yield circle[::-1]


def _visit(
    name: str, links: Links, number: dict[str, int], lowest: dict[str, int], path: list[str], on_path: set[str]
) -> Iterator[str]:
    """Yield the names to which the walk goes on from ``name``."""
    number[name] = lowest[name] = len(number)
    path.append(name)
    on_path.add(name)
    for other in links[name]:
        if other not in links:
            continue
        if other not in number:
            yield other
        elif other in on_path:
            lowest[name] = min(lowest[name], number[other])
