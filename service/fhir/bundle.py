"""Bundles that answer searches, histories, batches and transactions (https://hl7.org/fhir/R4/bundle.html).

The resources are spliced in as the bytes they are stored in; nothing is parsed or modelled again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from service.fhir import json

Link = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its address, the resource's JSON text, and the JSON text of whatever else belongs to it.

    ``role`` is ready JSON such as ``"search":{"mode":"match"}``; empty where there is none.
    """

    full_url: str | None
    resource: bytes | None
    role: bytes = b""


MATCH = b'"search":{"mode":"match"}'
INCLUDE = b'"search":{"mode":"include"}'
OUTCOME = b'"search":{"mode":"outcome"}'


def bundle(
    kind: str,
    entries: Iterable[Entry],
    *,
    links: Sequence[Link] = (),
    total: int | None = None,
) -> bytes:
    """Return the JSON text of a Bundle of type ``kind``."""
    head: dict[str, Any] = {"resourceType": "Bundle", "type": kind}
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
