"""The files of a backup, as they are written: readable by their owner alone."""

import hashlib
import os
import zlib
from collections.abc import Iterable
from pathlib import Path

from service.commands.backup.manifest import File, WrongBackup
from service.fhir.datetimes import instant
from service.store.document import Stored

_STATUS = {"C": "201", "U": "200", "D": "204"}


class WritingFile:
    """A file that lines are added to; packed with gzip if that is asked for."""

    def __init__(self, directory: Path, resource_type: str, name: str, *, packed: bool) -> None:
        self._type = resource_type
        self._path = directory / (f"{name}.gz" if packed else name)
        self._packer = zlib.compressobj(wbits=31) if packed else None
        self._digest = hashlib.sha256()
        self._count = self._size = 0
        self._opened = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    def add(self, lines: Iterable[bytes]) -> None:
        """Add ``lines``, which have no line feeds."""
        listed = list(lines)
        body = b"".join(line + b"\n" for line in listed)
        self._count += len(listed)
        self._write(self._packer.compress(body) if self._packer else body)

    def closed(self) -> File:
        """Return the file, which is complete and on the disk."""
        if self._packer:
            self._write(self._packer.flush())
        self._opened.flush()
        os.fsync(self._opened.fileno())
        self._opened.close()
        return File(self._type, self._path.name, self._count, self._size, self._digest.hexdigest())

    def _write(self, body: bytes) -> None:
        self._digest.update(body)
        self._size += len(body)
        self._opened.write(body)


def made_directory(path: Path) -> Path:
    """Return ``path`` as a directory, made where there is none; raises WrongBackup where anything is in it."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise WrongBackup(f"{path} is not empty: a backup needs a directory of its own")
    except OSError as error:
        raise WrongBackup(f"{path} cannot be written to: {error.strerror}") from error
    return path.resolve()


def version_line(version: Stored, *, with_resource: bool) -> bytes:
    """Return a version as an entry of a history."""
    address = f"{version.type}/{version.id}"
    status = _STATUS[version.changed[0].action]
    role = (
        f'"request":{{"method":"{version.method}","url":"{address}"}},'
        f'"response":{{"status":"{status}","etag":"W/\\"{version.version}\\"",'
        f'"lastModified":"{instant(version.last_updated)}"}}}}'
    ).encode()
    resource = b'"resource":' + version.body + b"," if with_resource and version.body is not None else b""
    return b"{" + resource + role
