"""What the service logs, and in which form: lines of text, or of JSON.

No line holds a person's data or a secret. What a library raises while a request is answered may quote either: of such
an exception the type and the places are logged, and not the message.
"""

import json
import logging
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

REQUEST_ID: ContextVar[str | None] = ContextVar("REQUEST_ID", default=None)
"""The id of the request that is being answered."""
FIELDS = "fields"
"""The attribute of a record that holds more than its sentence, by name: ``log.info(…, extra={FIELDS: {…}})``."""
_OWN = "service."


def logging_config(form: Literal["text", "json"]) -> dict[str, Any]:
    """Return what ``logging.config.dictConfig`` takes."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": Text if form == "text" else JsonLines}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
        # Libraries log addresses of requests, which identify people, at INFO.
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {"service": {"level": "INFO"}},
    }


class _Discreet(logging.Formatter):
    """Tells the message of an exception only where one of our own loggers does: before anybody has sent anything."""

    def told(self, record: logging.LogRecord) -> str:
        """Return type and places of the exception of a record, or nothing."""
        if not record.exc_info or record.exc_info[0] is None:
            return ""
        kind, error, trace = record.exc_info
        message = f": {error}" if record.name.startswith(_OWN) else ""
        return f"{''.join(traceback.format_tb(trace))}{kind.__name__}{message}"


class Text(_Discreet):
    """A line for people: time, level, sentence, and the id of the request."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """Return the line of ``record``."""
        fields = "".join(f" {name}={value}" for name, value in getattr(record, FIELDS, {}).items())
        request = REQUEST_ID.get()
        return super().formatMessage(record) + fields + (f" [{request}]" if request else "")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and below it the exception."""
        record.message = record.getMessage()
        record.asctime = self.formatTime(record)
        return "\n".join(filter(None, (self.formatMessage(record), self.told(record))))


class JsonLines(_Discreet):
    """One JSON object on a line: time, level, logger, message, request_id, error, and what a record adds."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": REQUEST_ID.get(),
            "error": self.told(record) or None,
            **getattr(record, FIELDS, {}),
        }
        return json.dumps({name: value for name, value in line.items() if value is not None}, ensure_ascii=False)
