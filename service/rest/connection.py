"""One client's connection: how much may come before a request is understood, and how long that may take (RFC 9112).

httptools only limits an address, to what 16 bits count, and uvicorn only the time between requests.
"""

from asyncio import Transport
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.fhir.outcome import Issue, OutcomeError
from service.rest.errors import raw_refusal

LONGEST_ADDRESS = 65_535
"""Bytes; httptools reads no longer one."""
LONGEST_HEADERS = 65_536
"""Bytes, of names and values."""
MOST_HEADERS = 100
LOOK = 5.0
"""Seconds between two looks at a connection, at most."""

GOES_ON = "recovery.goes_on"
"""The key in the scope of what a long answer calls whenever a part of it is sent."""


class Connection(HttpToolsProtocol):
    """Refuses heads that are too long with 414 or 431, slow requests with 408, and gives up what is not taken."""

    def __init__(self, *arguments: Any, receive_seconds: float, answer_seconds: float, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._receive_seconds = receive_seconds
        self._answer_seconds = answer_seconds
        self._refusal: Issue | None = None
        self._in_head = False
        self._chunk = 0
        self._received = 0  # bytes since the request began, at most
        self._arriving: float | None = None  # when the request began that is not here whole
        self._answering: float | None = None  # when the head was complete of the request that is answered
        self._unread = 0  # bytes of answers that the client has not taken
        self._moved = 0.0  # when there were last more of them or fewer

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._arriving = self.loop.time()
        self._pause = min(LOOK, self._receive_seconds / 4, self._answer_seconds / 4)
        self._watch = self.loop.call_later(self._pause, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; an endless head is refused before it has come to its end."""
        self._chunk = len(data)
        self._received += self._chunk
        if self._arriving is None and self._answering is None:
            self._arriving = self.loop.time()
        super().data_received(data)
        if self._in_head and self._received > LONGEST_HEADERS and not self.transport.is_closing():
            self._refusal = self._too_long(self._received - len(self.url))
            if self._refusal is not None:
                self._close(self._refusal)

    def on_message_begin(self) -> None:
        """Note that a request begins."""
        super().on_message_begin()
        self._in_head = True
        self._received = self._chunk
        self._arriving = self.loop.time()

    def on_headers_complete(self) -> None:
        """Start to answer a request whose head can be taken; what is raised here ends in `send_400_response`."""
        if not self.url.startswith(b"/"):
            self._take_authority()
        names = [name for name, _ in self.headers]
        if len(names) > MOST_HEADERS or self._received > LONGEST_HEADERS:
            self._refusal = self._too_long(sum(len(name) + len(value) for name, value in self.headers))
        if names.count(b"host") != 1 and self.parser.get_http_version() == "1.1":
            self._refusal = Issue("malformed-request", "A request of HTTP/1.1 has one header Host", "http.Host")
        if self._refusal is not None:
            raise ValueError(self._refusal.rule)
        cast("dict[str, Any]", self.scope)[GOES_ON] = self._goes_on
        super().on_headers_complete()
        self._in_head = False
        if self._answering is None:
            self._answering = self._arriving

    def on_message_complete(self) -> None:
        """Note that a request is here whole."""
        self._arriving = None
        super().on_message_complete()

    def _goes_on(self) -> None:
        """Note that an answer is still being made: its time begins anew."""
        if self._answering is not None:
            self._answering = self.loop.time()

    def on_response_complete(self) -> None:
        """Go on to the request that waits, if one does."""
        now = self.loop.time()
        self._answering = now if self.pipeline else None
        if self._arriving is not None:
            self._arriving = now
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what could not be parsed, or may not be, and close."""
        plain = Issue("malformed-request", "This is no request as HTTP/1.1 has it (RFC 9112)")
        self._close(self._refusal or plain)

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that is not used; one whose client still takes an answer is."""
        if self.transport.get_write_buffer_size():
            later = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)
            self.timeout_keep_alive_task = later
        else:
            super().timeout_keep_alive_handler()

    def _take_authority(self) -> None:
        """Let an absolute address name the host, whatever Host says (RFC 9112, 3.2.2)."""
        address = httptools.parse_url(self.url)
        if address.schema not in (b"http", b"https") or not address.host or not address.path:
            raise ValueError("no address of this service")
        host = address.host if address.port is None else b"%s:%d" % (address.host, address.port)
        self.headers[:] = [item for item in self.headers if item[0] != b"host"] + [(b"host", host)]

    def _too_long(self, size: int) -> Issue | None:
        """Return what is too long about a head whose headers have ``size`` bytes."""
        if len(self.url) > LONGEST_ADDRESS:
            sentence = f"An address has at most {LONGEST_ADDRESS} bytes here; a search can be sent by POST to _search"
            return Issue("address-too-long", sentence)
        if size > LONGEST_HEADERS or len(self.headers) > MOST_HEADERS:
            sentence = f"The headers of a request have at most {LONGEST_HEADERS} bytes and are {MOST_HEADERS} at most"
            return Issue("header-too-long", sentence)
        return None

    def _look(self) -> None:
        """Give up what takes too long, or look again."""
        now = self.loop.time()
        unread = self.transport.get_write_buffer_size()
        if unread != self._unread:
            self._unread, self._moved = unread, now
        if unread and now - self._moved > self._answer_seconds:
            self.transport.abort()
        elif self._arriving is not None and not self._waits_its_turn():
            seconds = self._receive_seconds / (3 if self._answering is None else 1)
            if now - self._arriving > seconds:
                self._close(Issue("slow-request", f"This had to arrive within {seconds:g} seconds"))
        elif self._answering is not None and now - self._answering > self._answer_seconds:
            self._close(Issue("slow-answer", f"A request is answered within {self._answer_seconds:g} seconds or not"))
        self._watch = self.loop.call_later(self._pause, self._look)

    def _waits_its_turn(self) -> bool:
        """Return whether what arrives is the next request, while an earlier one is answered."""
        return bool(self.pipeline) or (self._in_head and self._answering is not None)

    def _close(self, why: Issue) -> None:
        """Close, and say why where that is the answer for which the client waits."""
        if self.transport.is_closing():
            return
        due = self.cycle is not None and not self.cycle.response_complete
        if (not due) if self._in_head else (due and not self.cycle.response_started and not self.pipeline):
            self.transport.write(raw_refusal(OutcomeError(why)))
        if due:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()
