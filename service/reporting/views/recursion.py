"""``repeat``: through elements that hold elements of their own kind, at any depth.

…-ViewDefinition.html#recursive-traversal-with-repeat
"""

from typing import Any

from service.conformance.fhirpath.collection import Collection, EvaluationError, Scope, this
from service.conformance.fhirpath.kinds import UNTYPED, Kind
from service.conformance.fhirpath.navigation import Navigation
from service.conformance.fhirpath.values import Node
from service.reporting.views.definition import Path
from service.reporting.views.paths import Foci, Paths

DEEPEST = 100
"""Levels; FHIR's JSON is not nested as deep."""


def repeated(paths: Paths, repeat: tuple[Path, ...], about: tuple[Kind, ...]) -> tuple[tuple[Kind, ...], Foci]:
    """Return the types of what ``repeat`` leads to from an element, and what gives it: parents before children.

    A path that does not exist below one of the types leads to nothing from there: an ``answer`` is below an item and
    not below the whole response. Raises ViewError where a path cannot be compiled.
    """
    steps: dict[Kind, list[Collection]] = {}
    todo, reached = list(about), dict[Kind, None]()
    while todo:
        kind = todo.pop()
        if kind in steps:
            continue
        steps[kind] = []
        for path in repeat:
            found = paths.compiled(path, (kind,), or_nothing=True)
            steps[kind].append(found)
            reached.update(dict.fromkeys(found.kinds))
            todo.extend(found.kinds)
    kinds = tuple(reached) or (UNTYPED,)
    return kinds, _traversal(Navigation(paths.kinds), steps, about, kinds)


def _traversal(
    navigation: Navigation, steps: dict[Kind, list[Collection]], about: tuple[Kind, ...], kinds: tuple[Kind, ...]
) -> Foci:
    as_first = navigation.as_node(this(about))
    gets = {kind: [navigation.typed(step) for step in found] for kind, found in steps.items()}
    unknown = next((found for kind, found in gets.items() if kind.is_dynamic), [])
    is_plain = not this(kinds).is_typed

    def below(node: Node, scope: Scope, depth: int) -> list[Node]:
        if depth > DEEPEST:
            raise EvaluationError("more levels than can be gone through")
        found: list[Node] = []
        around = scope._replace(shared={})
        focus = node if node.kind not in gets or node.kind.is_dynamic else node.value
        for get in gets.get(node.kind, unknown):
            for child in get(focus, around):
                found.append(child)
                found.extend(below(child, scope, depth + 1))
        return found

    def foci(focus: Any, scope: Scope) -> list[Any]:
        nodes = below(as_first(focus), scope, 0)
        return [node.value for node in nodes] if is_plain else nodes

    return foci
