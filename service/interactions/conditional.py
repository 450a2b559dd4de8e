"""Conditional update, patch and delete (https://hl7.org/fhir/R4/http.html#cond-update).

Which resource is meant is found and changed in one transaction; from there on it is the interaction on that resource.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from service.fhir.entry import Request, Response
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.answers import deleted
from service.interactions.context import Context
from service.interactions.delete import delete
from service.interactions.outlook import Outlook
from service.interactions.patch import patch
from service.interactions.read import no_match
from service.interactions.update import update

Handler = Callable[[Request, Context], Awaitable[Response]]


async def update_match(request: Request, context: Context) -> Response:
    """Update the one match, or where there is none create: under the id in the body, or else under a new one.

    Raises OutcomeError 412 where several match, 400 where the body has another id than the match, and 409 where it has
    the id of a resource that does not match.
    """
    return await context.in_transaction(partial(_change_match, request, update))


async def patch_match(request: Request, context: Context) -> Response:
    """Patch the one match; raises OutcomeError 404 where there is none, and 412 where several match."""
    return await context.in_transaction(partial(_change_match, request, patch))


async def delete_matches(request: Request, context: Context) -> Response:
    """Delete what matches; raises OutcomeError 412 where that is more than the setting allows."""
    return await context.in_transaction(partial(_delete_matches, request))


async def at_match(request: Request, matches: list[str], context: Context) -> Request:
    """Return an update or a patch at the one resource that its condition, with these ``matches``, means.

    Raises OutcomeError as `update_match` and `patch_match` do.
    """
    if request.method == "PATCH":
        if not matches:
            raise no_match(request.path[0])
        return _at_id(request, matches[0])
    resource, resource_id = request.resource, await _id_to_update(request, matches, context)
    new_id = None
    if isinstance(resource, dict) and "id" not in resource:
        resource, new_id = {**resource, "id": resource_id}, resource_id
    return replace(_at_id(request, resource_id), resource=resource, new_id=new_id)


async def delete_each(request: Request, matches: list[str], context: Context) -> Response:
    """Delete the resources of these ids, and return one answer for all of them."""
    answers = [await delete(_at_id(request, match), context) for match in matches]
    if len(answers) == 1:
        return answers[0]
    return deleted(None, request, len(matches), touched=tuple(each for answer in answers for each in answer.touched))


def _at_id(request: Request, resource_id: str) -> Request:
    return replace(request, path=(request.path[0], resource_id), parameters=[])


async def _id_to_update(request: Request, matches: list[str], context: Context) -> str:
    """Return the id that a conditional update writes; raises OutcomeError where the body's id is not to be that."""
    given = request.resource.get("id") if isinstance(request.resource, dict) else None
    if not matches:
        if not isinstance(given, str):
            return context.new_id()
        current = await context.store.read(request.path[0], given)
        if current is not None and not current.deleted:
            sentence = "Nothing matches the condition, and the body's id is that of another resource"
            raise OutcomeError(Issue("id-taken", sentence, f"{request.path[0]}.id"))
        return given
    (found,) = matches
    if given not in (None, found):
        sentence = "The body's id is not that of the resource which matches; leave it out, or mend the condition"
        raise OutcomeError(Issue("id-mismatch", sentence, f"{request.path[0]}.id"))
    return found


async def _change_match(request: Request, change: Handler, context: Context) -> Response:
    matches = await Outlook(context).matching(request.path[0], request.parameters, request.base)
    return await change(await at_match(request, matches, context), context)


async def _delete_matches(request: Request, context: Context) -> Response:
    most = context.limits.conditional_delete
    matches = await Outlook(context).matching(request.path[0], request.parameters, request.base, most=most)
    return await delete_each(request, matches, context)
