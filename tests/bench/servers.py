"""The two servers that are measured: each a process of its own, on the same MongoDB, in its own database."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from service.embedded import launch
from tests.bench.driver import BenchError

Kind = Literal["floor", "service"]
DRIVERS = ("pymongo", "motor")

_ROOT = Path(__file__).parents[2]
_START_PATIENCE = 60.0
_STOP_PATIENCE = 20.0


@dataclass(frozen=True)
class Server:
    """A running server: what it is, which MongoDB driver it uses, and where it listens (127.0.0.1)."""

    kind: Kind
    driver: str
    port: int
    process: subprocess.Popen[bytes]

    def memory(self) -> float | None:
        """Return the resident memory of the serving process in MB; None where the system does not tell.

        The serving process is the largest among the started one and those it started.
        """
        sizes = [size for pid in _family(self.process.pid) if (size := _resident(pid)) is not None]
        return max(sizes, default=None)


@contextmanager
def running(
    kind: Kind, driver: str, mongodb_uri: str, directory: Path, variables: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run the service or the floor until the block ends; raises BenchError if it does not get ready.

    ``variables`` of the environment come on top of those that every server gets.
    """
    port = _free_port()
    log = directory / f"{kind}-{driver}-{port}.log"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RECOVERY_")}
    settings = {
        "RECOVERY_MONGODB_URI": mongodb_uri,
        "RECOVERY_MONGODB_DATABASE": f"bench_{kind}_{driver}",
        "RECOVERY_MONGODB_DRIVER": driver,
    }
    command = _service(port, directory) if kind == "service" else _floor(port)
    ends_with_us = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid())]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*ends_with_us, *command],
            cwd=_ROOT,
            env={**inherited, **settings, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _await_ready(process, port, f"the {kind}", log)
        yield Server(kind, driver, port, process)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _service(port: int, directory: Path) -> list[str]:
    command = Path(sys.executable).with_name("recovery-plan")
    data = directory / "service"  # unused: the URI is given
    return [
        *(str(command), "serve", "--host", "127.0.0.1", "--port", str(port)),
        *("--data", str(data), "--samples", "no", "--workers", "1"),
    ]


def _floor(port: int) -> list[str]:
    return [
        *(
            sys.executable,
            "-m",
            "uvicorn",
            "tests.bench.floor:app",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ),
        *("--loop", "uvloop", "--http", "httptools", "--ws", "none", "--lifespan", "on"),
        *("--workers", "1", "--no-access-log", "--no-server-header", "--log-level", "warning"),
    ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_ready(process: subprocess.Popen[bytes], port: int, name: str, log: Path) -> None:
    deadline = time.monotonic() + _START_PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if _is_ready(port):
            return
        time.sleep(0.05)
    state = "is not ready" if process.poll() is None else f"ended with exit code {process.returncode}"
    said = log.read_text(encoding="utf-8", errors="replace")[-2_000:].strip()
    raise BenchError(f"{name} {state}; it said:\n{said or '(nothing)'}")


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5.0)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _family(pid: int) -> list[int]:
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:
        return [pid]
    return [pid, *(each for child in children for each in _family(child))]


def _resident(pid: int) -> float | None:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    status: Mapping[str, str] = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(status["VmRSS"].split()[0]) / 1_024 if "VmRSS" in status else None
