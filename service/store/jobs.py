"""Jobs: what was asked for now and is done in the background, by whichever worker claims it.

A claim is held by a lease that its worker renews. All that a worker keeps of a job is written on condition that the
claim is still its own: where it stopped for too long, another worker has gone on from what was kept, and it learns so
at its next write. Leases go by the clock of the database, so that clocks of workers do not have to agree.
"""

import asyncio
import dataclasses
import re
import uuid
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import ReturnDocument

from service.fhir.outcome import Issue, OutcomeError
from service.security.client import Client
from service.store.driver import Document, Driver
from service.store.faults import translated
from service.store.job_pieces import JobPieces
from service.store.open import JOB_PIECES, JOBS

LEASE = 15.0
"""Seconds after which a claim that was not renewed is another worker's to take."""
MOST_CLAIMS = 5
"""How often a job is claimed that is no further each time: then it fails, for it may be what ends its workers."""
MOST_OF_ONE = 20
"""Jobs of one client that are not done yet."""
_OPEN = ("waiting", "running")
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class LostClaimError(Exception):
    """The job is no longer this worker's: another has claimed it, or who asked for it has cancelled it."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stood when it was read."""

    id: str
    kind: str
    """What is to be done: a name in the table of kinds."""
    client: Client
    """Who asked for it, with whose access it is done."""
    asked: dict[str, Any]
    state: str
    """``waiting``, ``running``, ``done`` or ``failed``."""
    words: str
    """How far it is, for people."""
    progress: dict[str, Any]
    """What its worker kept, to go on from."""
    result: dict[str, Any]
    """What it came to, once it is done."""
    status: int
    """The HTTP status of why it failed, once it has."""
    outcome: dict[str, Any]
    """The OperationOutcome that goes with it."""
    requested: datetime
    expires: datetime
    """When it is forgotten."""
    claims: int
    """How often it was claimed since it last got further."""


@dataclass(slots=True)
class Claim:
    """The right to do a job, as long as its lease is renewed; every method raises LostClaimError where it is lost."""

    job: Job
    pieces: JobPieces
    """What is kept of the job beside it."""
    _jobs: "Jobs"
    _token: str

    async def renew(self) -> None:
        """Hold the job for LEASE seconds more."""
        await self._write({})

    async def save(self, progress: dict[str, Any], words: str) -> None:
        """Keep ``progress``, from where the job is gone on with, and how far that is in ``words``."""
        await self._write({"progress": progress, "words": words[:100], "claims": 0})

    async def finish(self, result: dict[str, Any]) -> None:
        """Let the job be done."""
        await self._write({"state": "done", "result": result})

    async def fail(self, status: int, outcome: dict[str, Any]) -> None:
        """Let the job have failed for the reasons in an OperationOutcome, which goes with an HTTP status."""
        await self._write({"state": "failed", "status": status, "outcome": outcome})

    async def release(self) -> None:
        """Leave the job to whoever claims it next, at once."""
        with suppress(LostClaimError):
            await self._write({"state": "waiting", "renewed": _NEVER, "claim": None})

    async def _write(self, change: Document) -> None:
        await self._jobs.write_claimed(self.job.id, self._token, change)


class Jobs:
    """The jobs of the service, kept for ``kept`` after they got further last."""

    in_transaction = False
    """What it writes is never part of a transaction."""

    def __init__(self, driver: Driver, clock: Callable[[], datetime], kept: timedelta) -> None:
        self._driver = driver
        self._jobs = driver.collection(JOBS)
        self._clock = clock
        self._kept = kept
        self._started = asyncio.Event()

    @translated
    async def start(self, kind: str, client: Client, asked: dict[str, Any], job_id: str | None = None) -> str:
        """Return the id of a new job, which the workers are to do; raises OutcomeError 429 where a client has too many.

        ``job_id`` is one under which pieces were kept already.
        """
        now, job_id = self._clock(), job_id or str(uuid.uuid4())
        document = {
            "_id": job_id,
            "kind": kind,
            "client": client.to_json(),
            "owner": owner_of(client),
            "asked": asked,
            "state": "waiting",
            "words": "waiting for a worker",
            "progress": {},
            "result": {},
            "status": 0,
            "outcome": {},
            "requested": now,
            "expires": now + self._kept,
            "renewed": _NEVER,
            "claim": None,
            "claims": 0,
        }
        await self._jobs.insert_one(document)
        # Counted once it is there: of many that come at the same moment, each counts those before it.
        open_jobs = {"owner": owner_of(client), "state": {"$in": _OPEN}, "expires": {"$gt": now}}
        if await self._jobs.count_documents(open_jobs, limit=MOST_OF_ONE + 1) > MOST_OF_ONE:
            await self._jobs.delete_one({"_id": job_id})
            sentence = f"{MOST_OF_ONE} jobs of this client are not done yet; wait for one, or cancel it by DELETE"
            raise OutcomeError(Issue("too-many-requests", sentence), headers={"Retry-After": "60"})
        self._started.set()
        return job_id

    @translated
    async def find(self, job_id: str, client: Client) -> Job | None:
        """Return a job of ``client``, or None where it has none of this id, or no longer."""
        query = {"_id": job_id, "owner": owner_of(client), "expires": {"$gt": self._clock()}}
        found = await self._jobs.find_one(query)
        return _job(found) if found else None

    @translated
    async def cancel(self, job: Job) -> None:
        """Stop a job, at the next write of its worker, and forget it."""
        await self._jobs.delete_one({"_id": job.id})
        await self.pieces(job.id).forget()

    def pieces(self, job_id: str) -> JobPieces:
        """Return what is kept of a job beside it."""
        return JobPieces(self._driver, job_id, lambda: self._clock() + self._kept)

    @translated
    async def claim(self, kinds: Collection[str]) -> Claim | None:
        """Return a claim on the job of ``kinds`` that waits longest and that nobody does; None where there is none."""
        lease = {"$subtract": ["$$NOW", int(LEASE * 1000)]}
        free = {"state": {"$in": _OPEN}, "kind": {"$in": [*kinds]}, "$expr": {"$lt": ["$renewed", lease]}}
        free["expires"] = {"$gt": self._clock()}  # what is forgotten for who asked is not begun, or begun again
        if await self._jobs.find_one(free, {"_id": 1}) is None:  # the usual case, which writes nothing
            return None
        token = uuid.uuid4().hex
        change = {
            "$set": {"state": "running", "claim": token, "expires": self._clock() + self._kept},
            "$inc": {"claims": 1},
            "$currentDate": {"renewed": True},
        }
        order = [("requested", 1)]
        found = await self._jobs.find_one_and_update(free, change, sort=order, return_document=ReturnDocument.AFTER)
        return Claim(_job(found), self.pieces(found["_id"]), self, token) if found else None

    @translated
    async def write_claimed(self, job_id: str, token: str, change: Document) -> None:
        """Change a job that is claimed by ``token``, and renew its lease; raises LostClaimError where it is not."""
        change = {"expires": self._clock() + self._kept, **change}
        renewal = {} if "renewed" in change else {"$currentDate": {"renewed": True}}
        query = {"_id": job_id, "claim": token, "state": "running"}
        result = await self._jobs.update_one(query, {"$set": change, **renewal})
        if result.matched_count == 0:
            raise LostClaimError

    @translated
    async def count_open(self, kind: str) -> int:
        """Return how many jobs of ``kind`` are not done yet, whoever asked for them."""
        query = {"kind": kind, "state": {"$in": _OPEN}, "expires": {"$gt": self._clock()}}
        found: int = await self._jobs.count_documents(query)
        return found

    @translated
    async def forget_pieces(self, names: Iterable[str]) -> None:
        """Forget all pieces of these names, whichever job they are of."""
        either = "|".join(map(re.escape, names))
        await self._driver.collection(JOB_PIECES).delete_many({"_id": {"$regex": f"^[^/]+/({either})/"}})

    async def started(self, patience: float) -> None:
        """Return when a job was started here, or ``patience`` seconds have passed."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._started.wait(), patience)
        self._started.clear()


def owner_of(client: Client) -> str:
    """Return what is equal for the same client and the same user of it, whatever they are allowed at the time."""
    return "\n".join(repr(each) for each in (client.issuer, client.client_id, client.subject))


def _job(document: Document) -> Job:
    fields = {each.name: document["_id" if each.name == "id" else each.name] for each in dataclasses.fields(Job)}
    return Job(**{**fields, "client": Client.from_json(document["client"])})
