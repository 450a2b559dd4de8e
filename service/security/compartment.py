"""Whose data a client can reach, whatever its scopes: by the patient in context, and by who uses it.

A claim that is missing, that cannot be read or that contradicts another opens nothing
(https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html).
"""

from dataclasses import dataclass

from service.fhir.reference import Addresses, is_id, parse_reference
from service.security.client import Client
from service.security.scopes import LEVELS, PERMISSIONS, Level, Permission

_PATIENT, _RELATED = "Patient", "RelatedPerson"
_PROFESSIONALS = frozenset({"Practitioner", "PractitionerRole"})
_USERS = frozenset({_PATIENT, _RELATED, *_PROFESSIONALS})
"""Who can be told apart as a user; scopes of the level ``user`` are for nobody else."""
_READING: tuple[Permission, ...] = ("r", "s")
_CONTRIBUTING: tuple[Permission, ...] = ("r", "s", "u")


@dataclass(frozen=True, slots=True)
class Reach:
    """What the claims of a client leave of what its scopes say."""

    patients: tuple[str, ...] | None = None
    """The references in which the patient in context is stored, the usual one first; None without such a context."""
    levels: tuple[Level, ...] = ()
    """The levels of scope that count."""
    permissions: tuple[Permission, ...] = ()
    """What may be done at most."""
    is_person: bool = False
    """Whether the patient in context is who uses the client."""


NOWHERE = Reach()


def reach_of(client: Client, server: Addresses, persons: Addresses) -> Reach:
    """Return whom ``client`` can reach.

    References to ``server`` are stored as relative ones; those to the other addresses of ``persons`` name the same
    patients, and those to any other address name nobody.
    """
    try:
        claimed = None if client.patient is None else _patient(client.patient, persons)
        kind = None if client.user is None else _kind(client.user)
        own = _patient(client.user, persons) if client.user is not None and kind == _PATIENT else None
    except ValueError:
        return NOWHERE
    if (kind == _RELATED and claimed is None) or len({claimed, own} - {None}) > 1:
        return NOWHERE
    patient = claimed or own
    elsewhere = sorted(persons.bases - server.bases)
    return Reach(
        patients=None if patient is None else (patient, *(f"{base}/{patient}" for base in elsewhere)),
        levels=_levels(claimed, kind),
        permissions=_permissions(patient, kind),
        is_person=own is not None,
    )


def _patient(text: str, persons: Addresses) -> str:
    """Return ``Patient/id`` for the id of one of our patients, or a reference; raises ValueError for all else."""
    found = persons.local(f"{_PATIENT}/{text}" if is_id(text) else text)
    if found is None or found.type != _PATIENT:
        raise ValueError("This names no patient of ours")
    return found.relative


def _kind(user: str) -> str:
    """Return the type of resource that a user is; raises ValueError for what is no reference."""
    found = parse_reference(user)
    if found is None:
        raise ValueError("This is no reference")
    return found.type


def _levels(claimed: str | None, kind: str | None) -> tuple[Level, ...]:
    missing = {"patient": claimed is None, "user": kind not in _USERS}
    return tuple(level for level in LEVELS if not missing.get(level, False))


def _permissions(patient: str | None, kind: str | None) -> tuple[Permission, ...]:
    if kind == _RELATED:
        return _READING
    return PERMISSIONS if patient is None or kind in _PROFESSIONALS else _CONTRIBUTING
