"""What several expressions of a view begin with, evaluated once for each element.

Many columns speak of extensions of the same element, or of the codes of its categories. ``Scope.shared`` keeps what
has been found of an element; each element that a view goes through has one of its own.
"""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from service.conformance.fhirpath.collection import Collection, Get, Scope
from service.conformance.fhirpath.compiler import Compiler
from service.conformance.fhirpath.syntax import Call, Literal, Member, Node, Operation

_BY_URL = -1
"""Under what ``Scope.shared`` keeps the extensions of the element by their url."""


def parts_of(tree: Node) -> Iterator[Node]:
    """Yield those parts of an expression that are asked of the same element as the whole, and might be shared."""
    match tree:
        case Member(of, _) | Call(of, _, _):
            yield tree
            if of is not None:
                yield from parts_of(of)
        case Operation(operator, left, right):
            yield from parts_of(left)
            if operator not in ("is", "as", "["):
                yield from parts_of(right)


class SharingCompiler(Compiler):
    """Compiles the expressions about one element; ``times`` tells how often each part is in all of them."""

    def __init__(self, times: Mapping[Node, int], *given: Any) -> None:
        super().__init__(*given)
        self._element: Collection = given[1]
        self._times = times
        self._kept: dict[Node, Collection] = {}
        self._numbers = count()
        self._has_extensions = not self._element.is_typed and not self._element.kinds[0].is_primitive

    def about_element(self, tree: Node) -> Collection:
        """Return what ``tree`` gives of the element; raises ValueError where that is not supported."""
        return self.collection(tree, self._element)

    def collection(self, node: Node, this: Collection) -> Collection:
        """Return what ``node`` gives where ``this`` is ``$this``; raises ValueError where that is not supported."""
        if this is not self._element:
            return super().collection(node, this)
        if node not in self._kept:
            found = super().collection(node, this)
            url = _url_of(node) if self._has_extensions else None
            if url is not None:
                found = Collection(found.kinds, items=_with_url(url))
            elif self._times.get(node, 0) > 1 and not found.is_single and found.narrowed is None and found.told is None:
                found = Collection(found.kinds, items=_kept(next(self._numbers), found.items))
            self._kept[node] = found
        return self._kept[node]


def _url_of(node: Node) -> str | None:
    """Return the url where ``node`` gives the extensions of one."""
    match node:
        case Call(None, "extension", (Literal(str(url)),)):
            return url
        case Call(Member(None, "extension"), "where", (Operation("=", Member(None, "url"), Literal(str(url))),)):
            return url
    return None


def _kept(number: int, items: Get) -> Get:
    def kept(focus: Any, scope: Scope) -> Any:
        found = scope.shared.get(number)
        if found is None:
            found = scope.shared[number] = items(focus, scope)
        return found

    return kept


def _with_url(url: str) -> Get:
    def with_url(focus: Any, scope: Scope) -> Any:
        by_url = scope.shared.get(_BY_URL)
        if by_url is None:
            by_url = scope.shared[_BY_URL] = _by_url(focus)
        return by_url.get(url, ())

    return with_url


def _by_url(focus: Any) -> dict[str, list[Any]]:
    given = focus.get("extension")
    found: dict[str, list[Any]] = {}
    for item in given if type(given) is list else ():
        if type(item) is dict:
            url = str(item.get("url"))
            if url in found:
                found[url].append(item)
            else:
                found[url] = [item]
    return found
