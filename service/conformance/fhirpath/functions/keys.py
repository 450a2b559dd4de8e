"""The keys by which rows of SQL on FHIR are joined (https://sql-on-fhir.org/ig/StructureDefinition-ViewDefinition.html).

A key is ``Type/id``: what a relative reference is, so that resources of two types never share one.
"""

from collections.abc import Callable
from typing import Any

from service.conformance.fhirpath.collection import Collection, Scope
from service.conformance.fhirpath.functions.invocation import Function, Invocation
from service.conformance.fhirpath.functions.types import type_name
from service.conformance.fhirpath.kinds import SYSTEM
from service.conformance.fhirpath.values import Node
from service.fhir.reference import LiteralReference

Local = Callable[[str], LiteralReference | None]
"""Returns the reference in a text where it leads to this server."""


def _resource_key(call: Invocation) -> Collection:
    """A contained resource has no row of its own, and so no key."""
    if not any(kind.is_dynamic or "Resource" in kind.ancestors for kind in call.of.kinds):
        raise ValueError("Only a resource has a key")
    item = call.of.item

    def key(focus: Any, scope: Scope) -> str | None:
        found = _plain(item(focus, scope))
        if found is not scope.root or "id" not in found:
            return None
        return f"{found['resourceType']}/{found['id']}"

    return Collection((SYSTEM["String"],), item=key)


def _reference_key(call: Invocation) -> Collection:
    """Without ``/_history``: the row is that of the resource, in whatever version."""
    if not any(kind.is_dynamic or kind.name == "Reference" for kind in call.of.kinds):
        raise ValueError("Only a Reference has the key of a resource")
    wanted = type_name(call.arguments[0]) if call.arguments else None
    local = call.compiler.local

    def key(reference: Any) -> str | None:
        value = _plain(reference)
        text = value.get("reference") if type(value) is dict else None
        literal = local(text) if type(text) is str else None
        return None if literal is None or wanted not in (None, literal.type) else literal.relative

    if call.of.is_single:
        item = call.of.item
        return Collection(
            (SYSTEM["String"],),
            item=lambda focus, scope: None if (found := item(focus, scope)) is None else key(found),
        )
    items = call.of.items
    return Collection(
        (SYSTEM["String"],),
        items=lambda focus, scope: [text for found in items(focus, scope) if (text := key(found)) is not None],
    )


def _plain(item: Any) -> Any:
    return item.value if type(item) is Node else item


KEYS: dict[str, tuple[Function, range]] = {
    "getReferenceKey": (_reference_key, range(2)),
    "getResourceKey": (_resource_key, range(1)),
}
"""Each function by its name, and how many arguments it can have."""
