"""Own a ``mongod``: start it, keep it running, stop it."""

import logging
import socket
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from service.embedded.binary import REPLICA_SET, find_mongod, start_mongod
from service.embedded.directory import claim, stop_leftovers, uri_file
from service.embedded.failure import PORT_TAKEN, EmbeddedMongoError, explain
from service.embedded.replica_set import await_primary

logger = logging.getLogger(__name__)

START_PATIENCE = 120.0  # seconds; a long journal takes time to replay
STOP_PATIENCE = 30.0
LONGEST_PAUSE = 5.0  # between attempts to start it again
STEADY = 30.0  # after so long a run, the next restart is immediate again


class EmbeddedMongo:
    """``with EmbeddedMongo(directory) as mongo:`` runs a journaled one-node replica set at ``mongo.uri``.

    One thread starts ``mongod``, waits for its end and starts it again, on the same port, until closed:
    the process is the child of that thread, so that the kernel ends it with its owner.
    """

    def __init__(self, directory: Path, *, mongod: Path | None = None) -> None:
        self.directory = directory.absolute()
        self._mongod = mongod
        self._files = self.directory / "mongodb"
        self._log = self.directory / "mongod.log"
        self._output = self.directory / "mongod.out"
        self._lock: IO[str] | None = None
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()  # held to start or to stop the process, so that none starts after close
        self._closing = threading.Event()
        self._settled = threading.Event()
        self._failure: Exception | None = None
        self._keeper = threading.Thread(target=self._keep, name="mongod", daemon=True)

    @property
    def uri(self) -> str:
        """The connection string; it stays the same while this object is open."""
        return f"mongodb://127.0.0.1:{self._port}/?replicaSet={REPLICA_SET}"

    @property
    def pid(self) -> int | None:
        """The process id of the current ``mongod``."""
        return self._process.pid if self._process else None

    def __enter__(self) -> Self:
        """Return once the server takes writes; raises EmbeddedMongoError with one line."""
        self._lock = claim(self.directory)
        try:
            stop_leftovers(self._files)
            self._prepare_files()
            self._keeper.start()
            self._settled.wait()
            if self._failure is not None:
                raise self._failure
            uri_file(self.directory).write_text(self.uri, encoding="ascii")
        except BaseException:  # Ctrl-C too
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop ``mongod`` (SIGTERM, after 30 s SIGKILL) and unlock the directory; harmless when repeated."""
        with self._turn:
            self._closing.set()
            if self._process is not None:
                self._process.terminate()
        if self._keeper.is_alive():
            self._keeper.join(STOP_PATIENCE)
            if self._keeper.is_alive() and self._process is not None:
                logger.error("mongod (pid %d) did not stop within %.0f s: killed", self.pid, STOP_PATIENCE)
                self._process.kill()
                self._keeper.join(STOP_PATIENCE)
        if self._lock is not None:
            self._lock.close()

    def _prepare_files(self) -> None:
        try:
            uri_file(self.directory).unlink(missing_ok=True)  # that of a killed service
            self._files.mkdir(mode=0o700, exist_ok=True)
            if self._log.exists():
                self._log.replace(self._log.with_suffix(".log.1"))
        except OSError as error:
            message = f"the data directory {self.directory} cannot be used: {error.strerror}"
            raise EmbeddedMongoError(message) from error

    def _keep(self) -> None:
        """Run ``mongod`` until closed (the thread's work)."""
        try:
            process = self._first_start()
        except Exception as error:  # noqa: BLE001 - handed to the thread that waits in __enter__
            self._failure = error
            self._settled.set()
            return
        self._settled.set()
        pause = 0.0
        while True:
            since = time.monotonic()
            process.wait()
            if self._closing.is_set():
                return
            if time.monotonic() - since > STEADY:
                pause = 0.0
            reason = explain(process.returncode, self._printed(), self._log)
            logger.error("%s; starting it again in %.1f s", reason, pause)
            if self._closing.wait(pause):
                return
            pause = min(LONGEST_PAUSE, pause * 2 or 0.5)
            process = self._start_again(process)

    def _first_start(self) -> subprocess.Popen[bytes]:
        for attempt in range(5):
            self._port = _free_port()
            process = self._launch()
            try:
                self._await(process)
            except EmbeddedMongoError:
                # Another process may have taken the port between asking for it and using it.
                if process.poll() == PORT_TAKEN and attempt < 4:
                    continue
                self._reap(process)
                raise
            except BaseException:
                self._reap(process)
                raise
            return process
        raise AssertionError("unreachable")

    def _start_again(self, ended: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        """Return the next process, running or already ended: its end is the keeper's business."""
        try:
            process = self._launch()
        except (EmbeddedMongoError, OSError) as error:
            logger.error("mongod cannot be started: %s", error)
            return ended
        try:
            self._await(process)
        except EmbeddedMongoError as error:
            logger.error("%s", error)
            self._reap(process)
        else:
            logger.warning("mongod is running again (pid %d)", process.pid)
        return process

    def _launch(self) -> subprocess.Popen[bytes]:
        with self._turn:
            if self._closing.is_set():
                raise EmbeddedMongoError("the embedded MongoDB is closing")
            self._process = start_mongod(
                self._mongod or find_mongod(),
                port=self._port,
                files=self._files,
                log=self._log,
                output=self._output,
            )
            return self._process

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        def check() -> None:
            if process.poll() is not None:
                raise EmbeddedMongoError(explain(process.returncode, self._printed(), self._log))

        await_primary(self._port, check, START_PATIENCE)

    def _printed(self) -> str:
        try:
            return self._output.read_text(encoding="utf-8", errors="replace")
        except OSError:  # the text only enriches a message about something worse
            return ""

    @staticmethod
    def _reap(process: subprocess.Popen[bytes]) -> None:
        """End a process that is of no use, without haste: it may be writing."""
        process.terminate()
        try:
            process.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
