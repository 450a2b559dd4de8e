"""The two MongoDB drivers behind one face: PyMongo Async, and Motor where it is asked for.

They share cursors, ``find_one`` and the writes; what differs in them is evened out here.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from decimal import Decimal
from typing import Any, Literal

from bson.codec_options import CodecOptions, TypeRegistry
from bson.decimal128 import Decimal128
from pymongo import AsyncMongoClient, ReadPreference, WriteConcern
from pymongo.read_concern import ReadConcern

DriverName = Literal["pymongo", "motor"]
Document = dict[str, Any]

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
        self.name = name
        self._is_motor = name == "motor"
        self._client: Any = _motor_client(uri) if self._is_motor else AsyncMongoClient(uri, connect=False)
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

    async def aggregate(self, collection: Any, stages: list[Document], session: Any) -> list[Document]:
        """Return the documents that an aggregation of ``collection`` yields."""
        started = collection.aggregate(stages, session=session)
        cursor = started if self._is_motor else await started
        documents: list[Document] = await cursor.to_list(None)
        return documents

    async def ping(self) -> None:
        """Return when the server answers; raises PyMongoError where it does not."""
        await self._client.admin.command("ping")

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Any]:
        """Give a session to run transactions in."""
        started = self._client.start_session()
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


def _motor_client(uri: str) -> Any:
    from motor.motor_asyncio import AsyncIOMotorClient  # an extra, and only loaded where it is asked for

    return AsyncIOMotorClient(uri)
