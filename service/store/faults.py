"""What clients are told when the database fails: an outcome, never the driver's words."""

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import pymongo
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DocumentTooLarge,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)

from service.fhir.outcome import Issue, OutcomeError

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger(__name__)

DATABASE_ERRORS = (PyMongoError, DocumentTooLarge)
"""What the drivers raise; the second is no PyMongoError, for the document is refused before it is sent."""

TOO_LARGE = 10334
LONGEST_WRITE = 15
"""Seconds between the moment that a resource says it was changed at and the one from which others see it, at most."""
_TOO_COSTLY = frozenset({50, 262, 146, 292, 4568, TOO_LARGE})
"""MaxTimeMSExpired, ExceededTimeLimit, ExceededMemoryLimit, QueryExceededMemoryLimitNoDiskUseAllowed, what is joined to
one document is too large for one, and so is an intermediate result."""
_DUPLICATE_KEY = 11000
TRANSIENT = "TransientTransactionError"
_UNCERTAIN = (ConnectionFailure, ExecutionTimeout, WriteConcernError)
COMMIT_UNKNOWN = "UnknownTransactionCommitResult"


class ExistsError(Exception):
    """A resource with that id was created by someone else in the meantime."""


class MovedOnError(Exception):
    """The resource is no longer at the version that was read."""


class _InSession(Protocol):
    @property
    def in_transaction(self) -> bool: ...


S = TypeVar("S", bound=_InSession)


def translated(
    method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Return ``method`` with the driver's errors as OutcomeError; inside a transaction they pass as they are."""

    @functools.wraps(method)
    async def guarded(self: S, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(self, *args, **kwargs)
        except DATABASE_ERRORS as error:
            if self.in_transaction:
                raise
            raise as_outcome(error) from error

    return guarded  # type: ignore[return-value]  # functools.wraps forgets that self is positional


@asynccontextmanager
async def within_time() -> AsyncIterator[None]:
    """Raise OutcomeError 503 where a write takes longer than LONGEST_WRITE seconds.

    That is so where the record is held by the transaction of a process that has died, until the database ends that. The
    database is told the time too: a write that nobody waits for any more would else be done when the record is free.
    """
    try:
        with pymongo.timeout(LONGEST_WRITE):
            async with asyncio.timeout(LONGEST_WRITE + 1):
                yield
                _heed_cancellation()
    except TimeoutError:
        raise unavailable() from None


def _heed_cancellation() -> None:
    """Raise CancelledError where this task was told to end and that was lost, as `asyncio.wait_for` loses it (3.11)."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def as_outcome(error: PyMongoError | DocumentTooLarge) -> OutcomeError:
    """Return what to tell the client, or raise ``error`` itself where it is a fault of the service.

    The log gets the kind of error, which names no person.
    """
    if isinstance(error, DocumentTooLarge) or (isinstance(error, OperationFailure) and error.code == TOO_LARGE):
        return OutcomeError(Issue("body-too-large", "The resource is too large for one database document of 16 MB"))
    # A lost connection has the label of a conflict too: both say that the transaction may be run again.
    if _is_taken(error) or (error.has_error_label(TRANSIENT) and not isinstance(error, ConnectionFailure)):
        return conflict()
    log.error("database: %s", type(error).__name__)
    if _is_uncertain(error):
        return unavailable()
    raise error


def _is_uncertain(error: PyMongoError) -> bool:
    """Return whether it is not known if a write was done."""
    if isinstance(error, BulkWriteError) and not error.details["writeErrors"]:
        return True  # only that it cannot be lost any more was not confirmed
    return isinstance(error, _UNCERTAIN) or any(map(error.has_error_label, ("RetryableWriteError", COMMIT_UNKNOWN)))


def _is_taken(error: PyMongoError) -> bool:
    """Return whether a new document has the id of another one."""
    if isinstance(error, BulkWriteError):
        return any(item["code"] == _DUPLICATE_KEY for item in error.details["writeErrors"])
    return isinstance(error, DuplicateKeyError)


def is_too_costly(error: BaseException) -> bool:
    """Return whether a search took more time, memory or space in a command than it may."""
    return isinstance(error, DocumentTooLarge) or (isinstance(error, OperationFailure) and error.code in _TOO_COSTLY)


def too_costly() -> OutcomeError:
    """Return the outcome of a search that the database cannot do within its limits."""
    sentence = "The search was stopped because it takes too long; narrow it by a person, a status or a date"
    return OutcomeError(Issue("search-too-costly", sentence))


def unavailable() -> OutcomeError:
    """Return the outcome of whatever the database could not be asked for."""
    sentence = "The database does not answer; try again shortly. A write may have been done: read before you repeat it"
    issue = Issue("database-unavailable", sentence)
    return OutcomeError(issue, headers={"Retry-After": "2"})


def conflict() -> OutcomeError:
    """Return the outcome of a write that lost to others until its time was up."""
    sentence = "Other writes to the same records were faster; nothing was changed, and trying again is safe"
    return OutcomeError(Issue("write-conflict", sentence), headers={"Retry-After": "1"})


def labels(error: BaseException) -> tuple[bool, bool]:
    """Return whether a failed transaction may be run again, and whether its commit may be sent again."""
    if not isinstance(error, PyMongoError):
        return False, False
    return error.has_error_label(TRANSIENT), error.has_error_label(COMMIT_UNKNOWN)
