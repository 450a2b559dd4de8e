"""By what an event of the audit is found: the people, the resources and the agents that it is about."""

import re
from functools import lru_cache

from service.security.audit import Happened, spelt_out
from service.security.client import Client

_REFERENCE = re.compile(r"Patient(?:/|%2[Ff])([A-Za-z0-9.-]{1,64})(?![A-Za-z0-9.-])")
_UNKNOWN_SENDER = (401, 429)
_INSTANCE = re.compile(r"[A-Z][A-Za-z]{1,63}/[A-Za-z0-9.-]{1,64}(?![A-Za-z0-9.-])")
_PARAMETER = re.compile(r"(?:^|[?&.:]|%3[Aa])(?:patient|subject)(?:(?::|%3[Aa])[A-Za-z]+)?=([^&\s]+)")
_SEPARATOR = re.compile(r",|%2[Cc]")
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


def patients_of(happened: Happened) -> set[str]:
    """Return whom an event is about, such as ``Patient/1``: whose records it touched, and whom it asked for.

    It is about nobody where nobody knows who asked: whoever likes can name people.
    """
    if happened.status in _UNKNOWN_SENDER:
        return set()
    found = {each[3] for each in happened.touched if each[3] is not None}
    if patient := happened.client.patient:
        found.add(spelt_out(patient if "/" in patient else f"Patient/{patient}"))
    for text in (happened.path, happened.query, *happened.entries):
        found.update(people_named_in(text))
    return found


def people_of(happened: Happened) -> set[str]:
    """Return by which patients an event is found: whom it is about, and who uses the client, if that is a patient."""
    user = happened.client.user
    found = patients_of(happened)
    return found | {user} if user and "Patient/" in user else found


def entities_of(happened: Happened) -> set[str]:
    """Return the resources that an event has touched, such as ``CarePlan/1``, or that were asked for in vain."""
    return {f"{each[0]}/{each[1]}" for each in happened.touched} | asked_in_vain(happened)


def asked_in_vain(happened: Happened) -> set[str]:
    """Return the resource that the address of a refused request names, be it there or not."""
    named = _INSTANCE.match(happened.path) if happened.status >= 400 and not happened.touched else None
    return {named[0]} if named and not named[0].startswith("Patient/") else set()


@lru_cache(1_024)
def agents_of(client: Client) -> tuple[str, ...]:
    """Return by what the events of a client are found: the user, the subject of the token, the client's id."""
    return tuple(spelt_out(name) for name in (client.user, client.subject, client.client_id) if name)


def people_named_in(text: str) -> set[str]:
    """Return the people whom a path or a query names, such as ``Patient/1``."""
    if "atient" not in text and "subject" not in text:
        return set()
    found = {f"Patient/{name}" for name in _REFERENCE.findall(text)}
    for values in _PARAMETER.findall(text):
        found.update(f"Patient/{value}" for value in _SEPARATOR.split(values) if _ID.fullmatch(value))
    return found
