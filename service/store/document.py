"""What is stored of a resource: the JSON text that is served, its native form, its index, all in one document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from service.fhir import json
from service.fhir.datetimes import instant
from service.fhir.touched import Touched
from service.search.index import Indexer
from service.store.driver import Document
from service.store.indexes import DEFINITIONS, Index
from service.store.tombstones import WITHDRAWN

REVIVES = "revives"
"""The field that says that a version came after a deletion; others lack it."""
SUBJECT = "subject"
"""The field of an earlier version or a tombstone that says whom the resource was about."""
SERVED = {"body": 1, "version": 1, "lastUpdated": 1, "method": 1, REVIVES: 1, SUBJECT: 1, "search.subject": 1}
"""The projection that answers need."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of a resource; ``body`` is its JSON text, None where this version is a deletion."""

    type: str
    id: str
    version: int
    last_updated: datetime
    method: str
    body: bytes | None
    revives: bool = False
    """Whether the version before this one is a deletion."""
    subject: str | None = None
    """Whom it is about, such as ``Patient/1``, where it is about one and is indexed."""

    @property
    def touched(self) -> tuple[Touched, ...]:
        """What the audit says where this version is disclosed."""
        return (Touched(self.type, self.id, self.version, self.subject),)

    @property
    def changed(self) -> tuple[Touched, ...]:
        """What the audit says where this version is stored."""
        action: Literal["C", "U", "D"] = "D" if self.deleted else "C" if self.created else "U"
        return (Touched(self.type, self.id, self.version, self.subject, action),)

    @property
    def created(self) -> bool:
        """Whether there was no resource with this id just before."""
        return self.version == 1 or self.revives

    @property
    def deleted(self) -> bool:
        """Whether this version says that the resource was deleted."""
        return self.body is None

    @property
    def location(self) -> str:
        """``Type/id/_history/version``."""
        return f"{self.type}/{self.id}/_history/{self.version}"


@dataclass(frozen=True, slots=True)
class IndexedType:
    """How documents of one resource type are indexed."""

    indexer: Indexer
    definitions: str
    """The hash of all that the definitions say of it, which each document carries."""
    parameters: Mapping[str, str]
    """By the code of a search parameter the hash of what the definitions say of that one."""
    indexes: Sequence[Index]
    """What the database keeps to find them."""


def to_stored(resource_type: str, document: Document) -> Stored:
    """Return the version that a document of the current collection holds."""
    return Stored(
        resource_type,
        document["_id"],
        document["version"],
        document["lastUpdated"],
        document["method"],
        document.get("body"),
        REVIVES in document,
        document["search"].get(SUBJECT) if "search" in document else document.get(SUBJECT),
    )


def from_history(resource_type: str, document: Document) -> Stored:
    """Return the version that a document of the history collection holds."""
    key = document["_id"]
    return Stored(
        resource_type,
        key["id"],
        key["version"],
        document["lastUpdated"],
        document["method"],
        document.get("body"),
        REVIVES in document,
        document.get(SUBJECT),
    )


def to_history(stored: Stored) -> tuple[Document, Document]:
    """Return key and content of the history document of a version."""
    content: Document = {"lastUpdated": stored.last_updated, "method": stored.method}
    if stored.body is not None:
        content["body"] = stored.body
    if stored.revives:
        content[REVIVES] = True
    if stored.subject is not None:
        content[SUBJECT] = stored.subject
    return key_of(stored.id, stored.version), content


def key_of(resource_id: str, version: int) -> Document:
    """Return what an earlier version has as its ``_id``."""
    return {"id": resource_id, "version": version}


def later_than(previous: Stored | None, now: datetime) -> datetime:
    """Return ``now`` in whole milliseconds, or the first millisecond after ``previous``: times only increase."""
    moment = now.replace(microsecond=now.microsecond // 1000 * 1000)
    if previous is None or moment > previous.last_updated:
        return moment
    return previous.last_updated + timedelta(milliseconds=1)


def make_document(
    resource: dict[str, Any],
    indexed: IndexedType,
    resource_id: str,
    version: int,
    moment: datetime,
    method: str,
) -> Document:
    """Return the document of a resource as it came from the client, with its ``id`` and ``meta`` set."""
    complete = with_identity(resource, resource_id, version, moment)
    return {
        "_id": resource_id,
        "version": version,
        "lastUpdated": moment,
        "deleted": False,
        "method": method,
        "body": json.dump(complete),
        "resource": complete,
        **indexed.indexer(complete),
        DEFINITIONS: indexed.definitions,
    }


def make_tombstone(current: Stored, index: Document, moment: datetime) -> Document:
    """Return the document of the deletion after ``current``, whose index was ``index``."""
    about = {} if current.subject is None else {SUBJECT: current.subject}
    return {
        "_id": current.id,
        "version": current.version + 1,
        "lastUpdated": moment,
        "deleted": True,
        "method": "DELETE",
        WITHDRAWN: index,
        **about,
    }


def index_of(stored: Stored, indexed: IndexedType) -> Document:
    """Return the index of a version that is no deletion."""
    return indexed.indexer(json.parse(stored.body or b""))


def with_identity(resource: dict[str, Any], resource_id: str, version: int, moment: datetime) -> dict[str, Any]:
    """Return ``resource`` with its type, ``id`` and ``meta`` in front and all else in the order it came."""
    meta = {"versionId": str(version), "lastUpdated": instant(moment)}
    meta |= {key: value for key, value in resource.get("meta", {}).items() if key not in meta}
    front = {"resourceType": resource["resourceType"], "id": resource_id, "meta": meta}
    return front | {key: value for key, value in resource.items() if key not in front}
