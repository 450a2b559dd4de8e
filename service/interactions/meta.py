"""$meta, $meta-add, $meta-delete: profiles, tags and labels (https://hl7.org/fhir/R4/resource-operation-meta.html).

A change makes a new version, as any other does; versions of the past stay as they are.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from service.fhir import json
from service.fhir.entry import Request, Response
from service.fhir.outcome import Issue, OutcomeError
from service.fhir.touched import Touched
from service.interactions.checks import refuse_errors, resource_issues, update_issues
from service.interactions.context import Context
from service.interactions.labels import LABELS, Meta, label_issues, with_labels, without_labels
from service.interactions.operation_input import read_input
from service.interactions.preconditions import check_preconditions
from service.interactions.read import present, stored_version
from service.interactions.writing import store_next, write_until_first
from service.search.text import split_unescaped, unescape
from service.store.document import Stored

MOST_IN_USE = 2_000
"""Words that are looked through for each of profiles, tags and labels of one type; a coding has two."""
_OPERATION = "http://hl7.org/fhir/OperationDefinition/Resource-meta"

_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_NONE: Meta = {"extension": [{"url": _ABSENT, "valueCode": "not-applicable"}]}
"""A Meta that says nothing, for FHIR has no empty objects and the operation has an answer always."""

Change = Callable[[Meta, Meta], Meta]


async def meta_of_resource(request: Request, context: Context) -> Response:
    """Return the meta of a resource or of one version; raises OutcomeError 404 or 410."""
    read_input(request, context.definitions.get(_OPERATION), context)
    resource_type, resource_id, *version = request.path[:-1]
    if version:
        stored = await stored_version(request.path, context)
    else:
        stored = present(await context.store.read(resource_type, resource_id), resource_type)
    return _answer(_meta_of(stored), stored, stored.touched)


async def meta_in_use(request: Request, context: Context) -> Response:
    """Return all profiles, tags and security labels of the resources of a type, or of all types.

    Raises OutcomeError 413 where they are too many to be looked through.
    """
    read_input(request, context.definitions.get(_OPERATION), context)
    types = request.path[:-1] or context.search_parser.types_linked
    found = await _words(types, context)
    meta = {name: sorted(words) if name == "profile" else _codings(words) for name, words in found.items() if words}
    return _answer(meta or _NONE)


async def meta_add(request: Request, context: Context) -> Response:
    """Add labels to a resource and return its meta; raises OutcomeError where it would not fit a profile that is added.

    A label that it has already changes nothing.
    """
    return await _change(request, context, "add", with_labels)


async def meta_delete(request: Request, context: Context) -> Response:
    """Take labels away from a resource and return its meta; one that it does not have changes nothing."""
    return await _change(request, context, "delete", without_labels)


async def _change(request: Request, context: Context, code: str, change: Change) -> Response:
    (given,) = read_input(request, context.definitions.get(f"{_OPERATION}-{code}"), context)

    async def write(found: Stored | None) -> Response:
        current = present(found, request.path[0])
        await check_preconditions(request, current, context)
        resource = json.parse(current.body or b"{}")
        changed = {**resource, "meta": change(resource["meta"], given.value)}
        if changed == resource:
            return _answer(resource["meta"], current, current.touched)
        await _check(changed, resource, given.place, context)
        stored, touched = await store_next(current, resource["meta"], changed, request, context)
        return _answer(_meta_of(stored), stored, touched)

    return await write_until_first(request, context, write)


async def _check(changed: dict[str, Any], resource: dict[str, Any], place: str, context: Context) -> None:
    """Raise OutcomeError where the resource does not fit a profile that is new to it, or counts as only a part.

    The same where it loses the label of confidentiality that the setting demands.

    What else is wrong with it stands in the way of no label: it was stored so.
    """
    resource_type, meta = changed["resourceType"], changed["meta"]
    issues = [
        replace(each, expression=f"{place}.value.tag")
        for each in update_issues(changed, (resource_type, changed["id"]))
    ]
    if not set(meta.get("profile", ())) <= set(resource["meta"].get("profile", ())):
        issues += await resource_issues(changed, resource_type, context)
    elif context.limits.require_label and not label_issues(resource, resource_type):
        issues += label_issues(changed, resource_type)
    refuse_errors(issues)


async def _words(types: Iterable[str], context: Context) -> dict[str, set[str]]:
    """Return the words of profiles, tags and labels of the resources of ``types``."""
    asked = [(resource_type, name) for resource_type in types for name in LABELS]
    for resource_type in dict(asked):
        await context.readiness.require(resource_type, [f"_{name}" for name in LABELS])
    found = await context.store.words([(resource_type, f"_{name}") for resource_type, name in asked], MOST_IN_USE + 1)
    words: dict[str, set[str]] = {name: set() for name in LABELS}
    for (resource_type, name), some in zip(asked, found, strict=True):
        if len(some) > MOST_IN_USE:
            sentence = f"{resource_type} has more than {MOST_IN_USE} words of _{name} in use; search by those you know"
            raise OutcomeError(Issue("include-limit", sentence))
        words[name].update(some)
    return words


def _codings(words: Iterable[str]) -> list[dict[str, str]]:
    """Return the codings of which ``words`` have system and code."""
    parts = sorted(split_unescaped(word, "|") for word in words)
    named = [(unescape(part[0]), unescape(part[1])) for part in parts if len(part) == 2]
    pairs = [{"system": system, "code": code} for system, code in named]
    return [{name: text for name, text in pair.items() if text} for pair in pairs]


def _meta_of(stored: Stored) -> Meta:
    meta: Meta = json.parse(present(stored, stored.type).body or b"{}")["meta"]
    return meta


def _answer(meta: Meta, stored: Stored | None = None, touched: tuple[Touched, ...] = ()) -> Response:
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "return", "valueMeta": meta}]}
    if stored is None:
        return Response(200, json.dump(parameters), touched=())
    return Response(200, json.dump(parameters), None, stored.version, stored.last_updated, touched=touched)
