"""Addresses that a proxy could take for others than this service does are those of nothing (RFC 3986, 6.2.2)."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from service.fhir.outcome import Issue, OutcomeError
from service.rest.errors import refusal

_TWO_WAYS = re.compile(rb"//|/(\.|%2E){1,2}(/|$)|%2F|%5C|\\", re.IGNORECASE)
"""Slashes, dot segments and backslashes that somebody decodes, merges or resolves, and somebody else does not."""


def with_plain_paths(app: ASGIApp) -> ASGIApp:
    """Return ``app``, to which only paths come that can be read in one way."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if _TWO_WAYS.search(scope["raw_path"]) is None:
            await app(scope, receive, send)
        else:
            sentence = "A path here has no empty segment, no dot segment and no encoded slash or backslash"
            await refusal(OutcomeError(Issue("unknown-address", sentence)))(scope, receive, send)

    return answer
