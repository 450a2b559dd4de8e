"""Writes that happen once however often they are sent: the header Idempotency-Key.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/: a client that lost the answer sends the
same request again and gets the first answer. It is remembered in the commit of the write itself, for the time that the
setting says, and for every worker. A request that was refused changed nothing, so it is not remembered and runs again.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

from service.fhir import json
from service.fhir.entry import Idempotency, Request, Response
from service.fhir.outcome import Issue, OutcomeError
from service.fhir.touched import Touched
from service.interactions.context import Context

_MOST_KEPT = 15_000_000
_FIELDS = ("status", "body", "location", "version", "last_modified")
_TOUCHED = "touched"


async def only_once(
    request: Request, context: Context, carry_out: Callable[[Request, Context], Awaitable[Response]]
) -> Response:
    """Return the answer that this request had before, or else what ``carry_out`` returns, having remembered it.

    Raises OutcomeError 422 where the key was used for another request.
    """
    if request.idempotency is None:
        return await carry_out(request, context)
    asked = request.idempotency

    async def work(bound: Context) -> Response:
        known = await _recalled(asked, bound)
        if known is not None:
            return await _repeated(known, bound)
        response = await carry_out(replace(request, idempotency=None), bound)
        if len(response.body or b"") > _MOST_KEPT:
            sentence = f"An answer of more than {_MOST_KEPT} bytes cannot be remembered; prefer return=minimal"
            raise OutcomeError(Issue("answer-too-large", sentence, "http.Idempotency-Key"))
        await _remember(asked, {name: getattr(response, name) for name in (*_FIELDS, _TOUCHED)}, bound)
        return response

    return await context.in_transaction(work)


async def claim_key(batch: Request, context: Context) -> None:
    """Bind the key of a batch to what it asks for; raises OutcomeError 422 where it was used for something else."""
    asked = batch.idempotency
    if asked is None:
        return

    async def work(bound: Context) -> None:
        if await _recalled(asked, bound) is None:
            await _remember(asked, {}, bound)

    await context.in_transaction(work)


def of_entry(batch: Request, number: int) -> Idempotency | None:
    """Return the key of one entry of a batch, whose entries are done or not done each for itself."""
    if batch.idempotency is None:
        return None
    fingerprint = sha256(json.dump_sorted(batch.resource["entry"][number])).hexdigest()
    return replace(batch.idempotency, key=f"{batch.idempotency.key}\0{number}", fingerprint=fingerprint)


async def _repeated(known: dict[str, Any], context: Context) -> Response:
    """Return the answer that was remembered: now it stores nothing, and discloses what it did the first time.

    It comes without its body where the client may not read any more all that it tells of.
    """
    versions = [Touched(*told) for told in known.get(_TOUCHED, ())]
    again = tuple(dict.fromkeys(each._replace(action="R") for each in versions))
    response = Response(**{name: known[name] for name in _FIELDS}, touched=again)
    is_whole = response.body is None or await _are_seen(versions, context)
    return response if is_whole else replace(response, body=None)


async def _are_seen(versions: list[Touched], context: Context) -> bool:
    """Return whether the client may read all ``versions``."""
    if not context.access.is_limited:
        return True
    store = context.store.seen_by(context.access)
    read = [await store.read_version(each.type, each.id, each.version) for each in versions]
    return None not in read


def _name(asked: Idempotency) -> str:
    return sha256(f"{asked.client}\0{asked.key}".encode()).hexdigest()


async def _recalled(asked: Idempotency, context: Context) -> dict[str, Any] | None:
    """Return what was remembered of the key, or None; raises OutcomeError where that was of another request."""
    known = await context.store.notes.recall(_name(asked))
    if known is not None and known["fingerprint"] != asked.fingerprint:
        sentence = (
            "This Idempotency-Key was used with another method, address, header or body; a new request takes a new key"
        )
        raise OutcomeError(Issue("idempotency-key-reused", sentence, "http.Idempotency-Key"))
    return known


async def _remember(asked: Idempotency, answer: dict[str, Any], context: Context) -> None:
    content = {"fingerprint": asked.fingerprint, **answer}
    await context.store.notes.remember(_name(asked), content, context.limits.idempotency_kept)
