"""Which versions an answer discloses, read from nothing but what was sent and what came back.

``Ledger`` is what a client can know from the answers that it has had; it never asks the service.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx

from tests.support.resources import TYPES, Json


class Version(NamedTuple):
    """A version of a resource."""

    type: str
    id: str
    number: int


_ADDRESS = re.compile(r"(?:^|/)([A-Z]\w+)/([A-Za-z0-9.-]+)(?:/_history/(\d+)|/\$\S*)?$")
_TOLD = re.compile(r"(?:which is|since version|the current version,) (\d+)")
_XML = re.compile(r'<(\w+) xmlns="http://hl7.org/fhir"><id value="([^"]+)"/><meta><versionId value="(\d+)"/>')
_SERVED = (*TYPES, "AuditEvent")


@dataclass
class Ledger:
    """The versions that a client knows of."""

    numbers: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    content: dict[Version, Json] = field(default_factory=dict)
    deleted: set[Version] = field(default_factory=set)

    def knows(self, version: Version) -> bool:
        """Return whether a version has been heard of."""
        return version.number in self.numbers.get(version[:2], ())

    def note(self, version: Version, *, deleted: bool = False) -> None:
        """Take down a version."""
        self.numbers.setdefault(version[:2], set()).add(version.number)
        if deleted:
            self.deleted.add(version)

    def current(self, resource_type: str, resource_id: str) -> Version:
        """Return the latest version of a resource."""
        return Version(resource_type, resource_id, max(self.numbers[resource_type, resource_id]))

    def living(self, resource_type: str) -> list[Version]:
        """Return the latest version of each resource that is not deleted."""
        every = [self.current(*name) for name in self.numbers if name[0] == resource_type]
        return sorted(version for version in every if version not in self.deleted)

    def gone(self, resource_type: str) -> list[Version]:
        """Return the deletion of each resource that is deleted."""
        return sorted(each for each in self.deleted if each.type == resource_type and self.current(*each[:2]) == each)


def versions_in(value: Any) -> Iterator[tuple[Version, Json]]:
    """Yield every version that stands in a body as a resource with its number, wherever it stands."""
    if isinstance(value, dict):
        meta = value.get("meta")
        if value.get("resourceType") in _SERVED and isinstance(meta, dict) and "versionId" in meta:
            yield Version(value["resourceType"], value["id"], int(meta["versionId"])), value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from versions_in(item)


def disclosed_by(path: str, answer: httpx.Response, ledger: Ledger, entries: Sequence[Json] = ()) -> set[Version]:
    """Return the versions that an answer discloses by its head and by its body.

    ``entries`` are the requests of the Bundle that was sent.
    """
    is_json = answer.content and "json" in answer.headers.get("content-type", "")
    body = answer.json() if is_json else None
    found = {version for version, _ in versions_in(body)}
    found |= {Version(name, key, int(number)) for name, key, number in _XML.findall(answer.text)}
    found |= set(_told(path, answer.headers, body))
    if entries and body["resourceType"] == "OperationOutcome":
        for number, asked in enumerate(entries):
            own = [each for each in body["issue"] if f"entry[{number}]" in each.get("expression", [""])[0]]
            found |= set(_told(asked["request"]["url"], {}, {**body, "issue": own}))
        return found
    if isinstance(body, dict) and body["resourceType"] == "Bundle":
        asked = [each["request"]["url"] for each in entries] or [""] * len(body.get("entry", ()))
        for url, entry in zip(asked, body.get("entry", ()), strict=True):
            response = entry.get("response", {})
            address = entry["fullUrl"] if body["type"] == "history" else url
            found |= set(_told(address, response, response.get("outcome")))
            found |= {version for nested in _bundles(entry) for version in _containers(nested, ledger)}
        found |= set(_containers(body, ledger))
    return found


def _bundles(entry: Json) -> list[Json]:
    resource = entry.get("resource", {})
    return [resource] if resource.get("resourceType") == "Bundle" else []


def _containers(bundle: Json, ledger: Ledger) -> Iterator[Version]:
    """Yield the versions that contain what a search has found inside of them."""
    for entry in bundle.get("entry", ()):
        outer, mark, _ = entry.get("fullUrl", "").partition("#")
        if mark and (found := _ADDRESS.search(outer)):
            yield ledger.current(found[1], found[2])


def _told(address: str, head: Any, body: Any) -> Iterator[Version]:
    """Yield what the head of an answer names, and the numbers in the sentences of a conflict."""
    found = _ADDRESS.search(head.get("location") or address.partition("?")[0])
    if found is None or found[1] not in _SERVED:
        return
    etag = head.get("etag")
    numbers = {etag.removeprefix("W/").strip('"')} if etag else set()
    if isinstance(body, dict) and body.get("resourceType") == "OperationOutcome":
        codes = [(issue, issue.get("details", {}).get("coding", [{}])[0].get("code")) for issue in body["issue"]]
        conflicts = [issue for issue, code in codes if code == "version-conflict"]
        numbers |= {number for issue in conflicts for number in _TOLD.findall(issue["diagnostics"])}
    yield from (Version(found[1], found[2], int(number)) for number in numbers)
