"""The requests of the FHIR address itself: one interaction, or a Bundle of them posted to the root."""

from service.fhir.entry import Request, Response
from service.interactions.batch import batch_or_transaction
from service.interactions.context import Context
from service.interactions.perform import find_interaction, not_allowed, perform


def check_address(method: str, path: tuple[str, ...], context: Context) -> None:
    """Raise OutcomeError 404, 405, or 400 for what is no id, unless ``method`` is allowed at ``path``."""
    if path:
        find_interaction(method, path, context)
    elif method != "POST":
        raise not_allowed(method, ["POST"])


async def serve(request: Request, context: Context) -> Response:
    """Return what comes of a request that `check_address` let pass; raises OutcomeError where it cannot be done."""
    return await (perform if request.path else batch_or_transaction)(request, context)
