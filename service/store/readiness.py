"""Which search parameters can be answered in full: those by which every stored document is indexed in today's form.

A document says by which definitions it is indexed, and the store keeps for each such hash what it means parameter by
parameter. So what waits to be indexed anew follows from the documents themselves: nothing is ever marked as done, and
where a service with other definitions writes to the same store, it shows.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from service.fhir.outcome import Issue, OutcomeError
from service.search.index import INDEX_FORM
from service.store.document import IndexedType
from service.store.driver import Driver
from service.store.faults import DATABASE_ERRORS, as_outcome
from service.store.indexes import DEFINITIONS

SHARED = ("_text", "_content", "_contained")
"""What can be searched by without being a parameter; it is indexed in the form that the service has for all types."""

_FACTS = "service"
_PENDING_AGAIN = 1.0
_READY_AGAIN = 10.0
"""Seconds after which the store is asked again: where a parameter was pending that is asked for, and where none was."""
_MOST_COUNTED = 10_000
_RETRY_AFTER = {"Retry-After": "60"}

Parameters = Mapping[str, str]
"""By code the hash of what the definitions say of a parameter."""


async def note_definitions(driver: Driver, resource_type: str, indexed: IndexedType) -> None:
    """Note what the hash means that documents written from now on carry."""
    meaning = {"$setOnInsert": {"parameters": list(_meaning(indexed).items())}}
    await driver.collection(_FACTS).update_one({"_id": _key(resource_type, indexed.definitions)}, meaning, upsert=True)


@dataclass(slots=True)
class _Known:
    """What was found when the store was last asked about a type."""

    at: float = -_READY_AGAIN
    lacking: dict[str, list[str]] = field(default_factory=dict)
    """By the code of a pending parameter the hashes of the definitions by which it is not indexed."""


class Readiness:
    """Knows which parameters of ``types`` are pending, by looking at the store now and then."""

    def __init__(self, driver: Driver, types: Mapping[str, IndexedType]) -> None:
        self._driver = driver
        self._types = types
        self._known = {name: _Known() for name in types}
        self._meanings: dict[str, Parameters] = {}

    async def pending(self, resource_type: str) -> list[str]:
        """Return the codes of the parameters by which some stored resources are not indexed, as it is now."""
        return list((await self._look(resource_type)).lacking)

    async def require(self, resource_type: str, codes: Iterable[str]) -> None:
        """Raise OutcomeError 503 where a search by ``codes`` could leave out resources that are not indexed yet.

        Types that are not stored have nothing to wait for.
        """
        if resource_type not in self._types:
            return
        known, asked = self._known[resource_type], set(codes)
        rest = _READY_AGAIN if asked.isdisjoint(known.lacking) else _PENDING_AGAIN
        try:
            if time.monotonic() - known.at >= rest:
                known = await self._look(resource_type)
            lacking = [code for code in known.lacking if code in asked]
            if lacking:
                sentences = [await self._sentence(resource_type, code, known.lacking[code]) for code in lacking]
        except DATABASE_ERRORS as error:
            raise as_outcome(error) from error
        if lacking:
            issues = [
                Issue("parameter-not-indexed", sentence, f"http.{code}")
                for code, sentence in zip(lacking, sentences, strict=True)
            ]
            raise OutcomeError(*issues, headers=_RETRY_AFTER)

    async def _look(self, resource_type: str) -> _Known:
        ours = self._types[resource_type]
        collection = self._driver.collection(resource_type)
        at = time.monotonic()
        present = await collection.distinct(DEFINITIONS, {DEFINITIONS: {"$gt": ""}})
        others = {item: await self._meaning(resource_type, item) for item in present if item != ours.definitions}
        known = _Known(at)
        for code, form in _meaning(ours).items():
            lacking = [item for item, meaning in others.items() if meaning.get(code) != form]
            if lacking:
                known.lacking[code] = lacking
        self._known[resource_type] = known
        return known

    async def _meaning(self, resource_type: str, definitions: str) -> Parameters:
        """Return what a hash means; of one that was never noted, that no parameter is indexed."""
        key = _key(resource_type, definitions)
        if key not in self._meanings:
            found = await self._driver.collection(_FACTS).find_one({"_id": key})
            if found is None:
                return {}
            self._meanings[key] = dict(found["parameters"])
        return self._meanings[key]

    async def _sentence(self, resource_type: str, code: str, lacking: list[str]) -> str:
        collection = self._driver.collection(resource_type)
        waiting = await collection.count_documents({DEFINITIONS: {"$in": lacking}}, limit=_MOST_COUNTED)
        every = await collection.estimated_document_count()
        many = f"{waiting} or more" if waiting == _MOST_COUNTED else f"{waiting}"
        return (
            f"{resource_type}?{code} is not indexed yet in {many} of about {every} resources, which an answer would "
            "leave out; run `recovery-plan reindex`, and ask again when it has ended"
        )


def _meaning(indexed: IndexedType) -> Parameters:
    own = {code: form for code, form in indexed.parameters.items() if code != "_id"}  # a document has that anyway
    return own | dict.fromkeys(SHARED, f"form {INDEX_FORM}")


def _key(resource_type: str, definitions: str) -> str:
    return f"definitions of {resource_type}: {definitions}"
