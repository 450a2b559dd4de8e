"""Which resource each entry of a transaction is about (https://hl7.org/fhir/R4/http.html#trules).

Conditions are decided here, in the order in which the entries will be carried out, so that each sees what those before
it leave. What comes of it are requests without conditions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from service.fhir import json
from service.fhir.entry import Request
from service.fhir.outcome import OutcomeError
from service.interactions.conditional import at_match
from service.interactions.context import Context
from service.interactions.entries import BundleEntry, prefixed
from service.interactions.outlook import HEADER, Outlook, criteria_of
from service.interactions.patch import patch_of_entry
from service.interactions.perform import find_interaction
from service.interactions.permission import permitted

_META_OPERATIONS = (("$meta-add",), ("$meta-delete",))
ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 3, "GET": 4}


@dataclass(slots=True)
class Step:
    """An entry with the request that carries it out."""

    entry: BundleEntry
    request: Request
    targets: list[str] = field(default_factory=list)
    """``Type/id`` of what it writes."""
    found: str | None = None
    """``Type/id`` of the resource that is there already, where a conditional create writes nothing."""

    @property
    def address(self) -> str | None:
        """``Type/id`` of the one resource that the entry stands for, if it stands for one."""
        return self.found or (self.targets[0] if len(self.targets) == 1 else None)

    @property
    def stores(self) -> bool:
        """Whether its resource is written."""
        return bool(self.targets) and (self.request.method == "PUT" or creates(self.request))


def creates(request: Request) -> bool:
    """Return whether ``request`` is a create: a search or an operation by POST is none."""
    return request.method == "POST" and len(request.path) == 1 and request.path[0][0] not in "_$"


def is_conditional(request: Request) -> bool:
    """Return whether a search says which resource ``request`` is about."""
    by_search = request.method in ("PUT", "PATCH", "DELETE") and len(request.path) == 1
    return by_search or (creates(request) and request.if_none_exist is not None)


async def resolve(entries: Sequence[BundleEntry], context: Context) -> tuple[list[Step], Outlook]:
    """Return the steps in the order of ``entries``, and how things will be when all are done.

    The requests are copies, for a transaction may have to run again. Raises OutcomeError where a condition cannot be
    decided.
    """
    copied = _copied if context.store.in_transaction else replace
    steps = [Step(entry, copied(entry.request)) for entry in entries if entry.request is not None]
    outlook = Outlook(context)
    for step in sorted(steps, key=lambda step: ORDER[step.request.method]):
        try:
            code, _ = find_interaction(step.request.method, step.request.path, context)
            await permitted(code, step.request, context)
            await _decide(step, outlook, context)
        except OutcomeError as error:
            raise error.told_as(prefixed(error.issues, step.entry.place)) from error
    return steps, outlook


def _changes_one(request: Request) -> bool:
    """Return whether ``request`` changes the resource that its address names."""
    if request.method == "POST":
        return request.path[2:] in _META_OPERATIONS
    return request.method in ("PUT", "PATCH", "DELETE") and len(request.path) == 2


def _copied(request: Request) -> Request:
    return replace(request, resource=json.parse(json.dump(request.resource)))


async def _decide(step: Step, outlook: Outlook, context: Context) -> None:
    request = step.request
    if request.method == "PATCH":
        request.media_type, request.resource = patch_of_entry(request.resource)
    resource_type = request.path[0] if request.path else ""
    matching = partial(outlook.matching, resource_type, request.parameters, request.base)
    if creates(request):
        matches = []
        if request.if_none_exist is not None:
            criteria = criteria_of(request.if_none_exist)
            matches = await outlook.matching(resource_type, criteria, request.base, HEADER)
        if matches:
            step.found = f"{resource_type}/{matches[0]}"
            return
        request.new_id = context.new_id()
        request.if_none_exist = None
        step.targets = [f"{resource_type}/{request.new_id}"]
    elif not is_conditional(request):
        step.targets = ["/".join(request.path[:2])] if _changes_one(request) else []
    elif request.method == "DELETE":
        ids = await matching(most=context.limits.conditional_delete)
        step.targets = [f"{resource_type}/{each}" for each in ids]
    else:
        step.request = await at_match(request, await matching(), context)
        step.targets = ["/".join(step.request.path)]
    for target in step.targets:
        if step.stores:
            outlook.put(target, step.request.resource)
        elif request.method == "DELETE":
            outlook.delete(target)
