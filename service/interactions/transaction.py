"""transaction: all entries or none, references between them resolved (https://hl7.org/fhir/R4/http.html#trules)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from service.conformance.references import references_in
from service.fhir.entry import Request, Response, Return
from service.fhir.outcome import Issue, OutcomeError, shown
from service.fhir.reference import is_by_search
from service.fhir.touched import Touched
from service.interactions.answers import FOUND, written
from service.interactions.checks import refuse_errors, write_issues
from service.interactions.conditional import delete_each
from service.interactions.context import Context
from service.interactions.entries import MOST_ANSWERED, BundleEntry, prefixed, too_much_to_answer
from service.interactions.entry_links import EntryLinks
from service.interactions.perform import perform
from service.interactions.permission import permitted
from service.interactions.provenance import attribute_all, check_provenance
from service.interactions.read import present
from service.interactions.resolution import ORDER, Step, creates, is_conditional, resolve
from service.interactions.surroundings import Surroundings, kept_references

_SHORT: Return = "minimal"
"""What the answer to a transaction says of what it stored, unless the client asks for more."""

Done = tuple[list[Response], tuple[Touched, ...]]
"""The responses, and what was stored of who contributed."""


async def transaction(entries: list[BundleEntry], provenance: Any, context: Context) -> Done:
    """Return the responses in the order of ``entries``, all of them done, ``provenance`` stored of what they wrote.

    Raises OutcomeError, with nothing done: for all that is wrong with the entries as they stand, or for the first that
    cannot be performed.
    """
    requests = [entry.request for entry in entries if entry.request is not None]
    refuse_errors([*(issue for entry in entries for issue in entry.issues), *_unserved(requests, context)])
    if any(map(_asks_the_store, requests)):
        return await context.in_transaction(partial(_resolve_and_do, entries, provenance))
    steps = await _prepared(entries, provenance, context, searches=False)
    return await context.in_transaction(partial(_do, steps, provenance))


def _asks_the_store(request: Request) -> bool:
    """Return whether the resources that ``request`` is about, or refers to, are found by searches."""
    return is_conditional(request) or any(is_by_search(item["reference"]) for item in references_in([request.resource]))


async def _resolve_and_do(entries: list[BundleEntry], provenance: Any, context: Context) -> Done:
    return await _do(await _prepared(entries, provenance, context, searches=True), provenance, context)


async def _prepared(entries: list[BundleEntry], provenance: Any, context: Context, *, searches: bool) -> list[Step]:
    """Return what is to be done, links resolved; raises OutcomeError for all that is wrong with it.

    ``searches`` says whether there may be references by search.
    """
    steps, outlook = await resolve(entries, context)
    new = {target for step in steps if creates(step.request) for target in step.targets}
    links = EntryLinks({step.entry.full_url: step.address for step in steps if step.address}, new)
    linked = [step for step in steps if step.stores or step.request.method == "PATCH"]
    issues = [*_same_targets(steps)]
    for step in linked:
        resource, entry = step.request.resource, step.entry
        issues += await links.resolve(resource, entry, outlook if searches else None, context)
    issues += await _resource_issues(steps, context)
    refuse_errors({(issue.rule, issue.expression): issue for issue in reversed(issues)}.values())  # links say more
    if provenance is not None:
        writes = [step for step in steps if step.request.method in ("POST", "PUT", "PATCH")]
        await check_provenance(provenance, [step.address for step in writes if step.address], context)
    return steps


async def _do(steps: list[Step], provenance: Any, context: Context) -> Done:
    bound = replace(context, written=[])
    done: dict[int, Response] = {}
    size = 0
    for number in sorted(range(len(steps)), key=lambda number: ORDER[steps[number].request.method]):
        done[number] = await _one(steps[number], bound)
        size += len(done[number].body or b"")
        if size > MOST_ANSWERED:
            raise too_much_to_answer(steps[number].entry.place)
    attributed = () if provenance is None else await attribute_all(bound.written or [], provenance, bound)
    return [done[number] for number in range(len(steps))], attributed


async def _one(step: Step, context: Context) -> Response:
    try:
        return await _carried_out(step, context)
    except OutcomeError as error:
        raise error.told_as(prefixed(error.issues, step.entry.place)) from error


async def _carried_out(step: Step, context: Context) -> Response:
    if step.found is not None:
        resource_type, _, resource_id = step.found.partition("/")
        stored = present(await context.store.read(resource_type, resource_id), resource_type)
        return written(200, stored, step.request, (), FOUND, touched=stored.touched)
    if step.request.method == "DELETE" and is_conditional(step.request):
        bound = await permitted("conditional-delete", step.request, context)
        return await delete_each(step.request, [target.partition("/")[2] for target in step.targets], bound)
    return await perform(step.request, context)


def _unserved(requests: list[Request], context: Context) -> Iterable[Issue]:
    served = ", ".join(context.search_parser.types)
    for request in requests:
        name = request.path[0] if request.path else "_search"
        of_compartment = name in context.compartments and len(request.path) > 2
        if name[:1].isupper() and not of_compartment and name not in context.search_parser.types:
            sentence = f"{shown(name)} is not served here; served are {served}"
            yield Issue("entry-type", sentence, f"{request.place}.request.url")


def _same_targets(steps: Sequence[Step]) -> Iterable[Issue]:
    targets: set[str] = set()
    full_urls: set[str] = set()
    for step in steps:
        place, full_url = step.entry.place, step.entry.full_url
        if not targets.isdisjoint(step.targets):
            sentence = "Another entry of this transaction writes the same resource"
            yield Issue("entry-duplicate", sentence, f"{place}.request.url")
        if step.targets and full_url in full_urls:
            yield Issue("entry-duplicate", "Another entry has the same fullUrl", f"{place}.fullUrl")
        if step.targets:
            targets.update(step.targets)
            full_urls |= {full_url} if full_url else set()


async def _resource_issues(steps: Sequence[Step], context: Context) -> list[Issue]:
    """Return what is wrong with the resources that are to be written, and remember of each what only warns."""
    writes = [step for step in steps if step.stores]
    kept = await kept_references([step.request for step in writes], context)
    surroundings = Surroundings(context.store, _as_written(steps), kept)
    placed = [(step.request, f"{step.entry.place}.resource") for step in writes]
    issues: list[Issue] = []
    for (request, _), found in zip(placed, await write_issues(placed, context, surroundings), strict=True):
        request.warnings = tuple(issue for issue in found if not issue.is_error)
        issues += found
    for step in steps:
        if step.request.preferences.returns is None:
            step.request.preferences = replace(step.request.preferences, returns=_SHORT)
    return issues


def _as_written(steps: Sequence[Step]) -> dict[str, Any]:
    """Return by ``Type/id`` what will be when all ``steps`` are done, None where nothing will.

    What a patch will leave is known when it is done: until then it is what is stored.
    """
    changed = [step for step in steps if step.request.method != "PATCH"]
    return {target: _content(step) for step in changed for target in step.targets}


def _content(step: Step) -> dict[str, Any] | None:
    """Return what a step writes, which of a malformed resource is nothing that others could look at."""
    if not step.stores:
        return None
    return step.request.resource if isinstance(step.request.resource, dict) else {}
