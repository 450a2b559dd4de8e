"""Which pages of other origins a browser lets call this service (https://fetch.spec.whatwg.org/#http-cors-protocol).

Nothing is sent by a browser of its own accord, no cookie and no certificate: a page has to have a token. So credentials
are never allowed, and an origin is one of those listed or none.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
_REQUEST_HEADERS = (
    b"Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-Modified-Since, If-None-Exist, If-None-Match, "
    b"Prefer, X-Provenance, X-Request-Id"
)
_ANSWER_HEADERS = (
    b"Accept-Patch, Allow, Content-Disposition, Content-Location, ETag, Last-Modified, Link, Location, "
    b"Recovery-Redacted, Recovery-Transaction-Time, Retry-After, WWW-Authenticate, X-Request-Id"
)
"""Those that FHIR, SMART and this service use, and that a browser would keep from a page."""
_VARY = (b"vary", b"Origin")


def with_cors(app: ASGIApp, origins: tuple[str, ...]) -> ASGIApp:
    """Return ``app``, which pages of ``origins`` may call; asking whether they may needs no token."""
    if not origins:
        return app
    allowed = frozenset(origin.encode() for origin in origins)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        grants = [(b"access-control-allow-origin", origin)] if origin in allowed else []
        if grants and scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            await _answer_preflight(grants, send)
            return

        async def send_with_grant(message: Message) -> None:
            if message["type"] == "http.response.start":
                exposed = [(b"access-control-expose-headers", _ANSWER_HEADERS)] if grants else []
                message["headers"] = [*message["headers"], _VARY, *grants, *exposed]
            await send(message)

        await app(scope, receive, send_with_grant)

    return answer


async def _answer_preflight(grants: list[tuple[bytes, bytes]], send: Send) -> None:
    headers = [
        *grants,
        _VARY,
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-allow-headers", _REQUEST_HEADERS),
        (b"access-control-max-age", b"600"),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body"})
