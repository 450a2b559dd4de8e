"""Retention of the audit: old blocks go, and an anchor says up to where."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

from pymongo.errors import DuplicateKeyError

from service.security.chain import Block, Seals
from service.security.verification import ChainCheck, Finding
from service.store.audit_block import ANCHORS, AUDIT, RECORDED, block_in, milliseconds, of_writer
from service.store.audit_verification import anchor_of, writers
from service.store.driver import Document, Driver
from service.store.faults import DATABASE_ERRORS

INTERVAL = 86_400.0
"""Seconds between two prunings by the service."""
_AT_ONCE = 500
"""Blocks between two anchors."""

log = logging.getLogger(__name__)


class AlteredError(Exception):
    """What is to be pruned was altered, which pruning would hide; nothing more of that writer is removed."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


class AuditPruning:
    """Removes blocks of the log in one database."""

    def __init__(self, driver: Driver, seals: Seals) -> None:
        self._blocks = driver.collection(AUDIT)
        self._anchors = driver.collection(ANCHORS)
        self._seals = seals

    async def count(self, before: datetime) -> int:
        """Return how many blocks were recorded before a moment."""
        found: int = await self._blocks.count_documents({RECORDED: {"$lt": before}})
        return found

    async def prune(self, before: datetime) -> AsyncIterator[int | Finding]:
        """Remove the blocks recorded before a moment; yield how many after each step, or why a writer's are kept.

        Each writer's are checked first, since nobody could tell afterwards what was altered. Raises PyMongoError.
        """
        async for writer in writers(self._blocks):
            try:
                async for count in self._of_writer(writer, before):
                    yield count
            except AlteredError as error:
                yield error.finding

    async def _of_writer(self, writer: str, before: datetime) -> AsyncIterator[int]:
        anchor = await anchor_of(self._anchors, writer)
        check = ChainCheck(self._seals, writer, anchor, None)
        checked: list[Block] = []
        async for document in self._blocks.find({"_id": of_writer(writer)}).sort("_id", 1):
            block = _block(document)
            if block.recorded >= milliseconds(before):
                break
            for finding in check.block(block):
                raise AlteredError(finding)
            checked.append(block)
            if len(checked) == _AT_ONCE:
                yield await self._remove(checked)
                checked = []
        if checked:
            yield await self._remove(checked)

    async def _remove(self, blocks: list[Block]) -> int:
        """Remove blocks of one writer, having said up to where."""
        last = blocks[-1]
        anchor = self._seals.anchor(last.writer, last.number, last.mac)
        change = {"$set": {"number": anchor.number, "last": anchor.last, "mac": anchor.mac}}
        query = {"_id": anchor.writer, "number": {"$lt": anchor.number}}
        with contextlib.suppress(DuplicateKeyError):  # another process has removed as much, or more
            await self._anchors.update_one(query, change, upsert=True)
        done = await self._blocks.delete_many({"_id": {"$gte": blocks[0].id, "$lte": last.id}})
        count: int = done.deleted_count
        return count


def _block(document: Document) -> Block:
    """Return the block that a document is of; raises AlteredError where it is of none."""
    try:
        return block_in(document)
    except ValueError as error:
        raise AlteredError(Finding(str(document["_id"]), f"is no block of the audit: {error}")) from error


async def prune_daily(pruning: AuditPruning, kept: timedelta, clock: Callable[[], datetime]) -> None:
    """Prune now and once a day, for as long as this is not cancelled; what goes wrong is told in the log."""
    while True:
        try:
            async for done in pruning.prune(clock() - kept):
                if isinstance(done, Finding):
                    log.error("audit: not pruned, for %s", done)
                else:
                    log.info("audit: %s blocks older than %s days were removed", done, kept.days)
        except DATABASE_ERRORS as error:
            log.error("audit: pruning was stopped: %s", type(error).__name__)
        await asyncio.sleep(INTERVAL)
