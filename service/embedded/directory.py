"""The data directory: one service at a time, and no ``mongod`` left over from a killed one."""

import fcntl
import itertools
import logging
import os
import signal
import time
from pathlib import Path
from typing import IO

from service.embedded.binary import REPLICA_SET
from service.embedded.failure import EmbeddedMongoError

logger = logging.getLogger(__name__)

_PROC = Path("/proc")


def claim(directory: Path) -> IO[str]:
    """Make the directory, lock it for this process and return the open lock file; closing it unlocks.

    Raises EmbeddedMongoError when the directory cannot be used or another service holds it.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (directory / "lock").open("a+", encoding="ascii")
    except OSError as error:
        reason = "it is a file" if isinstance(error, FileExistsError) else error.strerror
        raise EmbeddedMongoError(f"the data directory {_shown(directory)} cannot be used: {reason}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        if not isinstance(error, BlockingIOError):
            message = f"the data directory {_shown(directory)} cannot be locked: {error.strerror}"
            raise EmbeddedMongoError(message) from error
        raise EmbeddedMongoError(
            f"the data directory {directory} is in use by another recovery-plan service (pid {holder}): "
            "stop it, or choose another DATA"
        ) from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def uri_file(directory: Path) -> Path:
    """Return where the connection string of the ``mongod`` on ``directory`` stands while a service runs it."""
    return directory / "mongodb.uri"


def served_uri(directory: Path) -> str | None:
    """Return the connection string of the ``mongod`` that another process runs on ``directory``, None if none does."""
    try:
        with (directory / "lock").open(encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        file = uri_file(directory)
        return file.read_text(encoding="ascii") if file.exists() else None  # it is starting or stopping
    except OSError:
        return None


def _shown(directory: Path) -> str:
    text = str(directory)
    return text if len(text) <= 200 else f"{text[:200]}… ({len(text)} characters)"


TERMINATION = 30.0  # seconds from SIGTERM to SIGKILL


def stop_leftovers(files: Path) -> None:
    """End every ``mongod`` that a killed service left on these data files: SIGTERM, then SIGKILL.

    Raises EmbeddedMongoError when one cannot be ended. Call it with the directory claimed.
    """
    for pid in _leftovers(files):
        logger.warning("A mongod (pid %d) of a killed service still uses %s: stopping it", pid, files)
        try:
            if not _end(pid, files, signal.SIGTERM, TERMINATION) and not _end(pid, files, signal.SIGKILL, 10.0):
                raise EmbeddedMongoError(f"a left-over mongod (pid {pid}) on {files} does not end")
        except PermissionError as error:
            message = f"{files} is in use by a mongod (pid {pid}) of another user: choose another DATA"
            raise EmbeddedMongoError(message) from error


def _leftovers(files: Path) -> list[int]:
    if not _PROC.is_dir():
        return []  # not Linux: mongod's own lock refuses the second one
    pids = (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())
    return [pid for pid in pids if _is_ours(pid, files)]


def _is_ours(pid: int, files: Path) -> bool:
    """Whether the process is a ``mongod`` that a service started on these data files."""
    try:
        arguments = (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    pairs = list(itertools.pairwise(arguments))
    return (
        Path(arguments[0]).name == "mongod"
        and ("--dbpath", str(files)) in pairs
        and ("--replSet", REPLICA_SET) in pairs
    )


def _end(pid: int, files: Path, by: signal.Signals, patience: float) -> bool:
    """Send the signal and return whether the process has gone within ``patience`` seconds."""
    try:
        os.kill(pid, by)
    except ProcessLookupError:
        return True
    deadline = time.monotonic() + patience
    while _is_ours(pid, files):  # a zombie has an empty command line, so it counts as gone
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
