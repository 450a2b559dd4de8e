"""The resources of a backup, with all their versions, as the lines of its files tell of them."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from service.commands.backup.manifest import File, Manifest, WrongBackup, lines_of
from service.fhir import json
from service.fhir.datetimes import instant
from service.fhir.entry import version_of_etag
from service.fhir.outcome import OutcomeError
from service.fhir.reference import is_id
from service.store.document import Stored

_RESOURCE, _REQUEST = b'{"resource":', b',"request":{"method":'
"""What stands before a resource on a line, and behind it."""


def resources_of(directory: Path, manifest: Manifest, resource_type: str) -> Iterator[list[Stored]]:
    """Yield the versions of each resource of a type, the earliest first; raises WrongBackup."""
    (current,) = (file for file in manifest.current if file.type == resource_type)
    (versions,) = (file for file in manifest.versions if file.type == resource_type)
    bodies = lines_of(directory, current)
    for _, some in groupby(_versions(directory, versions, bodies), lambda version: version.id):
        found = list(some)
        numbers = [version.version for version in found]
        if numbers != sorted(set(numbers)):
            raise WrongBackup(f"{directory / versions.url}: the versions of a resource are not in order")
        yield found
    if next(bodies, None) is not None:
        raise WrongBackup(f"{directory / current.url} has resources of which {versions.url} does not tell")


def _versions(directory: Path, file: File, bodies: Iterator[bytes]) -> Iterator[Stored]:
    for number, line in enumerate(lines_of(directory, file), 1):
        try:
            yield _version(line, file.type, bodies)
        except (LookupError, TypeError, ValueError, OutcomeError, StopIteration):
            raise WrongBackup(f"{directory / file.url}: line {number} is not as it was written") from None


def _version(line: bytes, resource_type: str, bodies: Iterator[bytes]) -> Stored:
    """Return the version on a line; raises one of several errors where there is none."""
    entry: dict[str, Any] = json.parse(line)
    asked, answered = entry["request"], entry["response"]
    name, _, resource_id = asked["url"].partition("/")
    version, moment = version_of_etag(answered["etag"]), datetime.fromisoformat(answered["lastModified"])
    if name != resource_type or not is_id(resource_id) or version is None:
        raise ValueError
    body = None
    if asked["method"] != "DELETE":
        is_here = line.startswith(_RESOURCE)
        body = line[len(_RESOURCE) : line.rindex(_REQUEST)] if is_here else next(bodies)
        _check(body, resource_type, resource_id, version, moment)
    return Stored(
        resource_type,
        resource_id,
        version,
        moment,
        asked["method"],
        body,
        revives=answered["status"] == "201" and version > 1,
    )


def _check(body: bytes, resource_type: str, resource_id: str, version: int, moment: datetime) -> None:
    """Raise ValueError unless ``body`` is of this version."""
    resource = json.parse(body)
    meta = resource["meta"]
    told = (resource["resourceType"], resource["id"], meta["versionId"], meta["lastUpdated"])
    if told != (resource_type, resource_id, str(version), instant(moment)):
        raise ValueError
