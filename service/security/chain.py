"""The chain of the audit: blocks of events, each with a keyed hash over itself and the block before (HMAC, RFC 2104).

Who can change the database but has not the key can neither change, add, move nor remove an event without its showing.
What an event was about may be taken away lawfully: the mark that then stands for it has a keyed hash of its own.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

from service.security.audit import Parts

SIZE = 32
"""Bytes of a keyed hash."""
MAC_OF_EVENT = 16
"""Bytes that are kept of that of a single event."""
FIRST_PREVIOUS = b""
"""What stands for the block before in the first block of a writer."""
_SEPARATOR = b"\n"
_ERASED = b"~"
"""With this begins what stands for a part that was erased; JSON never begins with it."""


@dataclass(frozen=True)
class Block:
    """Events that became durable at once."""

    writer: str
    number: int
    """From 1 on."""
    recorded: int
    """Milliseconds since 1970."""
    who: bytes
    what: bytes
    macs: bytes
    """The keyed hash of each event."""
    previous: bytes
    mac: bytes
    """The keyed hash of all that, with the events by theirs."""

    @property
    def id(self) -> str:
        """The id of the block."""
        return block_id(self.writer, self.number)

    @cached_property
    def events(self) -> list[Parts]:
        """The events, each as it is kept; raises ValueError where the two parts are not of as many."""
        parts = zip(self.who.split(_SEPARATOR), self.what.split(_SEPARATOR), strict=True)
        return [Parts(who, what) for who, what in parts]


class Head(NamedTuple):
    """The last block that a writer knew of, kept outside the database."""

    writer: str
    number: int
    mac: bytes


@dataclass(frozen=True)
class Anchor:
    """What pruning leaves of a writer: the last block that it has removed."""

    writer: str
    number: int
    last: bytes
    """The keyed hash of that block."""
    mac: bytes


@dataclass(frozen=True)
class Registration:
    """A writer in the register of all writers, which is a chain, too."""

    number: int
    writer: str
    first: bytes
    """The keyed hash of the first block of the writer."""
    previous: bytes
    mac: bytes


def block_id(writer: str, number: int) -> str:
    """Return the id of a block; those of a writer are in order."""
    return f"{writer}-{number:012}"


def event_id(block: str, position: int) -> str:
    """Return the id of the event that is in a block at a position."""
    return f"{block}-{position}"


class Seals:
    """Makes keyed hashes, and so tells whether others were made with the same key."""

    def __init__(self, key: str) -> None:
        self._key = sha256(key.encode()).digest()

    def sealed(self, writer: str, number: int, recorded: int, events: Sequence[Parts], previous: bytes) -> Block:
        """Return the block of these events."""
        of_event = f"event {block_id(writer, number)} "
        macs = b"".join(
            [self._mac_of_event(of_event, at, self._mac(b"what ", what), who) for at, (who, what) in enumerate(events)]
        )
        who = _SEPARATOR.join([each[0] for each in events])
        what = _SEPARATOR.join([each[1] for each in events])
        mac = self._mac_of_block(writer, number, recorded, macs, previous)
        return Block(writer, number, recorded, who, what, macs, previous, mac)

    def mac_of(self, block: Block) -> bytes:
        """Return the keyed hash that belongs to a block."""
        return self._mac_of_block(block.writer, block.number, block.recorded, block.macs, block.previous)

    def mac_of_event(self, block: str, position: int, parts: Parts) -> bytes | None:
        """Return the keyed hash that belongs to an event, None where a part was not erased lawfully."""
        digest = self._digest(block, position, parts.what)
        return None if digest is None else self._mac_of_event(f"event {block} ", position, digest, parts.who)

    def erased(self, block: str, position: int, what: bytes, rest: bytes) -> bytes:
        """Return what stands for ``what`` where all but ``rest`` is erased; raises ValueError if it is forged."""
        digest = self._digest(block, position, what)
        if digest is None:
            raise ValueError("this was not erased by the service")
        return b"".join((_ERASED, digest.hex().encode(), self._mac_of_erasure(block, position, digest, rest), rest))

    def anchor(self, writer: str, number: int, last: bytes) -> Anchor:
        """Return the anchor after the block ``number``, whose keyed hash is ``last``."""
        return Anchor(writer, number, last, self._mac(f"anchor {block_id(writer, number)} ".encode(), last))

    def registration(self, number: int, writer: str, first: bytes, previous: bytes) -> Registration:
        """Return the entry of a writer in the register, after the one whose keyed hash is ``previous``."""
        mac = self._mac(f"writer {number} {writer} ".encode(), first + previous)
        return Registration(number, writer, first, previous, mac)

    def _digest(self, block: str, position: int, what: bytes) -> bytes | None:
        if not is_erased(what):
            return self._mac(b"what ", what)
        digest, mac, rest = what[1:65], what[65:129], what[129:]
        try:
            found = bytes.fromhex(digest.decode())
        except ValueError:
            return None
        right = self._mac_of_erasure(block, position, found, rest)
        return found if len(found) == SIZE and hmac.compare_digest(right, mac) else None

    def _mac_of_erasure(self, block: str, position: int, digest: bytes, rest: bytes) -> bytes:
        return self._mac(f"erased {block} {position} ".encode(), digest + rest).hex().encode()

    def _mac_of_event(self, of_event: str, position: int, digest: bytes, who: bytes) -> bytes:
        return self._mac(f"{of_event}{position} ".encode(), digest + who)[:MAC_OF_EVENT]

    def _mac_of_block(self, writer: str, number: int, recorded: int, macs: bytes, previous: bytes) -> bytes:
        label = f"block {block_id(writer, number)} {recorded} {len(previous)} "
        return self._mac(label.encode(), previous + macs)

    def _mac(self, label: bytes, content: bytes) -> bytes:
        return hmac.digest(self._key, label + content, "sha256")


def is_erased(what: bytes) -> bool:
    """Return whether this stands for a part that was erased."""
    return what.startswith(_ERASED)


def rest_of(what: bytes) -> bytes:
    """Return what an erasure has left, or all where there was none."""
    return what[129:] if is_erased(what) else what
