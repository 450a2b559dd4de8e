"""How uvicorn is run: its protocol, its limits, its log, and TLS."""

import logging
import ssl
from collections.abc import Callable
from functools import partial

import uvicorn

from service.logs import logging_config
from service.rest.connection import Connection
from service.server.tls import server_context
from service.settings import Settings

GRACE = 10  # seconds for requests under way when the service stops
KEEP_ALIVE = 65  # seconds; longer than the 60 s after which common proxies drop an idle connection


def server_config(application: str, settings: Settings, workers: int) -> uvicorn.Config:
    """Return what uvicorn needs to know; ``application`` names the factory, which each worker calls."""
    connection = partial(Connection, receive_seconds=settings.receive_seconds, answer_seconds=settings.answer_seconds)
    return uvicorn.Config(
        application,
        factory=True,
        workers=workers,
        loop="uvloop",
        http=connection,  # type: ignore[arg-type]  # it is only called
        ws="none",
        lifespan="on",
        log_config=logging_config(settings.log),
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # ours know which proxy to believe
        ssl_context_factory=partial(_tls, settings) if settings.tls_certificate else None,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
        timeout_worker_healthcheck=10,  # a worker on a busy machine takes its time to start
    )


def _tls(settings: Settings, _: uvicorn.Config, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    return server_context(settings) or default()
