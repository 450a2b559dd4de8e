"""create, update and delete of a Subscription: the resource, and what is kept beside it, in one transaction.

Whoever writes it is from then on the client whose access decides what is delivered.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from service.fhir import json
from service.fhir.datetimes import moment_of, stretch
from service.fhir.entry import Request, Response
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.checks import checked_resource
from service.interactions.context import Context
from service.interactions.create import create
from service.interactions.delete import delete
from service.interactions.subscription.criteria import read_criteria
from service.interactions.subscription.headers import Header, header_issues, headers_in, with_marks
from service.interactions.update import update
from service.search.predicate import NOTHING
from service.store.subscribers import Order

Json = dict[str, Any]
Handler = Callable[[Request, Context], Awaitable[Response]]

TYPE = "Subscription"
_BY_CLIENTS = ("requested", "off")


async def create_subscription(request: Request, context: Context) -> Response:
    """Store a Subscription under a new id, as `create` does, and begin to keep what is to be delivered."""
    request.new_id = request.new_id or context.new_id()
    return await _ordered(create, request.new_id, request, context)


async def update_subscription(request: Request, context: Context) -> Response:
    """Store the next version of a Subscription, as `update` does; with the status requested it is tried anew."""
    return await _ordered(update, request.path[1], request, context)


async def delete_subscription(request: Request, context: Context) -> Response:
    """Delete a Subscription, as `delete` does; from then on nothing is delivered."""

    async def work(bound: Context) -> Response:
        response = await delete(request, bound)
        if any(each.action == "D" for each in response.touched):
            await bound.store.notes.subscribers.end(request.path[1])
        return response

    return await context.in_transaction(work)


async def _ordered(handler: Handler, subscription: str, request: Request, context: Context) -> Response:
    """Return what ``handler`` answers that writes what ``request`` has, with marks in place of secrets."""
    resource, _ = await checked_resource(request, context)
    _check(resource, request.base, context)
    moment = await context.store.notes.subscribers.moment()
    return await context.in_transaction(partial(_write, handler, subscription, request, resource, moment))


async def _write(
    handler: Handler, subscription: str, request: Request, sent: Json, moment: Any, context: Context
) -> Response:
    subscribers = context.store.notes.subscribers
    lines = sent["channel"].get("header", [])
    known = await subscribers.headers_of(subscription)
    headers = headers_in(lines, await _marked(subscription, context), known)
    request.resource = _told(sent, with_marks(headers, context.offer.key))
    response = await handler(request, context)
    if any(each.action in ("C", "U") for each in response.touched):
        await subscribers.place(subscription, _order(sent, headers, request.base, context), sent["status"], moment)
    return response


def _check(resource: Json, base: str, context: Context) -> None:
    """Raise OutcomeError 422 where a valid Subscription cannot be carried out, and 403 where its client may not see."""
    channel = resource["channel"]
    is_off = resource.get("status") == "off"
    issues = [*context.offer.issues(channel, is_off=is_off), *header_issues(channel.get("header", []))]
    if resource.get("status") not in _BY_CLIENTS:
        sentence = f"A client writes one of {', '.join(_BY_CLIENTS)}; the other statuses are the service's to write"
        issues.append(Issue("subscription", sentence, f"{TYPE}.status"))
    if not is_off and "end" in resource and _end(resource) <= datetime.now(UTC):
        issues.append(Issue("subscription", "This moment has passed", f"{TYPE}.end"))
    if issues:
        raise OutcomeError(*issues)
    criteria = read_criteria(
        resource.get("criteria", ""), base, context.search_parser, context.definitions.stored_types
    )
    if any(context.access.seen(each, criteria.type) == NOTHING for each in ("r", "s")):
        sentence = f"What is delivered is what this client may read and search for, and no {criteria.type} is"
        raise OutcomeError(Issue("forbidden", sentence, f"{TYPE}.criteria"))


async def _marked(subscription: str, context: Context) -> list[str]:
    """Return the lines of the headers as they stand in the resource so far."""
    current = await context.store.read(TYPE, subscription)
    if current is None or current.body is None:
        return []
    lines: list[str] = json.parse(current.body)["channel"].get("header", [])
    return lines


def _told(sent: Json, lines: list[str]) -> Json:
    """Return the resource as everybody may read it, with no error of earlier times."""
    channel = {**sent["channel"], "header": lines} if lines else sent["channel"]
    return {key: value for key, value in {**sent, "channel": channel}.items() if key not in ("error", "_error")}


def _order(sent: Json, headers: list[Header], base: str, context: Context) -> Order:
    channel = sent["channel"]
    return Order(
        client=context.access.client,
        base=base,
        criteria=sent["criteria"],
        endpoint=channel["endpoint"],
        has_payload="payload" in channel,
        end=_end(sent) if "end" in sent else None,
        headers=tuple(headers),
    )


def _end(resource: Json) -> datetime:
    return moment_of(stretch(resource["end"])[0])
