"""Whether the chain of the audit is whole: every event that was changed, added, moved or removed is named."""

from collections.abc import Iterable, Iterator
from hmac import compare_digest
from itertools import zip_longest
from typing import NamedTuple

from service.security.audit import Parts
from service.security.chain import (
    FIRST_PREVIOUS,
    MAC_OF_EVENT,
    Anchor,
    Block,
    Head,
    Registration,
    Seals,
    block_id,
    event_id,
)


class Finding(NamedTuple):
    """Something that is not as the service has left it."""

    place: str
    """The id of an event, of a block, of a writer, or what else it is about."""
    sentence: str

    def __str__(self) -> str:
        return f"{self.place}: {self.sentence}"


class ChainCheck:
    """Checks the blocks of one writer, given in their order; from a later one on where ``is_partial``."""

    def __init__(
        self,
        seals: Seals,
        writer: str,
        anchor: Anchor | None,
        head: Head | None,
        registration: Registration | None = None,
        *,
        is_partial: bool = False,
    ) -> None:
        self._seals = seals
        self._writer = writer
        self._anchor = (
            anchor if anchor is not None and anchor == seals.anchor(writer, anchor.number, anchor.last) else None
        )
        self._head = head
        self._registration = registration
        self._is_partial = is_partial
        self._forged_anchor = anchor is not None and self._anchor is None
        self._pruned = self._anchor.number if self._anchor else 0
        self._last: Block | None = None
        self._number = 0

    def block(self, block: Block) -> Iterator[Finding]:
        """Yield what is wrong with the next block, and what is missing before it."""
        is_first = self._last is None
        if not (is_first and self._is_partial):
            yield from self._missing(self._number + 1, block.number - 1, "is missing")
        if not compare_digest(self._seals.mac_of(block), block.mac):
            yield Finding(block.id, "was altered: its keyed hash does not belong to it")
        if not self._follows(block):
            yield Finding(block.id, "does not follow the block before it")
        if self._head is not None and self._head.number == block.number and self._head.mac != block.mac:
            yield Finding(block.id, "is not the block that the head names")
        if block.number == 1 and self._registration is not None and self._registration.first != block.mac:
            yield Finding(block.id, "is not the block that the register of writers names")
        yield from _events(self._seals, block)
        self._last, self._number = block, block.number

    def end(self) -> Iterator[Finding]:
        """Yield what is missing after the last block."""
        if self._forged_anchor:
            yield Finding(self._writer, "its anchor was altered, so what pruning has removed is not known")
        if self._last is None and self._pruned == 0 and (self._registration or self._head):
            yield Finding(self._writer, "all events of this writer are missing")
        elif self._head is not None:
            yield from self._missing(self._number + 1, self._head.number, "is missing: the end was cut off")

    def _missing(self, first: int, last: int, sentence: str) -> Iterator[Finding]:
        """Yield one finding for the blocks from ``first`` to ``last``, if they are any and were not pruned."""
        first = max(first, self._pruned + 1)
        if first < last:
            whole = f"{block_id(self._writer, first)} to {block_id(self._writer, last)}"
            yield Finding(whole, sentence.replace("is missing", "are missing"))
        elif first == last:
            yield Finding(block_id(self._writer, first), sentence)

    def _follows(self, block: Block) -> bool:
        """Return whether a block names the one before it, as far as that is there."""
        if block.number == 1:
            return block.previous == FIRST_PREVIOUS
        if self._last is not None and self._last.number == block.number - 1:
            return block.previous == self._last.mac
        if self._anchor is not None and self._anchor.number == block.number - 1:
            return block.previous == self._anchor.last
        return True  # it is missing, which is told


def _events(seals: Seals, block: Block) -> Iterator[Finding]:
    """Yield each event of a block that is not as it was sealed."""
    kept = zip_longest(block.who.split(b"\n"), block.what.split(b"\n"), fillvalue=b"")
    macs = [block.macs[at : at + MAC_OF_EVENT] for at in range(0, len(block.macs), MAC_OF_EVENT)]
    for position, (mac, parts) in enumerate(zip_longest(macs, kept)):
        place = event_id(block.id, position)
        if parts is None:
            yield Finding(place, "is missing")
        elif mac is None:
            yield Finding(place, "was added, or its keyed hash was removed")
        elif (right := seals.mac_of_event(block.id, position, Parts(*parts))) is None:
            yield Finding(place, "was not erased by the service")
        elif not compare_digest(right, mac):
            yield Finding(place, "was altered, or is another event")


def check_register(seals: Seals, register: Iterable[Registration]) -> Iterator[Finding]:
    """Yield what is wrong with the register of writers, given in its order."""
    number, previous = 0, FIRST_PREVIOUS
    for entry in register:
        place = f"register of writers, {entry.number}"
        if entry.number != number + 1:
            yield Finding(place, f"the entries from {number + 1} on to it are missing")
        elif entry.previous != previous:
            yield Finding(place, "does not follow the entry before it")
        if entry != seals.registration(entry.number, entry.writer, entry.first, entry.previous):
            yield Finding(place, "was altered: its keyed hash does not belong to it")
        number, previous = entry.number, entry.mac
