"""Tell when the service is ready, after the sample plans have been loaded once."""

import logging
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from service.commands.load import FHIR_PATH, Refused, client_for, load_file, sample_files
from service.server.tls import context_for

logger = logging.getLogger(__name__)

PAUSE = 0.05  # seconds between two looks at /health/ready
REMINDER = 30.0  # seconds after which waiting is told, again and again

_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound to


class Announcement:
    """``with Announcement(host, port, …):`` prints ``Ready: <address>`` once the server answers.

    ``marker`` is the file that says the samples were loaded, None if none are to be loaded. It stops a
    later start from undoing what a tester changed or deleted. ``token`` is the one to load them with, if one is needed,
    ``certificate`` that of the service, if it speaks TLS; ``notice`` is a line to print below.
    """

    def __init__(
        self,
        host: str,
        port: int,
        marker: Path | None,
        token: str | None,
        certificate: Path | None,
        notice: str | None,
    ) -> None:
        scheme = "http" if certificate is None else "https"
        self._shown = _address(scheme, host, port)
        self._reached = _address(scheme, _EVERY_ADDRESS.get(host, host), port)
        self._tls = None if certificate is None else context_for(certificate)
        self._marker = marker
        self._token = token
        self._notice = notice
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._announce, name="announcement", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join(5.0)

    def _announce(self) -> None:
        if not self._await_ready():
            return
        if self._marker is not None and not self._marker.exists():
            self._load_samples(self._marker)
        if not self._stopped.is_set():
            print(f"Ready: {self._shown}", *filter(None, [self._notice]), sep="\n", flush=True)

    def _await_ready(self) -> bool:
        """Return True once the service is ready, False once it has been stopped."""
        reminder = time.monotonic() + REMINDER
        with client_for(self._reached, timeout=5.0, tls=self._tls) as client:
            while not self._stopped.wait(PAUSE):
                try:
                    if client.get("/health/ready").status_code == httpx.codes.OK:
                        return True
                except httpx.TransportError:
                    pass  # not yet
                if time.monotonic() > reminder:
                    logger.warning("The service is not ready yet: %s/health/ready tells why", self._reached)
                    reminder += REMINDER
        return False

    def _load_samples(self, marker: Path) -> None:
        refused = False
        with client_for(self._reached + FHIR_PATH, token=self._token, tls=self._tls) as client:
            for file in sample_files():
                if self._stopped.is_set():
                    return
                try:
                    logger.info("Sample plan %s: %s", file.name, load_file(client, file))
                except Refused as error:
                    refused = True
                    logger.error("Sample plan %s was NOT loaded: %s", file.name, error)
        if refused:
            return  # the next start tries again
        try:
            marker.write_text("The sample plans were loaded; delete this file to load them again.\n")
        except OSError as error:
            logger.error("%s cannot be written, so the next start loads the samples again: %s", marker, error)


def _address(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
