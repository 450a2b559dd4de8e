"""Whether a client may do what it asks for, and what it sees of the store while that is done."""

from collections.abc import Mapping
from dataclasses import replace

from service.fhir.entry import Request
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.context import Context
from service.security.access import Access, Permission
from service.security.decisions import require

_PURPOSES: Mapping[str, Permission] = {
    "create": "c",
    "update": "u",
    "patch": "u",
    "delete": "d",
    "conditional-update": "u",
    "conditional-patch": "u",
    "conditional-delete": "d",
    "$meta-add": "u",
    "$meta-delete": "u",
}
"""By the code of an interaction that writes, the permission for which it looks at what is there; others read."""


async def permitted(code: str, request: Request, context: Context) -> Context:
    """Return the context in which ``request`` may be carried out; raises OutcomeError 403 where it may not.

    Who may not read what it writes gets no more than that it was written.
    """
    access, resource_type = context.access, type_asked(request.path, context)
    is_conditional = code == "create" and request.if_none_exist is not None
    require("conditional-create" if is_conditional else code, resource_type, access, of_instance=_has_id(request.path))
    if not access.is_limited:
        return context
    for name in access.types:
        await context.readiness.require(name, access.asked_of(name))
    purpose = _PURPOSES.get(code)
    if purpose is None or resource_type is None:
        return context
    if not _reads_what_it_writes(access, purpose, resource_type):
        if code.startswith("$"):
            sentence = (
                f"{code} answers with what it changes, and this client may not read all {resource_type} it may change"
            )
            raise OutcomeError(Issue("forbidden", sentence))
        request.preferences = replace(request.preferences, returns="minimal")
    return context if purpose == "c" else replace(context, store=context.store.seen_by(access, purpose))


def type_asked(path: tuple[str, ...], context: Context) -> str | None:
    """Return the type of resource that an address is about, or None where it is about several."""
    if path and path[0] in context.compartments and len(path) > 2:
        return path[2] if path[2] in context.search_parser.types else None
    return path[0] if path and path[0] in context.search_parser.types else None


def _has_id(path: tuple[str, ...]) -> bool:
    return len(path) > 1 and path[1][0] not in "_$"


def _reads_what_it_writes(access: Access, purpose: Permission, resource_type: str) -> bool:
    return access.seen("r", resource_type) in (None, access.seen(purpose, resource_type))
