"""Serve in the foreground: settings, port, database, workers, sample plans, and an orderly stop."""

import asyncio
import contextlib
import ctypes
import gc
import logging
import logging.config
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import resource_tracker
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from service.adapted_measure import definitions_of
from service.audit_files import keep_in
from service.authentication import authentication
from service.commands.database import connected
from service.development_tokens import accept_development_tokens
from service.embedded import EmbeddedMongo
from service.logs import logging_config
from service.server.admission import can_load_samples, notice, refuse_openness, token_for_samples
from service.server.announce import Announcement
from service.server.tls import server_context
from service.settings import Settings, read_settings
from service.store.open import check_format

if TYPE_CHECKING:  # the web framework takes its time to import, and the database can start meanwhile
    from fastapi import FastAPI

logger = logging.getLogger(__name__)

STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class CannotServe(Exception):  # noqa: N818 - the name says what it is
    """The service cannot start or had to stop; the message is one line."""


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    host: str
    port: int
    data: Path
    samples: bool
    workers: int


def serve(options: Options) -> None:
    """Serve until SIGINT or SIGTERM, then return with everything stopped.

    Raises CannotServe, WrongSetting, EmbeddedMongoError, UnsuitableServer or NewerFormatError, each with one line.
    """
    _stop_by_signal()
    try:
        settings = read_settings()
        logging.config.dictConfig(logging_config(settings.log))
        server_context(settings)  # tells what is wrong with the files before anything is started
        definitions_of(settings)  # tells, too
        accept_development_tokens(options.data, settings)
        authentication(read_settings())  # and this
        with _listener(options.host, options.port) as listener:
            refuse_openness(settings, listener.getsockname()[0])
            if settings.mongodb_uri is not None:
                asyncio.run(_check_store(settings, settings.mongodb_uri))
                keep_in(options.data, settings)
                _run(options, settings, listener, samples=False)
                return
            with EmbeddedMongo(options.data) as mongo:
                asyncio.run(_check_store(settings, mongo.uri))
                keep_in(options.data, settings)
                os.environ["RECOVERY_MONGODB_URI"] = mongo.uri  # where this process and its workers look
                os.environ.setdefault("RECOVERY_EXPLAIN", "yes")  # for whoever tries the service out
                _run(options, settings, listener, samples=options.samples and can_load_samples(settings))
    except KeyboardInterrupt:
        return
    finally:
        for each in STOPPING_SIGNALS:  # Python's own end would put back the default, which kills
            signal.signal(each, signal.SIG_IGN)


async def _check_store(settings: Settings, uri: str) -> None:
    """Raise UnsuitableServer or NewerFormatError unless the store can be served.

    Checked here and not only in the application, whose start prints a traceback when it fails.
    """
    async with connected(settings, uri) as driver:
        await check_format(driver)


def application() -> "FastAPI":
    """Return the application of this process; a worker ends when the process that started it dies."""
    parent = multiprocessing.parent_process()
    if parent is not None and sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        if os.getppid() != parent.pid:  # it died before the line above
            os.kill(os.getpid(), signal.SIGKILL)
    try:
        from service.app import from_environment

        app = from_environment()
        _spare_the_collector()
        return app
    except Exception:  # told once: with any other exit code a worker would be started again and again
        logger.exception("The application cannot be built")
        sys.exit(STARTUP_FAILURE)


def _spare_the_collector() -> None:
    """Leave what was made at start out of every garbage collection, and collect less often.

    A request makes thousands of objects and few cycles: by default a tenth of its time went into looking for them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _stop_by_signal() -> None:
    """Let the first SIGINT or SIGTERM raise KeyboardInterrupt and later ones pass: stopping has begun."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        for each in STOPPING_SIGNALS:
            # Not SIG_IGN, which a mongod or worker started after this would inherit.
            signal.signal(each, lambda _signal, _frame: None)
        raise KeyboardInterrupt

    for each in STOPPING_SIGNALS:
        signal.signal(each, stop)


@contextlib.contextmanager
def _listener(host: str, port: int) -> Iterator[socket.socket]:
    """Yield a socket that listens already, so that a port in use shows before a database is started."""
    try:
        if not host:
            raise CannotServe("HOST is empty: 0.0.0.0 listens on every address of this machine")
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
        listener = socket.create_server(address[:2], family=family, backlog=2048)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        # create_server adds the address, which stands in the message already.
        message = f"cannot listen on {host} port {port}: {reason.split(' (while')[0]}"
        raise CannotServe(f"{message}; choose another PORT or HOST") from error
    with listener:
        yield listener


def _run(options: Options, settings: Settings, listener: socket.socket, *, samples: bool) -> None:
    """Serve until stopped by a signal; raises CannotServe if the application does not start."""
    from service.server.web_server import server_config

    config = server_config("service.serve:application", settings, options.workers)
    port = listener.getsockname()[1]
    marker = options.data / "samples-loaded" if samples else None
    token = token_for_samples(options.data, settings) if samples else None
    line = notice(options.data, settings)
    with Announcement(options.host, port, marker, token, settings.tls_certificate, line):
        if options.workers == 1:
            _run_here(config, listener)
        else:
            with tempfile.TemporaryDirectory(prefix="recovery-plan-metrics-") as shared:
                os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared  # where workers add up what they count
                _run_workers(config, listener)


class _Server(uvicorn.Server):
    """A server that every SIGINT and SIGTERM asks to stop: a second one neither hurries nor interrupts it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        for each in STOPPING_SIGNALS:
            signal.signal(each, self._stop)
        yield

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.should_exit = True


class _Supervisor(Multiprocess):
    """A supervisor whose workers never see the terminal's Ctrl-C: they stop when it tells them to."""

    def init_processes(self) -> None:
        with _interrupt_blocked():
            super().init_processes()

    def handle_signals(self) -> None:
        with _interrupt_blocked():
            super().handle_signals()

    def keep_subprocess_alive(self) -> None:
        with _interrupt_blocked():
            super().keep_subprocess_alive()


@contextlib.contextmanager
def _interrupt_blocked() -> Iterator[None]:
    """Block SIGINT: this process gets it afterwards, a process that is started meanwhile never does."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run_here(config: uvicorn.Config, listener: socket.socket) -> None:
    try:
        _Server(config).run(sockets=[listener])
    except SystemExit as error:
        raise CannotServe("the service did not start: the reason stands above") from error


def _run_workers(config: uvicorn.Config, listener: socket.socket) -> None:
    resource_tracker.ensure_running()  # it unblocks SIGINT in passing, so not while workers are started
    supervisor = _Supervisor(config, sockets=[listener])
    supervisor.run()
    listener.close()  # nobody answers any more, so nobody should be let in
    if any(worker.exitcode == STARTUP_FAILURE for worker in supervisor.processes):
        raise CannotServe("the service did not start: the reason stands above")
