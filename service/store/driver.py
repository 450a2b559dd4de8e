"""The two MongoDB drivers behind one face: PyMongo Async, and Motor where it is asked for.

They share cursors, ``find_one`` and the writes; what differs in them is evened out here.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Literal

from bson.codec_options import CodecOptions, TypeRegistry
from bson.decimal128 import Decimal128
from pymongo import AsyncMongoClient, ReadPreference, WriteConcern
from pymongo.errors import NetworkTimeout
from pymongo.read_concern import ReadConcern

DriverName = Literal["pymongo", "motor"]
Document = dict[str, Any]

_PATIENCE = {"serverSelectionTimeoutMS": 5_000, "connectTimeoutMS": 5_000}
"""How long to wait for a server to be found, unless the connection string says otherwise."""
MAJORITY = WriteConcern("majority", j=True)
_SNAPSHOT = ReadConcern("snapshot")


def _fallback(value: Any) -> Any:
    """Return what BSON holds instead of a value it does not know: decimals exactly, or else as text."""
    if isinstance(value, Decimal):
        try:
            return Decimal128(value)
        except ArithmeticError:  # it has more digits, or a greater exponent, than BSON's decimals
            return str(value)
    raise TypeError(f"{type(value).__name__} cannot be stored")


_CODEC: CodecOptions[Document] = CodecOptions(
    tz_aware=True, tzinfo=UTC, type_registry=TypeRegistry(fallback_encoder=_fallback)
)


class Driver:
    """A connected client and its database, every read and write with the concern majority."""

    def __init__(self, name: DriverName, uri: str, database: str) -> None:
        self._is_motor = name == "motor"
        options: dict[str, Any] = {key: wait for key, wait in _PATIENCE.items() if key.lower() not in uri.lower()}
        make = _motor_client if self._is_motor else partial(AsyncMongoClient, connect=False)
        self._client: Any = make(uri, **options)
        self.database: Any = self._client.get_database(
            database,
            codec_options=_CODEC,
            read_preference=ReadPreference.PRIMARY,
            write_concern=MAJORITY,
            read_concern=ReadConcern("majority"),
        )

    def collection(self, name: str) -> Any:
        """Return a collection of the database."""
        return self.database[name]

    async def command(self, command: Document, session: Any) -> Document:
        """Return the answer of the database to ``command``, whose concerns are those that it states itself."""
        answer: Document = await self.database.command(command, session=session, codec_options=_CODEC)
        return answer

    async def lag(self) -> timedelta:
        """Return how far what a majority of the servers has is behind what was written last."""
        last = (await self._client.admin.command("hello"))["lastWrite"]
        is_there = last["majorityOpTime"]["ts"] >= last["opTime"]["ts"]
        behind: timedelta = last["lastWriteDate"] - last["majorityWriteDate"]
        return timedelta() if is_there else max(behind, timedelta(seconds=1))  # the dates are whole seconds

    async def watch(self, pipeline: list[Document], **where: Any) -> Any:
        """Return a change stream of the database, from ``where`` on; a look for what is new waits for a second."""
        stream = self.database.watch(pipeline, max_await_time_ms=1_000, **where)
        return stream if self._is_motor else await stream

    async def ping(self) -> None:
        """Raise PyMongoError unless the server answers within two seconds."""
        try:
            async with asyncio.timeout(2):
                await self._client.admin.command("ping")
        except TimeoutError as error:
            raise NetworkTimeout("no answer to a ping") from error

    @asynccontextmanager
    async def session(self, *, causal_consistency: bool = True) -> AsyncIterator[Any]:
        """Give a session to run transactions in, or without causal consistency what names its own moment."""
        started = self._client.start_session(causal_consistency=causal_consistency)
        async with await started if self._is_motor else started as session:
            yield session

    async def start_transaction(self, session: Any) -> None:
        """Begin a transaction that sees one snapshot and commits to a majority."""
        started = session.start_transaction(read_concern=_SNAPSHOT, write_concern=MAJORITY)
        if not self._is_motor:
            await started

    async def close(self) -> None:
        """Close every connection."""
        closed = self._client.close()
        if not self._is_motor:
            await closed


def _motor_client(uri: str, **options: Any) -> Any:
    from motor.motor_asyncio import AsyncIOMotorClient  # an extra, and only loaded where it is asked for

    return AsyncIOMotorClient(uri, **options)
