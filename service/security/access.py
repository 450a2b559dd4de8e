"""What one client may see and change: the only place where that is decided.

A scope, the compartment of the patient in context and the clearance for labels have to agree on a resource. What is
missing, contradictory or cannot be evaluated grants nothing.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from service.fhir.reference import Addresses
from service.search.memory import holds
from service.search.predicate import NOTHING, Predicate
from service.search.request import SearchParser
from service.security.client import ANYBODY, Client
from service.security.compartment import Reach, reach_of
from service.security.rights import Rights
from service.security.scopes import LOWER_LABELS, PERMISSIONS, READ_REPORTS, Permission, Scope, read_scope

__all__ = ["UNLIMITED", "Access", "Accesses", "Permission"]

_MOST_CLIENTS = 1_024
_CHOOSING: tuple[Permission, ...] = ("c", "u")
"""What an update at an unused id takes of all resources of the type."""


class Access:
    """What a client may see and change; without anything else it is nothing."""

    client: Client = ANYBODY
    types: tuple[str, ...] = ()
    """The types that resources which are written here are of."""
    is_limited = True
    """Whether anything at all is kept from the client."""
    is_person = False
    """Whether the client is used by the patient in context, who sees all that is theirs, whatever its labels."""
    has_full_clearance = False
    """Whether no label keeps a resource from the client."""
    may_lower_labels = False
    """Whether the client may remove security labels, or replace them by lower ones."""
    may_read_reports = False
    """Whether the client may read what is published over the whole service, whatever else it may see."""
    patients: tuple[str, ...] | None = None
    """The forms in which a reference to the patient in context is stored, or None without such a context."""
    writes_contributions_only = False
    """Whether all that the client may write is a note, an agreement or a disagreement."""

    @property
    def patient(self) -> str | None:
        """The relative reference to the patient in context, or None without such a context."""
        return self.patients[0] if self.patients else None

    def seen(self, permission: Permission, resource_type: str) -> Predicate | None:
        """Return what holds of the resources that ``permission`` is for: None where it is for all, NOTHING for none.

        It says nothing of deleted resources, some of which it may hold for: they have no index.
        """
        return NOTHING

    def admits(self, permission: Permission, resource_type: str, document: dict[str, Any]) -> bool:
        """Return whether ``permission`` is for a resource whose stored form is ``document``; links are not followed."""
        return False

    def asked_of(self, resource_type: str) -> frozenset[str]:
        """Return the search parameters that ``seen`` goes by: resources that are not indexed by them are misjudged."""
        return frozenset()

    def sees_all(self, resource_type: str) -> bool:
        """Return whether the client may search for every resource of the type."""
        return self.seen("s", resource_type) is None

    def may_choose_ids(self, resource_type: str) -> bool:
        """Return whether the client may create a resource under an id of its choice, which tells if that is taken."""
        return all(self.seen(permission, resource_type) is None for permission in _CHOOSING)


class _Unlimited(Access):
    """Everything, for anybody: a service without authentication."""

    is_limited = False
    has_full_clearance = True
    may_lower_labels = True
    may_read_reports = True

    def seen(self, permission: Permission, resource_type: str) -> Predicate | None:
        return None

    def admits(self, permission: Permission, resource_type: str, document: dict[str, Any]) -> bool:
        return True


UNLIMITED: Access = _Unlimited()


class _Granted(Access):
    """What the scopes of a client give within its reach."""

    def __init__(self, client: Client, reach: Reach, rights: Rights) -> None:
        self.client = client
        self.types = rights.types
        self.is_person = reach.is_person
        self.has_full_clearance = rights.has_full_clearance
        self.may_lower_labels = LOWER_LABELS in client.scopes and bool(reach.levels)
        self.may_read_reports = READ_REPORTS in client.scopes and bool(reach.levels)
        self.patients = reach.patients
        self.writes_contributions_only = bool(reach.levels) and "c" not in reach.permissions
        self._rights = rights
        every = (*self.types, *rights.standing)
        self.is_limited = any(rights.seen(each, name) is not None for name in every for each in PERMISSIONS)

    def seen(self, permission: Permission, resource_type: str) -> Predicate | None:
        return self._rights.seen(permission, resource_type)

    def admits(self, permission: Permission, resource_type: str, document: dict[str, Any]) -> bool:
        if self._rights.seen(permission, resource_type) == NOTHING:
            return False
        own = self._rights.own(permission, resource_type)
        return own is None or holds(own, document)

    def asked_of(self, resource_type: str) -> frozenset[str]:
        return self._rights.asked_of(resource_type)


class Accesses:
    """Makes the access of each client.

    References to ``server`` are stored as relative ones; patients at the other addresses of ``persons`` are ours, too.
    The types that are ``published`` are for every client.
    """

    def __init__(self, parser: SearchParser, published: Collection[str], server: Addresses, persons: Addresses) -> None:
        self._parser = parser
        self._published = frozenset(published)
        self._server = server
        self._persons = persons
        self.of = lru_cache(_MOST_CLIENTS)(self._of)
        """Returns what a client may see and change."""

    def _of(self, client: Client) -> Access:
        reach = reach_of(client, self._server, self._persons)
        return _Granted(client, reach, Rights(client, reach, _scopes(client), self._parser, self._published))


def _scopes(client: Client) -> list[Scope]:
    return [scope for text in dict.fromkeys(client.scopes) if (scope := read_scope(text)) is not None]
