"""A long body: recorded before it is sent, whole when it is told to be, and cut off where it is not."""

import asyncio
import time
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.fhir.entry import Piece, Response
from service.fhir.touched import Touched
from service.rest.stream import BrokenOffError, first_of, stream, takes_gzip
from service.rest.traffic import Courtesy, Traffic

PARTS = [Piece(b"one\n" * 50, (Touched("Goal", "1", 1, None),)), Piece(b"two\n", (Touched("Goal", "2", 3, None),))]


async def pieces(*parts: Piece | Exception) -> AsyncIterator[Piece]:
    for part in parts:
        if isinstance(part, Exception):
            raise part
        yield part


class Wire:
    """What is recorded and sent, in order; the client closes the connection after so many messages."""

    def __init__(self, leaves_after: int = 99) -> None:
        self.happened: list[Any] = []
        self._left, self._leaves_after = asyncio.Event(), leaves_after

    async def record(self, touched: tuple[Touched, ...]) -> None:
        self.happened.append([each.id for each in touched])

    async def send(self, message: Any) -> None:
        self.happened.append(message)
        if len(self.happened) >= self._leaves_after:
            self._left.set()
            await asyncio.sleep(0)

    async def receive(self) -> Any:
        await self._left.wait()
        return {"type": "http.disconnect"}

    @property
    def body(self) -> bytes:
        return b"".join(each["body"] for each in self.happened if isinstance(each, dict) and "body" in each)

    @property
    def is_complete(self) -> bool:
        last = self.happened[-1]
        return isinstance(last, dict) and last["type"] == "http.response.body" and not last.get("more_body", False)


async def streamed(wire: Wire, *parts: Piece | Exception, compressed: bool = False) -> None:
    response = Response(200, pieces=pieces(*parts), media_type="text/csv", touched=())
    assert response.pieces is not None
    first = await first_of(response.pieces)
    await wire.record(first.touched)
    way = Courtesy(Traffic()).give_way
    await stream(response, first, [], wire.record, way, wire.receive, wire.send, compressed=compressed)


async def test_each_part_is_recorded_before_it_is_sent() -> None:
    wire = Wire()
    await streamed(wire, *PARTS)
    told = [each if isinstance(each, list) else each.get("body", each["type"]) for each in wire.happened]
    assert told[:2] == [["1"], "http.response.start"]
    assert told.index(["2"]) < told.index(PARTS[1].body)
    assert [each for each in told if isinstance(each, bytes)] == [PARTS[0].body, PARTS[1].body, b""]
    assert wire.is_complete


async def test_compressed_it_is_the_same() -> None:
    wire = Wire()
    await streamed(wire, *PARTS, compressed=True)
    assert zlib.decompress(wire.body, wbits=31) == PARTS[0].body + PARTS[1].body
    assert (b"content-encoding", b"gzip") in next(each for each in wire.happened if isinstance(each, dict))["headers"]


async def test_what_cannot_go_on_is_never_told_to_be_complete() -> None:
    wire = Wire()
    with pytest.raises(BrokenOffError):
        await streamed(wire, PARTS[0], ValueError("no more"))
    assert wire.body == PARTS[0].body
    assert not wire.is_complete


async def test_a_part_that_cannot_be_recorded_is_not_sent() -> None:
    class Failing(Wire):
        async def record(self, touched: tuple[Touched, ...]) -> None:
            if touched[0].id == "2":
                raise OSError
            await super().record(touched)

    wire = Failing()
    with pytest.raises(BrokenOffError):
        await streamed(wire, *PARTS)
    assert wire.body == PARTS[0].body
    assert not wire.is_complete


async def test_for_a_client_who_has_gone_no_more_than_the_next_part_is_made() -> None:
    wire = Wire(leaves_after=3)
    await streamed(wire, PARTS[0], PARTS[1], AssertionError("nobody reads this"))
    assert wire.body == PARTS[0].body
    assert not wire.is_complete


async def test_nothing_at_all_is_an_empty_body() -> None:
    wire = Wire()
    await streamed(wire)
    assert (wire.body, wire.is_complete) == (b"", True)


@pytest.mark.parametrize(
    ("header", "takes"),
    [("gzip", True), ("br, GZIP;q=0.5", True), ("", False), ("gzip;q=0", False), ("identity", False)],
)
def test_who_takes_gzip(header: str, takes: bool) -> None:
    assert takes_gzip(header) is takes


async def test_who_came_meanwhile_is_given_way_to_and_nobody_else() -> None:
    waited: list[float] = []
    for passes in (False, True):
        traffic = Traffic()
        courtesy = Courtesy(traffic)
        time.sleep(0.02)  # noqa: ASYNC251 - the time that making a part takes
        if passes:
            traffic.passed()
        begun = time.perf_counter()
        await courtesy.give_way()
        waited.append(time.perf_counter() - begun)
    assert waited[1] > 9 * 0.02 > 9 * waited[0]
