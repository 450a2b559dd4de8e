"""Blocks of the audit as documents of the database."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, TypeVar

from pymongo import ASCENDING, DESCENDING, IndexModel

from service.fhir.touched import Touched
from service.security.audit import Happened, Parts, happened_in
from service.security.audit_terms import agents_of, entities_of, people_of
from service.security.chain import Anchor, Block, Registration, rest_of
from service.store.driver import Document

T = TypeVar("T")

AUDIT = "audit"
WRITERS = "audit_writers"
"""The register of all writers."""
ANCHORS = "audit_anchors"
"""What pruning has left of writers."""
RECORDED = "recorded"
TERMS = ("entities", "patients", "agents", "statuses")
"""By what blocks are found: what is in any of their events."""
RANGES = "ranges"
"""Beside the terms: of events with many resources in the order of their ids, the first and the last of each type."""
OF_RANGES = f"{RECORDED} {RANGES}"
"""The index of blocks with ranges, in the order of time."""
_FIRST, _LAST = "first", "last"
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_MANY = 100
"""From so many on a range is kept, for each resource by itself would cost the database more than to disclose it."""
INDEXES = [
    IndexModel(
        [(RECORDED, DESCENDING), (f"{RANGES}.{_FIRST}", ASCENDING), (f"{RANGES}.{_LAST}", ASCENDING)],
        name=OF_RANGES,
        partialFilterExpression={RANGES: {"$exists": True}},
    ),
    IndexModel([(RECORDED, DESCENDING)], name=RECORDED),
    *(IndexModel([(term, ASCENDING), (RECORDED, DESCENDING)], name=f"{term} {RECORDED}") for term in TERMS),
]


class Terms:
    """By what a block is found, gathered from its events."""

    def __init__(self, events: Iterable[Happened] = ()) -> None:
        self._entities: set[str] = set()
        self._patients: set[str] = set()
        self._agents: set[str] = set()
        self._statuses: set[int] = set()
        self._ranges: list[Document] = []
        for happened in events:
            self.add(happened)

    def add(self, happened: Happened) -> None:
        """Gather from one more event."""
        if ranges := _ranges_of(happened.touched):
            self._ranges += ranges
        else:
            self._entities.update(entities_of(happened))
        self._patients.update(people_of(happened))
        self._agents.update(agents_of(happened.client))
        self._statuses.add(happened.status)

    def as_document(self) -> Document:
        """Return the fields of the document."""
        found: tuple[Iterable[Any], ...] = (self._entities, self._patients, self._agents, self._statuses)
        terms: Document = {name: sorted(values) for name, values in zip(TERMS, found, strict=True)}
        return {**terms, **({RANGES: self._ranges} if self._ranges else {})}


def _ranges_of(touched: Sequence[Touched]) -> list[Document]:
    """Return the ranges of many resources that are in order, else nothing."""
    if len(touched) < _MANY:
        return []
    names = [f"{each[0]}/{each[1]}" for each in touched]
    if any(one > other for one, other in pairwise(names)):
        return []
    starts = [at for at, each in enumerate(touched) if at == 0 or each[0] != touched[at - 1][0]]
    return [{_FIRST: names[start], _LAST: names[end - 1]} for start, end in pairwise([*starts, len(names)])]


def within_range(name: str) -> Document:
    """Return the condition of blocks that have the resource ``name``, such as ``Goal/1``, within a range.

    Where nothing is said of the moment, which comes first in the index, nothing else in it would be made use of.
    """
    return {
        RECORDED: {"$gte": _EVER},
        RANGES: {"$exists": True, "$elemMatch": {_FIRST: {"$lte": name}, _LAST: {"$gte": name}}},
    }


def document_of(block: Block, terms: Terms) -> Document:
    """Return the document of a block."""
    return {
        "_id": block.id,
        RECORDED: datetime.fromtimestamp(block.recorded / 1_000, UTC),
        "who": block.who,
        "what": block.what,
        "macs": block.macs,
        "previous": block.previous,
        "mac": block.mac,
        **terms.as_document(),
    }


def block_in(document: Document) -> Block:
    """Return the block that a document is of; raises ValueError where it is of none."""
    writer, number = writer_and_number(document.get("_id"))
    recorded = document.get(RECORDED)
    if not isinstance(recorded, datetime):
        raise ValueError("it does not say when it was recorded")
    who, what, macs, previous, mac = (_bytes(document, name) for name in ("who", "what", "macs", "previous", "mac"))
    return Block(writer, number, milliseconds(recorded), who, what, macs, previous, mac)


def writer_and_number(name: Any) -> tuple[str, int]:
    """Return of which writer a block is and which number it has; raises ValueError where it has no such id."""
    writer, _, number = name.partition("-") if isinstance(name, str) else ("", "", "")
    if not (writer.isascii() and writer.isalnum() and number.isascii() and number.isdigit() and len(number) == 12):
        raise ValueError("it has no id of a block")
    return writer, int(number)


def of_writer(writer: str) -> Document:
    """Return the condition that the ids of a writer's blocks fulfil."""
    return {"$gte": f"{writer}-", "$lt": f"{writer}."}  # what comes after '-'


def events_in(block: Block) -> list[Happened]:
    """Return the events of a block, without what was erased."""
    return [happened_in(Parts(who, rest_of(what))) for who, what in block.events]


def anchor_in(document: Document) -> Anchor:
    """Return the anchor that a document is of; raises ValueError where it is of none."""
    return Anchor(
        _text(document, "_id"), _number(document, "number"), _bytes(document, "last"), _bytes(document, "mac")
    )


def registration_in(document: Document) -> Registration:
    """Return the entry of the register that a document is of; raises ValueError where it is of none."""
    first, previous, mac = (_bytes(document, name) for name in ("first", "previous", "mac"))
    return Registration(_number(document, "_id"), _text(document, "writer"), first, previous, mac)


def milliseconds(moment: datetime) -> int:
    """Return the milliseconds since 1970."""
    return round(moment.timestamp() * 1_000)


def _bytes(document: Document, name: str) -> bytes:
    return _of(bytes, document, name)


def _text(document: Document, name: str) -> str:
    return _of(str, document, name)


def _number(document: Document, name: str) -> int:
    return _of(int, document, name)


def _of(kind: type[T], document: Document, name: str) -> T:
    value = document.get(name)
    if not isinstance(value, kind):
        raise ValueError(f"its {name} is missing or of another kind")
    return value
