"""A request and its response free of transport: what an HTTP call and a Bundle entry have in common.

The fields are those of ``Bundle.entry.request`` and ``Bundle.entry.response`` (https://hl7.org/fhir/R4/bundle.html).
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from service.fhir.outcome import Issue, OutcomeError, shown
from service.fhir.positions import SourceText
from service.fhir.touched import Touched

Return = Literal["minimal", "representation", "OperationOutcome"]
Parameters = list[tuple[str, str]]

FORMATTING = ("_format", "_pretty")
"""The parameters that say how an answer is to look, for every request."""
MOST_PARAMETERS = 1_000
"""In one request; tens of thousands of conditions keep a database busy for half a minute."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the client prefers: the body of answers to writes, and whether unknown parameters may be ignored."""

    returns: Return | None = None
    lenient: bool = False
    respond_async: bool = False
    """Whether the client would rather be told where to ask for the answer later on."""


@dataclass(frozen=True, slots=True)
class Idempotency:
    """What makes a write happen once, however often it is sent (draft-ietf-httpapi-idempotency-key-header)."""

    key: str
    client: str
    """Whose key it is: another client's equal key is another one."""
    fingerprint: str
    """A hash of all that is asked for: a retry asks for the same."""


@dataclass(slots=True)
class Request:
    """One interaction that is asked for; ``path`` are the segments below ``base``, the service's FHIR address."""

    method: str
    path: tuple[str, ...]
    base: str
    parameters: Parameters = field(default_factory=list)
    resource: Any = None
    """What the body holds: a resource, or what a PATCH is to do in the form that ``media_type`` names."""
    media_type: str = ""
    """The media type of the body, without parameters; empty where there is none."""
    provenance: Any = None
    """The Provenance in X-Provenance, which says who contributed what is written."""
    idempotency: Idempotency | None = None
    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: str | None = None
    if_none_exist: str | None = None
    preferences: Preferences = Preferences()
    new_id: str | None = None
    """The id that the service has given to a resource that a transaction or a condition creates."""
    warnings: tuple[Issue, ...] | None = None
    """What the transaction that this belongs to was warned of when it validated the resource; None before."""
    text: SourceText | None = None
    """The JSON text that was sent: of the resource, or of the Bundle that this is an entry of."""
    place: str | None = None
    """Where this stands in a Bundle, such as ``Bundle.entry[0]``."""
    as_page: bool = False
    """Whether the answer is wanted as a page for people, at an address that offers one."""
    accept: str = ""
    """The header Accept, for what answers in formats of its own."""
    format: str | None = None
    """The parameter ``_format``, for the same."""
    chunks: AsyncIterator[bytes] | None = None
    """A long body that is not read yet, for what takes one."""


class Piece(NamedTuple):
    """A part of a long body, and every version that this part discloses."""

    body: bytes
    touched: tuple[Touched, ...]


@dataclass(frozen=True, slots=True)
class Response:
    """What came of a request; ``body`` is the JSON text of a resource, ``version`` and ``last_modified`` its meta."""

    status: int
    body: bytes | None = None
    location: str | None = None
    version: int | None = None
    last_modified: datetime | None = None
    is_page: bool = False
    """Whether ``body`` is an HTML page instead."""
    media_type: str | None = None
    """The type of a body that is no resource, such as ``text/csv``."""
    pieces: AsyncIterator[Piece] | None = None
    """The body, where it is long, part after part; what goes wrong before the first one is an answer like any other."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What else the head of the answer says."""
    entries: tuple[str, ...] = ()
    """What the entries of a Bundle asked for and got, such as ``GET Goal?patient=1 200``, for the audit."""
    touched: tuple[Touched, ...] = field(kw_only=True)
    """Every version that it discloses and that was stored, for the audit: no answer leaves out to say so."""

    @property
    def etag(self) -> str | None:
        """The weak ETag of the version, or None."""
        return None if self.version is None else etag_of(self.version)

    def without_body(self) -> "Response":
        """Return what HEAD gets: without the body, it discloses no more than the version that its ETag names."""
        return replace(self, body=None, pieces=None, touched=() if self.version is None else self.touched)


def split_url(url: str) -> tuple[tuple[str, ...], Parameters]:
    """Return the path segments and the parameters of a relative ``url`` such as ``Goal/1?_summary=true``.

    Raises ValueError where it is no address, or has more than MOST_PARAMETERS.
    """
    parts = urlsplit(url)
    if parts.scheme or parts.netloc:
        raise ValueError("this is no relative address")
    segments = tuple(unquote(segment, errors="strict") for segment in parts.path.split("/") if segment)
    return segments, read_query(url.partition("?")[2])


def read_query(query: str) -> Parameters:
    """Return the parameters of a ``query`` such as ``_id=1&_summary=true``.

    Raises ValueError where it is not percent-encoded UTF-8, has a fragment or NUL, or more than MOST_PARAMETERS.
    """
    if "#" in query or "%00" in query or "\0" in query:
        raise ValueError("this is no query")
    return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)


def once(parameters: Parameters) -> dict[str, str]:
    """Return ``parameters`` by name; raises OutcomeError where one is given twice."""
    found = dict(parameters)
    if len(found) < len(parameters):
        names = [name for name, _ in parameters]
        twice = [shown(name) for name in found if names.count(name) > 1]
        sentence = "This parameter is given twice"
        raise OutcomeError(*(Issue("parameter-value", f"{name}: {sentence}", f"http.{name}") for name in twice))
    return found


def whole_number(text: str, largest: int = 999_999_999) -> int | None:
    """Return the number that ``text`` writes in plain digits, or None where it is none from 0 to ``largest``."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
    return None if number is None or number > largest else number


def etag_of(version: int) -> str:
    """Return the weak ETag of a version."""
    return f'W/"{version}"'


def version_of_etag(etag: str) -> int | None:
    """Return the version that an ETag names (``W/"3"``, ``"3"`` or ``3``), or None where it names none of ours."""
    text = etag.strip().removeprefix("W/").strip('"')
    return whole_number(text)
