"""Heads of the audit: what the last block of each writer was, kept outside the database.

Without them nobody could tell that the end of a log was cut off.
"""

import logging
import os
import re
import time
from pathlib import Path

from service.security.chain import Block, Head

INTERVAL = 300.0
"""Seconds between lines in the log that tell the head."""
_SUFFIX = ".head"
_LINE = re.compile(r"(?P<writer>[0-9a-z]+) (?P<number>[0-9]{12}) (?P<mac>[0-9a-f]{64})\n")

log = logging.getLogger(__name__)


class Heads:
    """Notes the head of one writer in a file of its own in ``directory``, if any, and at intervals in the log."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._file = -1
        self._writer = ""
        self._last: Block | None = None
        self._told_at = time.monotonic()

    def note(self, block: Block) -> None:
        """Note that this is the last block; a file that cannot be written is told of in the log."""
        self._last = block
        if self._directory is not None:
            try:
                self._write(self._directory, block)
            except OSError as error:
                self._tell(f"the head cannot be kept in {self._directory}: {error.strerror}")
        if time.monotonic() - self._told_at >= INTERVAL:
            self._tell_head(block)

    def close(self) -> None:
        """Note no more; without a directory the log is told the head for the last time."""
        if self._directory is None and self._last is not None:
            self._tell_head(self._last)
        self._leave_file()

    def _write(self, directory: Path, block: Block) -> None:
        if block.writer != self._writer:
            self._leave_file()
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(directory / f"{block.writer}{_SUFFIX}", os.O_WRONLY | os.O_CREAT, 0o600)
            self._writer = block.writer
        os.pwrite(self._file, f"{block.writer} {block.number:012} {block.mac.hex()}\n".encode(), 0)

    def _leave_file(self) -> None:
        if self._writer:
            os.close(self._file)
            self._writer = ""

    def _tell_head(self, block: Block) -> None:
        self._told_at = time.monotonic()
        log.info("audit: head %s %s", block.id, block.mac.hex())

    def _tell(self, sentence: str) -> None:
        log.error("audit: %s", sentence)


def read_heads(directory: Path) -> list[Head]:
    """Return the heads in a directory; raises OSError or ValueError where a file cannot be read."""
    return [_head_in(file) for file in sorted(directory.glob(f"*{_SUFFIX}"))]


def _head_in(file: Path) -> Head:
    found = _LINE.fullmatch(file.read_text(encoding="ascii"))
    if found is None or found["writer"] != file.name.removesuffix(_SUFFIX):
        raise ValueError(f"{file} holds no head")
    return Head(found["writer"], int(found["number"]), bytes.fromhex(found["mac"]))
