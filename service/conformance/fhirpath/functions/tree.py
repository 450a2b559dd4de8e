"""Down the tree of elements (http://hl7.org/fhirpath/N1/#tree-navigation)."""

from typing import Any

from service.conformance.fhirpath.collection import Collection, Get, Scope, chain
from service.conformance.fhirpath.functions.invocation import Function, Invocation


def _children(call: Invocation) -> Collection:
    return call.compiler.navigation.children(call.of)


def _descendants(call: Invocation) -> Collection:
    return call.compiler.navigation.descendants(call.of)


def _trace(call: Invocation) -> Collection:
    for number in range(1, len(call.arguments)):
        call.each(number)  # said wrongly, it is an error although nothing is made of it
    return call.of


def _extension(call: Invocation) -> Collection:
    """``extension(url)``, short for ``extension.where(url = …)``."""
    found = call.compiler.navigation.member(call.of, "extension")
    url = call.argument(0).literal
    if isinstance(url, str) and not call.of.is_typed and not call.of.kinds[0].is_primitive:
        return chain(call.of, Collection(found.kinds, items=_of_object(url)))
    items, wanted = found.items, call.text(0)

    def with_url(focus: Any, scope: Scope) -> list[Any]:
        url = wanted(focus, scope)
        return [item for item in items(focus, scope) if item.get("url") == url]

    return Collection(found.kinds, items=with_url)


def _of_object(url: str) -> Get:
    def with_url(focus: Any, scope: Scope) -> Any:
        given = focus.get("extension")
        if type(given) is not list:
            return ()
        return [item for item in given if type(item) is dict and item.get("url") == url]

    return with_url


TREE: dict[str, tuple[Function, range]] = {
    "children": (_children, range(1)),
    "descendants": (_descendants, range(1)),
    "extension": (_extension, range(1, 2)),
    "trace": (_trace, range(1, 3)),
}
"""Each function by its name, and how many arguments it can have."""
