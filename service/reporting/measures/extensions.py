"""Extensions of elements within a resource, found in one step where an expression asks for those with a url.

``extension.where(url = '…')`` stands in nearly every fact; below the resource itself `SharingCompiler` keeps them.
"""

from typing import Any

from service.conformance.fhirpath.collection import Collection, Get, Scope
from service.conformance.fhirpath.syntax import Call, Literal, Member, Node, Operation
from service.reporting.views.sharing import SharingCompiler


class FactsCompiler(SharingCompiler):
    """Compiles expressions about one element."""

    def collection(self, node: Node, this: Collection) -> Collection:
        """Return what ``node`` gives where ``this`` is ``$this``; raises ValueError where that is not supported."""
        found = super().collection(node, this)
        match node:
            case Call(Member(of, "extension"), "where", (Operation("=", Member(None, "url"), Literal(str(url))),)):
                holder = this if of is None else self.collection(of, this)
                is_plain = not holder.is_typed and not holder.kinds[0].is_primitive
                if is_plain and not (of is None and this is self._element):
                    return Collection(found.kinds, items=_with_url(holder, url))
        return found


def _with_url(holder: Collection, url: str) -> Get:
    if holder.is_this:
        return lambda focus, scope: _extensions(focus, url)
    if holder.is_single:
        item = holder.item
        return lambda focus, scope: () if (found := item(focus, scope)) is None else _extensions(found, url)
    items = holder.items

    def with_url(focus: Any, scope: Scope) -> Any:
        return [each for one in items(focus, scope) for each in _extensions(one, url)]

    return with_url


def _extensions(holder: dict[str, Any], url: str) -> Any:
    found = holder.get("extension")
    if type(found) is not list:
        return ()
    return [item for item in found if type(item) is dict and item.get("url") == url]
