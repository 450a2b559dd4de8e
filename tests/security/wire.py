"""HTTP as bytes: what no client library would send."""

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 20.0


@dataclass
class Told:
    """What came back until the server closed: the status, the headers, the body of the first answer, and all of it."""

    raw: bytes

    @property
    def status(self) -> int:
        return int(re.match(rb"HTTP/1\.1 (\d{3}) ", self.raw)[1])

    @property
    def header_lines(self) -> list[str]:
        return self.raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]

    @property
    def body(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def rules(self) -> list[str]:
        """The rules that the OperationOutcome names."""
        outcome: dict[str, Any] = json.loads(self.body)
        assert outcome["resourceType"] == "OperationOutcome"
        return [issue["details"]["coding"][0]["code"] for issue in outcome["issue"]]


async def exchange(address: str, *parts: bytes, pause: float = 0.0) -> Told:
    """Send the parts, with pauses between them, and return what comes until the server closes.

    A server that closes while something is still being sent has said all that it had to say.
    """
    where = urlsplit(address)
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        answer = asyncio.ensure_future(all_of(reader))
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.wait([answer], timeout=pause)
        except ConnectionError:
            pass
        try:
            return Told(await answer)
        finally:
            writer.close()


async def all_of(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the server closes, or resets a connection of which it has not read everything."""
    found = b""
    try:
        while part := await reader.read(65_536):
            found += part
    except ConnectionResetError:
        pass
    return found


def request(path: str | bytes = "/health/live", *headers: str, method: str = "GET", host: bool = True) -> bytes:
    """Return the head of a request after whose answer the server closes."""
    target = path if isinstance(path, bytes) else path.encode()
    lines = [f"{name}\r\n".encode() for name in (*(["Host: here"] if host else []), "Connection: close", *headers)]
    return b"%s %s HTTP/1.1\r\n%s\r\n" % (method.encode(), target, b"".join(lines))
