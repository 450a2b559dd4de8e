"""From HTTP to the transport-free request (https://hl7.org/fhir/R4/http.html)."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from service.conformance.xml import Xml, XmlText
from service.fhir import json
from service.fhir.entry import FORMATTING, MOST_PARAMETERS, Parameters, Preferences, Request
from service.fhir.media_types import XML_PATCH
from service.fhir.outcome import Issue, OutcomeError
from service.fhir.positions import SourceText
from service.fhir.versions import FhirVersion
from service.interactions.provenance import read_provenance
from service.rest.idempotency_key import read_key
from service.rest.negotiation import XML_TYPES, body_type, is_ndjson, require_form

RETURNS = ("minimal", "representation", "OperationOutcome")
_STREAMED = (("$import",),)
"""The addresses that take long bodies of many lines, which are read as they come."""
HOST = re.compile(r"[A-Za-z0-9.\-_]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


@dataclass(frozen=True, slots=True)
class Service:
    """One FHIR version at one path, as HTTP sees it."""

    version: FhirVersion
    path: str
    base_url: str | None
    max_body_bytes: int


@dataclass(slots=True)
class Incoming:
    """An HTTP request: its head, and once they have been read its parameters and the text of its resource."""

    scope: Scope
    headers: dict[bytes, bytes]
    parameters: Parameters = field(default_factory=list)
    text: SourceText | None = None

    @classmethod
    def of(cls, scope: Scope) -> "Incoming":
        """Return the head in ``scope``."""
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:  # several of one name are one list, as RFC 9110 has it
            headers[name] = headers[name] + b", " + value if name in headers else value
        return cls(scope, headers)

    def read_query(self) -> None:
        """Read the parameters in the address; raises OutcomeError where they cannot be read."""
        self.parameters.extend(_parameters(self.scope["query_string"]))

    @property
    def method(self) -> str:
        """The method; HEAD is a GET whose body is not sent."""
        return "GET" if self.scope["method"] == "HEAD" else str(self.scope["method"])

    def segments(self, service: Service) -> tuple[str, ...]:
        """Return the segments of the path below the address of ``service``."""
        return tuple(part for part in self.scope["path"].partition(service.path)[2].split("/") if part)

    def header(self, name: bytes) -> str | None:
        """Return a header, by its lower-case name."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")


async def read_request(incoming: Incoming, receive: Receive, service: Service, xml: Xml, client: str) -> Request:
    """Return the request with its body parsed; raises OutcomeError where any of it cannot be read.

    ``client`` is whose Idempotency-Key it has.
    """
    before, prefix, _ = incoming.scope["path"].partition(service.path)
    method, path = incoming.method, incoming.segments(service)
    header = incoming.headers.get(b"x-provenance")
    provenance = None if header is None else read_provenance(header)
    resource, media_type, body, chunks = None, "", b"", None
    if method in ("POST", "PUT", "PATCH"):
        content_type = incoming.header(b"content-type") or ""
        last = path[-1] if path else ""
        if path in _STREAMED and is_ndjson(content_type):
            chunks = _chunks(incoming, receive)
        else:
            body = await _body(incoming, receive, service.max_body_bytes)
        if last == "_search":
            if body:
                require_form(content_type)
                incoming.parameters.extend(_parameters(body))
        elif chunks is None and (body or not last.startswith("$")):  # an operation's address may say all that it takes
            media_type = body_type(content_type, method, service.version)
            resource = _resource(incoming, body, media_type, xml)
    return Request(
        method,
        path,
        _base(incoming, service.base_url, before) + prefix,
        [item for item in incoming.parameters if item[0] not in FORMATTING],
        resource,
        media_type,
        provenance,
        idempotency=read_key(incoming.headers, incoming.scope, body, client),
        if_match=incoming.header(b"if-match"),
        if_none_match=incoming.header(b"if-none-match"),
        if_modified_since=incoming.header(b"if-modified-since"),
        if_none_exist=_condition(incoming),
        preferences=_preferences(incoming.header(b"prefer")),
        text=incoming.text,
        accept=incoming.header(b"accept") or "",
        format=dict(incoming.parameters).get("_format"),
        chunks=chunks,
    )


def _condition(incoming: Incoming) -> str | None:
    """Return If-None-Exist; raises OutcomeError where it is no text, for what is misread matches nothing."""
    header = incoming.headers.get(b"if-none-exist")
    try:
        return None if header is None else header.decode()
    except UnicodeDecodeError:
        sentence = "If-None-Exist is a query, percent-encoded or in UTF-8"
        raise OutcomeError(Issue("header-value", sentence, "http.If-None-Exist")) from None


def _resource(incoming: Incoming, body: bytes, media_type: str, xml: Xml) -> Any:
    """Return what ``body`` holds, and let ``incoming`` know its text; an XML Patch is left as it is."""
    if media_type == XML_PATCH:
        return body
    if media_type in XML_TYPES:
        incoming.text = XmlText(body)
        return xml.read(body)
    incoming.text = SourceText(body)
    return json.parse(body)


async def _body(incoming: Incoming, receive: Receive, most: int) -> bytes:
    length = incoming.header(b"content-length")
    if length is not None and length.isdecimal() and int(length) > most:
        raise _too_large(most)
    parts: list[bytes] = []
    size = 0
    async for part in _chunks(incoming, receive):
        size += len(part)
        if size > most:
            raise _too_large(most)
        parts.append(part)
    return b"".join(parts)


async def _chunks(incoming: Incoming, receive: Receive) -> AsyncIterator[bytes]:
    """Yield the body as it comes; raises OutcomeError 415 where it is encoded, and ClientGoneError."""
    _refuse_encoded(incoming)
    is_more = True
    while is_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        yield message.get("body", b"")
        is_more = message.get("more_body", False)


class ClientGoneError(Exception):
    """The client closed the connection before its request was complete."""


def _refuse_encoded(incoming: Incoming) -> None:
    if incoming.header(b"content-encoding") not in (None, "identity"):
        sentence = "A body is sent as it is, without Content-Encoding"
        raise OutcomeError(Issue("unsupported-media-type", sentence, "http.Content-Encoding"))


def _too_large(most: int) -> OutcomeError:
    return OutcomeError(Issue("body-too-large", f"A body has at most {most} bytes here"))


def _parameters(encoded: bytes) -> Parameters:
    if not encoded:
        return []
    if encoded.count(b"&") >= MOST_PARAMETERS:
        raise OutcomeError(Issue("parameter-value", f"A request has at most {MOST_PARAMETERS} parameters"))
    try:
        found = parse_qsl(encoded.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        sentence = "The parameters are not percent-encoded UTF-8"
        raise OutcomeError(Issue("parameter-value", sentence)) from None
    for name, value in found:
        if "\0" in name or "\0" in value:
            place = f"http.{name}" if name.isidentifier() else None
            raise OutcomeError(Issue("characters", "A parameter holds the character NUL", place))
    return found


def _base(incoming: Incoming, base_url: str | None, root: str) -> str:
    """Return the address of the service; ``root`` is what a proxy put before our own path."""
    if base_url is not None:
        return base_url.rstrip("/")
    host = incoming.header(b"host") or ""
    if not HOST.fullmatch(host):
        address: Any = incoming.scope.get("server") or ("127.0.0.1", 80)
        host = f"{address[0]}:{address[1]}"
    return f"{incoming.scope['scheme']}://{host}{root}"


def _preferences(header: str | None) -> Preferences:
    """Return what Prefer asks for; what it asks that is not known is not heeded, as RFC 7240 has it."""
    if header is None:
        return Preferences()
    asked = dict(item.strip().partition("=")[::2] for item in header.replace(";", ",").split(","))
    returns = asked.get("return", "").strip('"')
    return Preferences(
        returns if returns in RETURNS else None,  # type: ignore[arg-type]
        asked.get("handling", "").strip('"') == "lenient",
        "respond-async" in asked,
    )
