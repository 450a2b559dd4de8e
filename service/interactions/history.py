"""history-instance: GET [base]/[type]/[id]/_history (https://hl7.org/fhir/R4/http.html#history)."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote, urlencode

from service.fhir import json
from service.fhir.bundle import Entry, Link, bundle
from service.fhir.datetimes import instant, moment_of, stretch
from service.fhir.entry import Parameters, Request, Response, etag_of, once, whole_number
from service.fhir.outcome import Issue, OutcomeError, shown
from service.interactions.context import Context
from service.store.cursor import Token, page_token, read_page_token
from service.store.document import Stored
from service.store.place import Place

_DEFAULT_COUNT = 100
_LARGEST_COUNT = 1_000


async def history_instance(request: Request, context: Context) -> Response:
    """Return the versions of a resource, the newest first, as a Bundle of type history; raises OutcomeError 404."""
    resource_type, resource_id = request.path[0], request.path[1]
    asked = _read_parameters(request.parameters)
    query = f"{resource_type}/{resource_id}/_history"
    kept = [(name, value) for name, value in request.parameters if name != "_page"]
    if kept:
        query += "?" + urlencode(kept, quote_via=quote)
    below = _version_in(read_page_token(context.page_secret, query, asked.page)) if asked.page is not None else None
    total = await context.store.count_versions(resource_type, resource_id)
    if total == 0:
        raise OutcomeError(Issue("unknown-resource", f"There is no {resource_type} with this id"))
    found = await context.store.versions(
        resource_type, resource_id, below=below, since=asked.since, count=asked.count + 1
    )
    shown = found[: asked.count]
    links: list[Link] = [("self", f"{request.base}/{query}")]
    if len(found) > len(shown) > 0:
        token = page_token(context.page_secret, query, Token(Place((shown[-1].version,))))
        links.append(("next", f"{request.base}/{query}{'&' if kept else '?'}_page={token}"))
    before = [*found[1:], None]
    entries = [_entry(request.base, item, earlier) for item, earlier in zip(shown, before, strict=False)]
    return Response(200, bundle("history", entries, links=links, total=total if asked.since is None else None))


@dataclass(frozen=True, slots=True)
class _Asked:
    count: int
    since: datetime | None
    page: str | None


def _version_in(token: Token) -> int | None:
    return token.place.values[0] if token.place else None


def _read_parameters(parameters: Parameters) -> _Asked:
    asked = once(parameters)
    unknown = asked.keys() - {"_count", "_since", "_page"}
    if unknown:
        names = ", ".join(shown(name) for name in sorted(unknown))
        raise OutcomeError(Issue("unknown-parameter", f"A history takes _count and _since, not {names}"))
    return _Asked(_count(asked.get("_count")), _since(asked.get("_since")), asked.get("_page"))


def _count(text: str | None) -> int:
    if text is None:
        return _DEFAULT_COUNT
    count = whole_number(text, _LARGEST_COUNT)
    if count is None:
        sentence = f"_count is a whole number from 0 to {_LARGEST_COUNT}"
        raise OutcomeError(Issue("parameter-value", sentence, "http._count"))
    return count


def _since(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return moment_of(stretch(text)[0])
    except (ValueError, OverflowError):
        sentence = "_since is a FHIR instant such as 2026-11-01T09:30:00Z"
        raise OutcomeError(Issue("parameter-value", sentence, "http._since")) from None


def _entry(base: str, stored: Stored, earlier: Stored | None) -> Entry:
    created = stored.method == "POST" or stored.version == 1 or (earlier is not None and earlier.deleted)
    status = HTTPStatus.NO_CONTENT if stored.deleted else HTTPStatus.CREATED if created else HTTPStatus.OK
    url = stored.type if stored.method == "POST" else f"{stored.type}/{stored.id}"
    role = {
        "request": {"method": stored.method, "url": url},
        "response": {
            "status": f"{status.value} {status.phrase}",
            "etag": etag_of(stored.version),
            "lastModified": instant(stored.last_updated),
        },
    }
    return Entry(f"{base}/{stored.type}/{stored.id}", stored.body, json.dump(role)[1:-1])
