"""What every answer says to browsers: believe the content type, tell nobody the address, do not frame, do not load."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
"""For what is no page; a page has a policy of its own."""
_ONLY_TLS = (b"strict-transport-security", b"max-age=31536000")
_OVER = {"http": (*HEADERS,), "https": (*HEADERS, _ONLY_TLS)}


def with_security_headers(app: ASGIApp) -> ASGIApp:
    """Return ``app`` with these headers on each of its answers; over TLS, that there is to be no other way."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"] = [*message["headers"], *_OVER[scope["scheme"]]]
                if POLICY[0] not in dict(headers):
                    headers.append(POLICY)
            await send(message)

        await app(scope, receive, send_with_headers)

    return answer
