"""The audit as it is in the database, checked against its keyed hashes and the heads kept outside."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Any

from service.security.chain import Anchor, Block, Head, Registration, Seals
from service.security.verification import ChainCheck, Finding, check_register
from service.store.audit_block import (
    ANCHORS,
    AUDIT,
    RECORDED,
    TERMS,
    WRITERS,
    Terms,
    anchor_in,
    block_in,
    events_in,
    of_writer,
    registration_in,
    writer_and_number,
)
from service.store.driver import Document, Driver

Advance = Callable[[int], Any]


class AuditVerification:
    """Checks the log in one database; ``heads`` were read before."""

    def __init__(self, driver: Driver, seals: Seals, heads: Mapping[str, Head]) -> None:
        self._blocks = driver.collection(AUDIT)
        self._register = driver.collection(WRITERS)
        self._anchors = driver.collection(ANCHORS)
        self._seals = seals
        self._heads = heads

    async def count(self) -> int:
        """Return about how many blocks there are."""
        found: int = await self._blocks.estimated_document_count()
        return found

    async def findings(self, since: datetime | None, advance: Advance) -> AsyncIterator[Finding]:
        """Yield all that is wrong; with ``since`` only from the last blocks before that moment on.

        ``advance`` is told how many blocks were looked at. Raises PyMongoError.
        """
        async for finding in self._strangers():
            yield finding
        with_blocks = [writer async for writer in self._writers()]
        register: list[Registration] = []
        async for document in self._register.find({}).sort("_id", 1):
            try:
                register.append(registration_in(document))
            except ValueError as error:
                yield Finding(f"register of writers, {document['_id']}", f"is no entry: {error}")
        for finding in check_register(self._seals, register):
            yield finding
        by_writer = {entry.writer: entry for entry in register}
        for writer in sorted({*with_blocks, *by_writer, *self._heads}):
            async for finding in self._of_writer(writer, by_writer.get(writer), since, advance):
                yield finding

    async def _of_writer(
        self, writer: str, registration: Registration | None, since: datetime | None, advance: Advance
    ) -> AsyncIterator[Finding]:
        start = await self._start(writer, since)
        condition = of_writer(writer) if start is None else {**of_writer(writer), "$gte": start}
        check: ChainCheck | None = None
        number = 0
        async for document in self._blocks.find({"_id": condition}).sort("_id", 1):
            if check is None:  # pruning leaves its anchor before it removes the first block
                check = await self._check_of(writer, registration, is_partial=start is not None)
            advance(1)
            try:
                block = block_in(document)
            except ValueError as error:
                yield Finding(str(document["_id"]), f"is no block of the audit: {error}")
                continue
            for finding in (*check.block(block), *_terms(block, document)):
                yield finding
            number = block.number
        check = check or await self._check_of(writer, registration, is_partial=False)
        for finding in check.end():
            yield finding
        if registration is None and number > 1 and await self._register.find_one({"writer": writer}) is None:
            yield Finding(writer, "is missing in the register of writers")

    async def _check_of(self, writer: str, registration: Registration | None, *, is_partial: bool) -> ChainCheck:
        return ChainCheck(
            self._seals,
            writer,
            await anchor_of(self._anchors, writer),
            self._heads.get(writer),
            registration,
            is_partial=is_partial,
        )

    async def _start(self, writer: str, since: datetime | None) -> str | None:
        """Return the id of the last block before ``since``, None where there is none."""
        if since is None:
            return None
        query = {"_id": of_writer(writer), RECORDED: {"$lt": since}}
        found = await self._blocks.find_one(query, {"_id": 1}, sort=[("_id", -1)])
        return found["_id"] if found else None

    async def _writers(self) -> AsyncIterator[str]:
        """Yield the writers of whom there are blocks, each found by one seek."""
        async for writer in writers(self._blocks):
            yield writer

    async def _strangers(self) -> AsyncIterator[Finding]:
        """Yield the documents that are no blocks by their ids."""
        query = {"_id": {"$not": {"$regex": "^[0-9a-z]+-[0-9]{12}$"}}}
        async for document in self._blocks.find(query, {"_id": 1}):
            yield Finding(repr(document["_id"])[:80], "is no block of the audit")


async def writers(blocks: Any) -> AsyncIterator[str]:
    """Yield the writers who have blocks in a collection, each found by one seek."""
    place = ""
    while found := await blocks.find_one({"_id": {"$gt": place}}, {"_id": 1}, sort=[("_id", 1)]):
        try:
            writer, _ = writer_and_number(found["_id"])
        except ValueError:
            place = found["_id"]
            continue
        yield writer
        place = of_writer(writer)["$lt"]


async def anchor_of(anchors: Any, writer: str) -> Anchor | None:
    """Return what pruning has left of a writer, with an empty keyed hash where it cannot be read."""
    document = await anchors.find_one({"_id": writer})
    if document is None:
        return None
    try:
        return anchor_in(document)
    except ValueError:
        return Anchor(writer, 0, b"", b"")


def _terms(block: Block, document: Document) -> list[Finding]:
    """Return a finding where a block is not found by what its events are about."""
    try:
        right = Terms(events_in(block)).as_document()
    except (ValueError, LookupError, TypeError):
        return []  # its events were altered, which is told
    wrong = [name for name in TERMS if document.get(name) != right[name]]
    return [Finding(block.id, f"was altered: its {' and '.join(wrong)} are not those of its events")] if wrong else []
