"""Who asks nobody for a token answers only to names of this machine (https://www.rfc-editor.org/rfc/rfc9110#section-7.2).

A page of elsewhere whose name is made to lead to this machine would otherwise be let in by the browser of whoever looks
at it, and a proxy that passes its own name on would open the service to everybody.
"""

import re
from functools import lru_cache

from starlette.types import ASGIApp, Receive, Scope, Send

from service.fhir.outcome import Issue, OutcomeError
from service.rest.errors import refusal
from service.rest.networks import read_address

_HOST = re.compile(r"(\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(:\d{1,5})?", re.IGNORECASE)


def with_local_hosts(app: ASGIApp) -> ASGIApp:
    """Return ``app``, to which only requests come whose Host nobody else can have given a page to."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if all(_is_local(value) for name, value in scope["headers"] if name == b"host"):
            await app(scope, receive, send)
        else:
            sentence = (
                "Without tokens this service answers to names of this machine alone, such as localhost: "
                "set RECOVERY_AUTH=jwt, or RECOVERY_ALLOW_UNAUTHENTICATED=yes"
            )
            await refusal(OutcomeError(Issue("forbidden", sentence, "http.Host")))(scope, receive, send)

    return answer


@lru_cache(maxsize=64)
def _is_local(host: bytes) -> bool:
    """Return whether ``host`` is an address, localhost, or a name without dots, which is none of the internet."""
    found = _HOST.fullmatch(host.decode("latin-1"))
    if found is None:
        return True  # no page has such an address, and nothing that is sent back is made of it
    name = (found["six"] or found["name"]).lower()
    return "." not in name or name.endswith(".localhost") or read_address(name) is not None
