"""Run the real ``recovery-plan serve`` as a process of its own, as a user does."""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND = [str(Path(sys.executable).parent / "recovery-plan")]
PATIENCE = 60.0  # seconds before a test gives up waiting


class Service:
    """A started service: what it has printed, where it is, how it ends."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RECOVERY_")}
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=inherited | environment,
            process_group=0,  # so that a terminal's Ctrl-C, which goes to a whole group, can be imitated
        )
        self.errors: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._readers = [
            threading.Thread(target=self._read_lines, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read_lines(self) -> None:
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _read_errors(self) -> None:
        self.errors.extend(line.rstrip("\n") for line in self.process.stderr)

    def await_ready(self) -> str:
        """Return the address of the Ready line, which must be the first line on stdout."""
        line = self.next_line()
        assert line.startswith("Ready: "), line
        return line.removeprefix("Ready: ")

    def next_line(self) -> str:
        """Return the next line on stdout."""
        line = self._lines.get(timeout=PATIENCE)
        assert line is not None, f"ended with {self.end()}: {self.errors}"
        return line

    def interrupt(self) -> int:
        """Send SIGINT to the whole process group, as a terminal does on Ctrl-C, and return the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.end()

    def end(self, by: signal.Signals | None = None) -> int:
        """Send the signal, if any, wait for the end and return the exit code."""
        if by is not None:
            self.process.send_signal(by)
        code = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()
        return code


@contextmanager
def running(data: Path, *options: str, port: int = 0, **environment: str) -> Iterator[Service]:
    """Yield a service on ``data``, without samples; killed at the end if it still runs."""
    arguments = ("serve", "--port", str(port), "--data", str(data), "--samples", "no", *options)
    service = Service(*arguments, **environment)
    try:
        yield service
    finally:
        # An orderly end takes a second and has its own tests. The service first: it would start mongod again.
        service.end(signal.SIGKILL)
        for pid in mongods_on(data):
            os.kill(pid, signal.SIGKILL)


def refuse_to_start(*arguments: str, **environment: str) -> tuple[int, list[str]]:
    """Return the exit code and the lines on stderr of a service that is expected not to start."""
    service = Service(*arguments, **environment)
    try:
        return service.end(), service.errors
    finally:
        service.process.kill()  # harmless when it has ended, as it should


def mongods_on(data: Path) -> list[int]:
    """Return the process ids of every ``mongod`` that has its data files below ``data``."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            arguments = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if Path(arguments[0]).name == "mongod" and any(each.startswith(f"{data}/") for each in arguments):
            found.append(int(entry.name))
    return found


def free_port() -> int:
    """Return a port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_listening(port: int) -> None:
    """Return once something listens on the port of 127.0.0.1."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return
