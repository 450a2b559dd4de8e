"""What is audited: one HTTP request, as an AuditEvent tells it later (https://hl7.org/fhir/R4/auditevent.html).

It is kept in two parts. ``who`` says who did what, from where, to which versions, and how that ended; it stays as long
as the log does. ``what`` says whom it was about and what was asked for: a lawful erasure takes it away.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from service.fhir.touched import Touched
from service.security.client import Client


@dataclass(frozen=True, slots=True)
class Happened:
    """One HTTP request, or a part of one that is too much for a single event; never content of a resource."""

    started: datetime
    client: Client
    address: str
    """The network address of the client."""
    request_id: str
    method: str
    interaction: str
    """The code of the CapabilityStatement, such as ``search-type``; empty where the request asked for none."""
    path: str
    """The path below the FHIR address."""
    query: str
    entries: tuple[str, ...]
    """What a Bundle's entries asked for and got, such as ``GET Goal?patient=1 200``."""
    status: int
    rules: tuple[str, ...]
    """The rules of the issues of a refusal."""
    touched: tuple[Touched, ...]
    """Every version disclosed or stored."""


class Recorded(NamedTuple):
    """An event of the log."""

    id: str
    """The id of the AuditEvent."""
    recorded: datetime
    happened: Happened
    is_erased: bool
    """Whether it was about somebody whose record was erased: what was asked for, and who that was, is gone."""


class Parts(NamedTuple):
    """The two parts in which an event is kept, as JSON."""

    who: bytes
    what: bytes


def parts_of(happened: Happened) -> Parts:
    """Return the two parts of an event."""
    touched = happened.touched
    path, client = happened.path, happened.client
    names_person = "Patient/" in path
    who = (
        happened.started,
        _fragment(client),
        happened.address,
        happened.request_id,
        happened.method,
        happened.interaction,
        None if names_person else path,
        happened.status,
        happened.rules,
        [each[:3] if each[4] == "R" else (*each[:3], each[4]) for each in touched],
    )
    subjects = {each[3] for each in touched}
    about: Any = subjects.pop() if len(subjects) == 1 else [each[3] for each in touched]
    what = (happened.query, about, happened.entries, client.patient, path if names_person else None)
    return Parts(_dumped(who), _dumped(what))


def happened_in(parts: Parts) -> Happened:
    """Return the event that ``parts`` are of; the scopes and clearances of its client are not kept."""
    started, client, address, request_id, method, interaction, path, status, rules, versions = orjson.loads(parts.who)
    query, about, entries, patient, private_path = orjson.loads(parts.what)
    if not isinstance(about, list):
        about = [about] * len(versions)
    issuer, client_id, subject, user, purposes = client
    return Happened(
        datetime.fromisoformat(started),
        Client(issuer, client_id, subject, user, patient, purposes=tuple(purposes)),
        address,
        request_id,
        method,
        interaction,
        path or private_path or "",
        query,
        tuple(entries),
        status,
        tuple(rules),
        tuple(
            Touched(item[0], item[1], item[2], person, item[3] if len(item) > 3 else "R")
            for item, person in zip(versions, about, strict=True)
        ),
    )


def about_others(what: bytes, persons: Collection[str]) -> bytes:
    """Return what of a ``what`` may stay when all that is about a person is erased: whom else it was about."""
    _, about, _, patient, _ = orjson.loads(what)
    if isinstance(about, list):
        about = [None if each in persons else each for each in about]
    elif about in persons:
        about = None
    names = (patient, f"Patient/{patient}")
    return _dumped(("", about, (), None if any(name in persons for name in names) else patient, None))


@lru_cache(1_024)
def _fragment(client: Client) -> orjson.Fragment:
    told = (client.issuer, client.client_id, client.subject, client.user, client.purposes)
    return orjson.Fragment(_dumped(told))


def _dumped(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # half of a surrogate pair, which a client may send in an address
        return orjson.dumps(_all_spelt_out(value))


def spelt_out(text: str) -> str:
    """Return ``text`` with an escape for each half of a surrogate pair, which no database holds."""
    return text.encode(errors="backslashreplace").decode()


def _all_spelt_out(value: Any) -> Any:
    if isinstance(value, str):
        return spelt_out(value)
    if isinstance(value, list | tuple):
        return [_all_spelt_out(each) for each in value]
    return value
