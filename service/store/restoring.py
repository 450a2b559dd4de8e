"""Restoring resources from a backup, under the ids, versions and times that they had.

What is there already has to be the same. Earlier versions are stored before the current one, so that what was stopped
in between is found incomplete by the next run, and completed.
"""

from collections.abc import Sequence
from typing import Any

from pymongo import InsertOne, ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError

from service.fhir import json
from service.store.document import (
    REVIVES,
    SERVED,
    IndexedType,
    Stored,
    from_history,
    index_of,
    key_of,
    make_document,
    make_tombstone,
    to_history,
    to_stored,
)
from service.store.driver import Document, Driver

Versions = Sequence[Stored]
"""Versions of one resource, the earliest first."""


class CannotRestore(Exception):  # noqa: N818 - the name says what it is
    """The store holds something else already, or somebody else writes there; the message is one line."""


class Restoring:
    """Restores resources of one type."""

    def __init__(self, driver: Driver, resource_type: str, indexed: IndexedType) -> None:
        self._type = resource_type
        self._indexed = indexed
        self._current = driver.collection(resource_type)
        self._history = driver.collection(f"{resource_type}_history")

    async def missing(self, resources: Sequence[Versions]) -> list[Versions]:
        """Return of each of ``resources`` the versions that the store lacks, leaving out those of which it has all.

        Raises CannotRestore where the store has another version of a number, or a later one than the last.
        """
        there = await self._there(resources)
        found: list[Versions] = []
        for versions in resources:
            known = there.get(versions[0].id, {})
            for version in versions:
                if version.version in known and not _are_equal(version, known[version.version]):
                    raise CannotRestore(f"{_name(version)} is another version here than in the backup")
            if known and max(known) > versions[-1].version:
                raise CannotRestore(f"{_name(versions[-1])} is not the last version here; the backup is older")
            if lacking := [version for version in versions if version.version not in known]:
                found.append(lacking)
        return found

    async def _there(self, resources: Sequence[Versions]) -> dict[str, dict[int, Stored]]:
        """Return by id and number the versions that the store has, of resources that are current there."""
        ids = [versions[0].id for versions in resources]
        found: dict[str, dict[int, Stored]] = {}
        async for document in self._current.find({"_id": {"$in": ids}}, SERVED):
            version = to_stored(self._type, document)
            found[version.id] = {version.version: version}
        keys = [key_of(version.id, version.version) for versions in resources for version in versions]
        if found:
            async for document in self._history.find({"_id": {"$in": [key for key in keys if key["id"] in found]}}):
                version = from_history(self._type, document)
                found[version.id].setdefault(version.version, version)
        return found

    async def restore(self, resources: Sequence[Versions]) -> None:
        """Store versions that are missing, as ``missing`` returns them; raises CannotRestore where others write."""
        before = {
            document["_id"]: to_stored(self._type, document)
            async for document in self._current.find({"_id": {"$in": [each[0].id for each in resources]}}, SERVED)
        }
        earlier: list[Any] = []
        last: list[Any] = []
        for versions in resources:
            documents = self._documents(versions, before.get(versions[0].id))
            past, now = self._writes(versions, documents, before.get(versions[0].id))
            earlier += past
            last += now
        try:
            for collection, writes in ((self._history, earlier), (self._current, last)):
                if writes:
                    await collection.bulk_write(writes, ordered=False)
        except BulkWriteError:
            raise CannotRestore(f"{self._type}: others write here meanwhile; stop them, and run this again") from None

    def _documents(self, versions: Versions, before: Stored | None) -> list[Document]:
        """Return the documents of ``versions``, as they were when each was current."""
        documents = []
        for version in versions:
            if version.body is None:
                documents.append(self._tombstone(version, before))
            else:
                documents.append(self._document(version))
            before = to_stored(self._type, documents[-1])
        return documents

    def _document(self, version: Stored) -> Document:
        assert version.body is not None
        resource = json.parse(version.body)
        document = make_document(
            resource, self._indexed, version.id, version.version, version.last_updated, version.method
        )
        revival = {REVIVES: True} if version.revives else {}
        return {**document, "body": version.body, **revival}

    def _tombstone(self, version: Stored, before: Stored | None) -> Document:
        """Return the document of a deletion; without the version before it is not known who may be told of it."""
        if before is None or before.body is None or before.version != version.version - 1:
            bare = Stored(version.type, version.id, version.version - 1, version.last_updated, version.method, None)
            return make_tombstone(bare, {}, version.last_updated)
        return make_tombstone(before, index_of(before, self._indexed), version.last_updated)

    def _writes(
        self, versions: Versions, documents: list[Document], before: Stored | None
    ) -> tuple[list[Any], list[Any]]:
        """Return what is to be written to the history, and what to the current resources."""
        *past, last = (to_stored(self._type, document) for document in documents)
        if before is not None and before.version > last.version:  # what was missing is all of the past
            return [_to_history(each) for each in (*past, last)], []
        if before is None:
            return [_to_history(each) for each in past], [InsertOne(documents[-1])]
        condition = {"_id": before.id, "version": before.version}
        return [_to_history(each) for each in (before, *past)], [ReplaceOne(condition, documents[-1])]


def _to_history(version: Stored) -> UpdateOne:
    key, content = to_history(version)
    return UpdateOne({"_id": key}, {"$setOnInsert": content}, upsert=True)


def _are_equal(one: Stored, other: Stored) -> bool:
    return (one.body, one.last_updated, one.method) == (other.body, other.last_updated, other.method)


def _name(version: Stored) -> str:
    return f"{version.type}/{version.id}/_history/{version.version}"
