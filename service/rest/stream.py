"""Long bodies, sent part after part, each only when it is recorded that it is disclosed."""

import asyncio
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.types import Receive, Send

from service.fhir.entry import Piece, Response
from service.fhir.touched import Touched
from service.rest.answer import Fields

_LEVEL = 1
"""Of compression: higher ones take several times as long and save little of what is mostly the same words."""
_GZIP = 31
"""The window of zlib with the head and tail of gzip."""

Record = Callable[[tuple[Touched, ...]], Awaitable[None]]
Wait = Callable[[], Awaitable[None]]


class BrokenOffError(Exception):
    """The body ended before it was complete, which the client is shown by a connection that is closed."""


def takes_gzip(accept_encoding: str) -> bool:
    """Return whether a client with this Accept-Encoding takes what is compressed."""
    for item in accept_encoding.lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        if name == "gzip":
            return not any(part.replace(" ", "") in ("q=0", "q=0.0", "q=0.00", "q=0.000") for part in parameters)
    return False


async def first_of(pieces: AsyncIterator[Piece]) -> Piece:
    """Return the first part, which is empty where there is none; raises what making it raises."""
    return await anext(pieces, None) or Piece(b"", ())


async def stream(
    response: Response,
    first: Piece,
    fields: Fields,
    record: Record,
    give_way: Wait,
    receive: Receive,
    send: Send,
    *,
    compressed: bool,
) -> None:
    """Send the body of ``response`` from its ``first`` part on, which is recorded already.

    While a part is sent the next one is made and recorded. Returns early where the client has gone. Raises
    BrokenOffError where the rest cannot be made, or not be recorded.
    """
    assert response.pieces is not None
    packer = zlib.compressobj(_LEVEL, wbits=_GZIP) if compressed else None
    fields = [*fields, (b"vary", b"Accept-Encoding"), *([(b"content-encoding", b"gzip")] if packer else [])]
    await send({"type": "http.response.start", "status": response.status, "headers": fields})
    gone = asyncio.create_task(_gone(receive))
    coming: asyncio.Task[Piece | None] | None = None
    try:
        piece: Piece | None = first
        while piece is not None:
            coming = asyncio.create_task(_recorded(response.pieces, record))
            body = await asyncio.to_thread(packer.compress, piece.body) if packer else piece.body
            await send({"type": "http.response.body", "body": body, "more_body": True})
            if gone.done():
                return
            piece = await coming
            await give_way()
    except Exception as error:
        raise BrokenOffError from error
    finally:
        await _ended(gone, coming)
        if isinstance(response.pieces, AsyncGenerator):
            await response.pieces.aclose()
    await send({"type": "http.response.body", "body": packer.flush() if packer else b""})


async def _recorded(pieces: AsyncIterator[Piece], record: Record) -> Piece | None:
    """Return the next part once it is recorded, or None where there are no more."""
    piece = await anext(pieces, None)
    if piece is not None:
        await record(piece.touched)
    return piece


async def _ended(*tasks: asyncio.Task[Any] | None) -> None:
    """Return when each task is done or cancelled; what one of them raised has been told, or nobody waits for it."""
    for task in filter(None, tasks):
        task.cancel()
    await asyncio.gather(*filter(None, tasks), return_exceptions=True)


async def _gone(receive: Receive) -> None:
    """Return when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
