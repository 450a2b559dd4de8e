"""batch and transaction: POST [base] (https://hl7.org/fhir/R4/http.html#transaction)."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from service.fhir import json
from service.fhir.bundle import Entry, bundle
from service.fhir.datetimes import instant
from service.fhir.entry import Request, Response
from service.fhir.outcome import OutcomeError, operation_outcome
from service.fhir.positions import SourceText
from service.interactions.checks import refuse_errors
from service.interactions.context import Context
from service.interactions.entries import MOST_ANSWERED, BundleEntry, prefixed, read_bundle, too_much_to_answer
from service.interactions.entry_links import links_between
from service.interactions.faults import fault
from service.interactions.idempotency import claim_key, of_entry, only_once
from service.interactions.perform import perform
from service.interactions.provenance import not_attributed
from service.interactions.transaction import transaction

_AT_ONCE = 8
"""Entries of a batch that run at the same time."""


async def batch_or_transaction(request: Request, context: Context) -> Response:
    """Return the Bundle of answers, in the order of the entries; a transaction that fails raises OutcomeError."""
    kind, entries = read_bundle(request, context)
    if kind == "batch":
        if request.provenance is not None:
            raise not_attributed("The entries of a batch are done each for itself")
        await claim_key(request, context)
        return _answered(kind, entries, await _batch(entries, request, context))

    async def all_or_nothing(_: Request, bound: Context) -> Response:
        responses, attributed = await transaction(entries, request.provenance, bound)
        answer = _answered(kind, entries, responses)
        return replace(answer, touched=answer.touched + attributed)

    return await only_once(request, context, all_or_nothing)


def _answered(kind: str, entries: list[BundleEntry], responses: list[Response]) -> Response:
    pairs = list(zip(entries, responses, strict=True))
    answer = bundle(f"{kind}-response", [_answer(entry, response) for entry, response in pairs])
    return replace(answer, entries=tuple(f"{_asked(entry.request)} {response.status}" for entry, response in pairs))


def _asked(request: Request | None) -> str:
    """Return what an entry asks for, as the audit has it; its address is not known where that cannot be read."""
    if request is None:
        return "?"
    query = f"?{urlencode(request.parameters)}" if request.parameters else ""
    condition = f" If-None-Exist: {request.if_none_exist}" if request.if_none_exist else ""
    return f"{request.method} {'/'.join(request.path)}{query}{condition}"


async def _batch(entries: list[BundleEntry], outer: Request, context: Context) -> list[Response]:
    places, size = asyncio.Semaphore(_AT_ONCE), 0
    full_urls = {entry.full_url for entry in entries if entry.full_url}

    async def one(number: int, entry: BundleEntry) -> Response:
        nonlocal size
        if entry.request is not None:
            entry.request.idempotency = of_entry(outer, number)
        async with places:
            response = await _attempt(entry, full_urls, outer.text, context)
        size += len(response.body or b"")
        return response if size <= MOST_ANSWERED else _shortened(entry, response)

    return await asyncio.gather(*(one(number, entry) for number, entry in enumerate(entries)))


def _shortened(entry: BundleEntry, response: Response) -> Response:
    """Return ``response`` without its resource, or where that was all that was asked for a refusal."""
    if entry.request is None or entry.request.method != "GET":
        return replace(response, body=None)
    error = too_much_to_answer(entry.place)
    return Response(error.status, json.dump(operation_outcome(error.issues)), touched=())


async def _attempt(
    entry: BundleEntry, full_urls: Collection[str], text: SourceText | None, context: Context
) -> Response:
    try:
        if entry.request is None:
            raise OutcomeError(*entry.issues)
        refuse_errors(links_between(entry, full_urls, context))
        return await perform(entry.request, context)
    except OutcomeError as error:
        outcome = operation_outcome(prefixed(error.issues, entry.place), text)
        return Response(error.status, json.dump(outcome), touched=error.touched)
    except Exception as error:  # noqa: BLE001 - a fault in one entry spoils no other
        return fault(error)


def _answer(entry: BundleEntry, response: Response) -> Entry:
    if entry.without_body and response.status == 200:
        response = response.without_body()
    phrase = HTTPStatus(response.status).phrase
    told: dict[str, Any] = {"status": f"{response.status} {phrase}"}
    if response.location is not None:
        told["location"] = response.location
    if response.etag is not None:
        told["etag"] = response.etag
    if response.last_modified is not None:
        told["lastModified"] = instant(response.last_modified)
    text = json.dump(told)
    resource = response.body
    last = entry.request.path[-1] if entry.request and entry.request.path else ""
    is_result = response.status == 200 and last.startswith("$")
    if resource is not None and resource.startswith(b'{"resourceType":"OperationOutcome"') and not is_result:
        text, resource = text[:-1] + b',"outcome":' + resource + b"}", None
    return Entry(None, resource, b'"response":' + text, touched=response.touched)
