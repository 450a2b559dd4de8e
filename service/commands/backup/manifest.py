"""What a backup has: its moment, its files, how many lines each of them has, and their digests."""

import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
_FORMAT = "recovery-plan-backup-1"
_BLOCK = 1 << 20


class WrongBackup(Exception):  # noqa: N818 - the name says what it is
    """A directory that is no backup, or not a whole and unaltered one; the message is one line."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a backup."""

    type: str
    url: str
    """Its name in the directory."""
    count: int
    """Its lines."""
    size: int
    """Its bytes."""
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is said of a backup."""

    at: str
    """The moment whose state it has."""
    since: str | None
    """The moment after which its versions came to be, or None where that is any."""
    history: bool
    """Whether it has every version, or the last ones alone."""
    current: tuple[File, ...]
    versions: tuple[File, ...]

    def write(self, directory: Path) -> None:
        """Write it, so that it is there whole or not at all."""
        beside = directory / f"{MANIFEST}.part"
        beside.write_text(json.dumps(self._told() | {"sha256": self._digest()}, indent=2) + "\n")
        beside.chmod(0o600)
        beside.rename(directory / MANIFEST)

    def _told(self) -> dict[str, Any]:
        return {
            "format": _FORMAT,
            "transactionTime": self.at,
            "since": self.since,
            "history": self.history,
            "output": [asdict(file) for file in self.current],
            "versions": [asdict(file) for file in self.versions],
        }

    def _digest(self) -> str:
        return hashlib.sha256(json.dumps(self._told(), sort_keys=True).encode()).hexdigest()


def read_manifest(directory: Path) -> Manifest:
    """Return what a backup says of itself; raises WrongBackup."""
    try:
        told = json.loads((directory / MANIFEST).read_bytes())
        if told["format"] != _FORMAT:
            raise WrongBackup(f"{directory / MANIFEST} is of another format than {_FORMAT}")
        manifest = Manifest(
            told["transactionTime"],
            told["since"],
            told["history"],
            tuple(File(**file) for file in told["output"]),
            tuple(File(**file) for file in told["versions"]),
        )
    except FileNotFoundError:
        raise WrongBackup(f"{directory} has no {MANIFEST}: it is no backup, or one that was not completed") from None
    except OSError as error:
        raise WrongBackup(f"{directory / MANIFEST} cannot be read: {error.strerror}") from error
    except (ValueError, LookupError, TypeError):
        raise WrongBackup(f"{directory / MANIFEST} is not as it was written") from None
    if manifest._digest() != told.get("sha256"):
        raise WrongBackup(f"{directory / MANIFEST} is not as it was written")
    return manifest


def check_file(directory: Path, file: File) -> None:
    """Raise WrongBackup unless a file is there as it was written."""
    path = directory / file.url
    try:
        if path.parent != directory or path.stat().st_size != file.size:
            raise WrongBackup(f"{path} is cut off, or longer than it was")
        with path.open("rb") as opened:
            if hashlib.file_digest(opened, "sha256").hexdigest() != file.sha256:
                raise WrongBackup(f"{path} was altered: it does not have the SHA-256 digest that {MANIFEST} tells")
    except OSError as error:
        raise WrongBackup(f"{path} cannot be read: {error.strerror}") from error
    count = sum(1 for _ in lines_of(directory, file))
    if count != file.count:
        raise WrongBackup(f"{path} has {count} lines, and {MANIFEST} tells of {file.count}")


def lines_of(directory: Path, file: File) -> Iterator[bytes]:
    """Yield the lines of a file, unpacked where its name ends in ``.gz``."""
    rest = b""
    for block in _blocks(directory / file.url):
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
    if rest:
        raise WrongBackup(f"{directory / file.url} does not end with a line")


def _blocks(path: Path) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31) if path.suffix == ".gz" else None
    with path.open("rb") as opened:
        while block := opened.read(_BLOCK):
            yield unpacker.decompress(block) if unpacker else block
