"""delete: DELETE [base]/[type]/[id] (https://hl7.org/fhir/R4/http.html#delete)."""

from service.fhir.entry import Request, Response
from service.interactions.answers import deleted
from service.interactions.context import Context
from service.interactions.preconditions import check_preconditions
from service.interactions.writing import write_until_first
from service.store.document import Stored


async def delete(request: Request, context: Context) -> Response:
    """Put a tombstone in the resource's place; also where there is nothing to delete the answer is 204."""

    async def write(current: Stored | None) -> Response:
        await check_preconditions(request, current, context)
        if current is None or current.deleted:
            return deleted(current, request, 0, touched=current.touched if current else ())
        deletion = await context.store.bury(current)
        return deleted(deletion, request, 1, touched=deletion.changed)

    return await write_until_first(request, context, write)
