"""Bundles that answer searches, histories, batches and transactions (https://hl7.org/fhir/R4/bundle.html).

The resources are spliced in as the bytes they are stored in; nothing is parsed or modelled again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.fhir import json
from service.fhir.entry import Response
from service.fhir.touched import Touched

Link = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its address, the resource's JSON text, and the JSON text of whatever else belongs to it.

    ``role`` is ready JSON such as ``"search":{"mode":"match"}``; empty where there is none.
    """

    full_url: str | None
    resource: bytes | None
    role: bytes = b""
    touched: tuple[Touched, ...] = field(kw_only=True)
    """The versions that it shows, none for what is no version of a resource."""


MATCH = b'"search":{"mode":"match"}'
INCLUDE = b'"search":{"mode":"include"}'
OUTCOME = b'"search":{"mode":"outcome"}'
_REDACTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "REDACTED",
    "display": "redacted",
}
"""The label of what access filters. SUBSETTED, the tag of what a client asked to be shortened, is not for that."""


def bundle(
    kind: str,
    entries: Sequence[Entry],
    *,
    links: Sequence[Link] = (),
    total: int | None = None,
    is_redacted: bool = False,
) -> Response:
    """Return the answer that is a Bundle of type ``kind``, and has touched what its entries show.

    ``is_redacted`` says that the client is not cleared for all that there may be.
    """
    text = _text(kind, entries, links, total, [_REDACTED] if is_redacted else [])
    return Response(200, text, touched=_touched(entries))


def _touched(entries: Iterable[Entry]) -> tuple[Touched, ...]:
    """Return what ``entries`` have touched, each version once: as stored where one stores what another shows."""
    found: dict[tuple[str, str, int], Touched] = {}
    for entry in entries:
        for each in entry.touched:
            if each.action != "R" or each[:3] not in found:
                found[each[:3]] = each
    return tuple(found.values())


def _text(
    kind: str, entries: Iterable[Entry], links: Sequence[Link], total: int | None, labels: Sequence[dict[str, str]]
) -> bytes:
    head: dict[str, Any] = {"resourceType": "Bundle", "type": kind}
    if labels:
        head = {"resourceType": "Bundle", "meta": {"security": labels}, "type": kind}
    if total is not None:
        head["total"] = total
    if links:
        head["link"] = [{"relation": relation, "url": url} for relation, url in links]
    text = json.dump(head)
    parts = [_entry(entry) for entry in entries]
    if not parts:
        return text
    return text[:-1] + b',"entry":[' + b",".join(parts) + b"]}"


def _entry(entry: Entry) -> bytes:
    members = []
    if entry.full_url is not None:
        members.append(b'"fullUrl":' + json.dump(entry.full_url))
    if entry.resource is not None:
        members.append(b'"resource":' + entry.resource)
    if entry.role:
        members.append(entry.role)
    return b"{" + b",".join(members) + b"}"
