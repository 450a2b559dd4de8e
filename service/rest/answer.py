"""From the transport-free response to HTTP, in the form that the client asks for (https://hl7.org/fhir/R4/http.html)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import format_datetime

from starlette.types import Send

from service.conformance.xml import Xml
from service.fhir import json
from service.fhir.entry import FORMATTING, Response, once
from service.fhir.media_types import FHIR_JSON
from service.fhir.outcome import Issue, OutcomeError
from service.interactions.page import has_page
from service.narrative.pages import POLICY
from service.rest.http import Incoming, Service
from service.rest.negotiation import PAGE, XML_TYPES, answer_type

Fields = list[tuple[bytes, bytes]]
_PAGE_HEADERS = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", POLICY.encode()),
)
_OWN_FORMATS = ("$job", "$report", "$viewdefinition-run")
"""The segments of addresses whose answers come in formats of their own; what goes wrong there comes as others do."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """How the answer is to look."""

    content_type: str
    pretty: bool
    without_body: bool
    """For HEAD."""
    as_page: bool = False
    """Whether a page is wanted; what goes wrong before it is one comes as JSON all the same."""

    @property
    def is_xml(self) -> bool:
        """Whether resources come as XML, and not as JSON."""
        return self.content_type.partition(";")[0] in XML_TYPES


def presentation_by_header(incoming: Incoming, service: Service) -> Presentation:
    """Return how an answer is to look as far as Accept tells, for requests of which no more can be read."""
    try:
        content_type = answer_type(incoming.header(b"accept") or "", None, service.version)
    except OutcomeError:
        content_type = f"{FHIR_JSON}; charset=utf-8"
    return Presentation(content_type, False, incoming.scope["method"] == "HEAD")


def presentation(incoming: Incoming, service: Service) -> Presentation:
    """Return how the answer is to look; raises OutcomeError 406 where no such format is available."""
    if not set(_OWN_FORMATS).isdisjoint(incoming.segments(service)):
        return presentation_by_header(incoming, service)
    formatting = once([item for item in incoming.parameters if item[0] in FORMATTING])
    accept, wanted = incoming.header(b"accept") or "", formatting.get("_format")
    speaks_of_text = "text/" in accept.lower() or wanted is not None
    with_page = speaks_of_text and has_page(incoming.method, incoming.segments(service))
    content_type = answer_type(accept, wanted, service.version, with_page)
    pretty = formatting.get("_pretty", "false")
    if pretty not in ("true", "false"):
        raise OutcomeError(Issue("parameter-value", "_pretty is true or false", "http._pretty"))
    as_page = content_type.startswith(PAGE)
    json_type = f"{FHIR_JSON}; charset=utf-8" if as_page else content_type
    return Presentation(json_type, pretty == "true", incoming.scope["method"] == "HEAD", as_page)


def in_json(how: Presentation) -> Presentation:
    """Return the plainest way of presenting what ``how`` presents."""
    return replace(how, content_type=f"{FHIR_JSON}; charset=utf-8", pretty=False, as_page=False)


def presented(response: Response, how: Presentation, xml: Xml) -> Response:
    """Return ``response``, whose body is compact JSON or a page, with the body that ``how`` asks for."""
    if not response.body or response.is_page or response.media_type or not (how.is_xml or how.pretty):
        return response
    resource = json.parse(response.body)
    return replace(response, body=xml.write(resource, how.pretty) if how.is_xml else json.dump_pretty(resource))


async def write_response(
    response: Response, how: Presentation, base: str, send: Send, headers: dict[str, str] | None = None
) -> None:
    """Send ``response``, which is `presented` as ``how`` says; ``base`` makes its location absolute."""
    body = response.body or b""
    fields = head_of(response, how, base, headers)
    if response.status not in (204, 304) and response.pieces is None:
        fields.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": fields})
    await send({"type": "http.response.body", "body": b"" if how.without_body else body})


def head_of(response: Response, how: Presentation, base: str, headers: Mapping[str, str] | None = None) -> Fields:
    """Return the fields of the head of ``response``, but for the length of its body."""
    fields = [(b"vary", b"Accept, Authorization")]
    if response.is_page:
        fields.extend(_PAGE_HEADERS)
    elif response.media_type is not None:
        fields.append((b"content-type", response.media_type.encode()))
    elif response.body:
        fields.append((b"content-type", how.content_type.encode()))
    if response.etag is not None:
        fields.append((b"etag", response.etag.encode()))
        fields.append((b"cache-control", b"private, no-cache"))
    else:
        fields.append((b"cache-control", b"no-store"))
    if response.last_modified is not None:
        fields.append((b"last-modified", format_datetime(response.last_modified, usegmt=True).encode()))
    if response.location is not None:
        fields.append((b"location", f"{base}/{response.location}".encode()))
    told = {**response.headers, **(headers or {})}
    fields.extend((name.lower().encode(), value.encode()) for name, value in told.items())
    return fields
