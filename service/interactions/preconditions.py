"""Preconditions: If-Match, If-None-Match, If-Modified-Since (https://hl7.org/fhir/R4/http.html#concurrency)."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from service.fhir.datetimes import moment_of, stretch
from service.fhir.entry import Request, version_of_etag
from service.fhir.outcome import Issue, OutcomeError
from service.fhir.touched import Touched
from service.interactions.context import Context
from service.interactions.differences import version_differences
from service.store.document import Stored

_DONE = {
    "add": "was added",
    "insert": "was added",
    "delete": "was deleted",
    "replace": "was changed",
    "move": "has its items in another order",
}
"""By the type of an operation: what it did to an element."""


async def check_preconditions(request: Request, current: Stored | None, context: Context) -> None:
    """Raise OutcomeError unless ``current`` is what the request means to change: 412, or 400 for want of If-Match.

    Where If-Match names an earlier version the outcome also tells which elements are different since.
    """
    present = current if current is not None and not current.deleted else None
    if request.if_match is not None:
        if present is None or not _names(request.if_match, present):
            now = f"which is {present.version}" if present else "for there is none"
            sentence = f"If-Match does not name the current version, {now}; read it again and repeat your change"
            since, touched = await _changes_since(request.if_match, present, context) if present else ([], ())
            raise OutcomeError(Issue("version-conflict", sentence, "http.If-Match"), *since, touched=touched)
    elif context.limits.require_if_match and present is not None:
        sentence = "Say with If-Match which version you change"
        raise OutcomeError(Issue("if-match-required", sentence, "http.If-Match"))
    if request.if_none_match is not None and present is not None and _names(request.if_none_match, present):
        sentence = f"If-None-Match excludes the current version, {present.version}"
        raise OutcomeError(Issue("version-conflict", sentence, "http.If-None-Match"), touched=present.touched)


async def _changes_since(etags: str, current: Stored, context: Context) -> tuple[list[Issue], tuple[Touched, ...]]:
    """Return which elements are different in ``current`` from the version that a client has, if that is known.

    With it comes which versions that tells of.
    """
    version = max(filter(None, map(version_of_etag, etags.split(","))), default=0)
    had = await context.store.read_version(current.type, current.id, version) if version < current.version else None
    if had is None or had.deleted:
        return [], current.touched
    changes = {(item.place, _DONE[item.type]): None for item in version_differences(had, current, context)}
    issues = [
        Issue("version-conflict", f"This element {done} since version {version}", place, "information")
        for place, done in changes
    ]
    return issues, had.touched + current.touched if issues else current.touched


def client_has(request: Request, stored: Stored) -> bool:
    """Return whether the client of a read says that it has this version already."""
    if request.if_none_match is not None:
        return _names(request.if_none_match, stored)
    if request.if_modified_since is not None:
        since = _moment(request.if_modified_since)
        if since is None:
            return False
        precise = since.microsecond > 0  # as an instant in a Bundle can be; an HTTP date has whole seconds
        return (stored.last_updated if precise else stored.last_updated.replace(microsecond=0)) <= since
    return False


def _names(etags: str, stored: Stored) -> bool:
    return etags.strip() == "*" or stored.version in map(version_of_etag, etags.split(","))


def _moment(text: str) -> datetime | None:
    """Return the moment that an HTTP date names, or the instant that a Bundle entry has in its place.

    One that cannot be read is ignored, as RFC 9110 demands.
    """
    try:
        moment = moment_of(stretch(text)[0]) if text[:4].isdigit() else parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
