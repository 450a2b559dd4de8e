"""Which request this is and who sent it (https://hl7.org/fhir/R4/http.html#custom).

What is known of a request before any of it is looked at stands in its ASGI scope, under keys of our own.
"""

import re
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.logs import REQUEST_ID

HEADER = b"x-request-id"
_KEY = "recovery.request_id"
_WELL_FORMED = re.compile(rb"[A-Za-z0-9._-]{1,64}")


def request_id(scope: Scope) -> str:
    """Return the id of a request: the client's X-Request-Id where that is well-formed, else one that was made."""
    found: str = scope[_KEY]
    return found


def peer(scope: Scope) -> str:
    """Return the address of the client; behind a trusted proxy that is the one which the proxy tells."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def with_request_id(app: ASGIApp) -> ASGIApp:
    """Return ``app`` with an id for each request, in its scope, in its log lines and in its answer."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        found = _sent(scope) or secrets.token_hex(12).encode()
        scope[_KEY] = found.decode()
        REQUEST_ID.set(scope[_KEY])

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (HEADER, found)]
            await send(message)

        await app(scope, receive, send_with_id)

    return answer


def _sent(scope: Scope) -> bytes | None:
    """Return the only X-Request-Id of a request where it may stand in a log and in a header."""
    sent: list[bytes] = [value for name, value in scope["headers"] if name == HEADER]
    return sent[0] if len(sent) == 1 and _WELL_FORMED.fullmatch(sent[0]) else None
