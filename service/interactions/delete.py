"""delete: DELETE [base]/[type]/[id] (https://hl7.org/fhir/R4/http.html#delete)."""

from service.fhir.entry import Request, Response
from service.interactions.answers import deleted
from service.interactions.context import Context
from service.interactions.preconditions import check_preconditions
from service.interactions.writing import ATTEMPTS
from service.store.faults import conflict
from service.store.resources import MovedOnError


async def delete(request: Request, context: Context) -> Response:
    """Put a tombstone in the resource's place; also where there is nothing to delete the answer is 204."""
    for _ in range(ATTEMPTS):
        current = await context.store.read(request.path[0], request.path[1])
        await check_preconditions(request, current, context)
        if current is None or current.deleted:
            return deleted(current, request, 0)
        try:
            return deleted(await context.store.bury(current), request, 1)
        except MovedOnError:
            continue  # read again: with If-Match the check then says 412
    raise conflict()
