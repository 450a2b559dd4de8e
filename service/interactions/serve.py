"""The requests of the FHIR address itself: one interaction, or a Bundle of them posted to the root."""

from service.fhir.entry import Request, Response
from service.interactions.batch import batch_or_transaction
from service.interactions.context import Context
from service.interactions.perform import find_interaction, not_allowed, perform

_AT_ROOT = ("GET", "POST")
"""A search of the whole system, and a Bundle."""


def check_address(method: str, path: tuple[str, ...], context: Context) -> None:
    """Raise OutcomeError 404, 405, or 400 for what is no id, unless ``method`` is allowed at ``path``."""
    if path:
        find_interaction(method, path, context)
    elif method not in _AT_ROOT:
        raise not_allowed(method, _AT_ROOT)


async def serve(request: Request, context: Context) -> Response:
    """Return what comes of a request that `check_address` let pass; raises OutcomeError where it cannot be done."""
    is_bundle = not request.path and request.method == "POST"
    return await (batch_or_transaction if is_bundle else perform)(request, context)
