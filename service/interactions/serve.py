"""The requests of the FHIR address itself: one interaction, or a Bundle of them posted to the root."""

from service.fhir.entry import Request, Response
from service.interactions.batch import batch_or_transaction
from service.interactions.context import Context
from service.interactions.perform import find_interaction, not_allowed, perform

_AT_ROOT = ("GET", "POST")
"""A search of the whole system, and a Bundle."""
BUNDLE = "batch"
"""What a Bundle is taken for until it has been read."""


def interaction_at(method: str, path: tuple[str, ...], context: Context) -> str:
    """Return the code of what ``method`` at ``path`` asks for; raises OutcomeError as `find_interaction` does."""
    if not path and method not in _AT_ROOT:
        raise not_allowed(method, _AT_ROOT)
    return BUNDLE if _is_bundle(method, path) else find_interaction(method, path, context)[0]


async def serve(request: Request, context: Context) -> Response:
    """Return what comes of a request at an address that there is; raises OutcomeError where it cannot be done."""
    is_bundle = _is_bundle(request.method, request.path)
    return await (batch_or_transaction if is_bundle else perform)(request, context)


def _is_bundle(method: str, path: tuple[str, ...]) -> bool:
    return not path and method == "POST"
