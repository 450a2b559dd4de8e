"""A file that is served as it is: read once, compressed once, answered with 304 where the client has it."""

import gzip
from functools import cached_property
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"


class Asset:
    """The bytes of a file, with the headers that go with them."""

    def __init__(self, body: bytes, media_type: str, caching: str = ASK_AGAIN, **headers: str) -> None:
        self.body = body
        self.digest = sha256(body).hexdigest()[:16]
        self._media_type = media_type
        self._headers = {
            "Cache-Control": caching,
            "ETag": f'W/"{self.digest}"',
            "Vary": "Accept-Encoding",
        } | {name.replace("_", "-"): value for name, value in headers.items()}

    @cached_property
    def _compressed(self) -> bytes:
        return gzip.compress(self.body, compresslevel=6, mtime=0)

    async def answer(self, request: Request) -> Response:
        """Return the file, or 304 where the client has it already."""
        if self._headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=self._headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers = self._headers | {"Content-Encoding": "gzip"}
            return Response(self._compressed, media_type=self._media_type, headers=headers)
        return Response(self.body, media_type=self._media_type, headers=self._headers)
