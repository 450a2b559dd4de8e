"""Who asks: what an authorisation server vouches for (https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html)."""

from dataclasses import asdict, dataclass, fields
from functools import cached_property
from hashlib import sha256
from typing import Any


@dataclass(frozen=True)
class Client:
    """A client as its token describes it; what the token does not say is None or empty, and grants nothing."""

    issuer: str | None = None
    client_id: str | None = None
    subject: str | None = None
    """The ``sub`` of the token."""
    user: str | None = None
    """The ``fhirUser``: the reference of the Practitioner, Patient or RelatedPerson who uses the client."""
    patient: str | None = None
    """The logical id of the patient in context, or an absolute reference to one."""
    scopes: tuple[str, ...] = ()
    clearances: frozenset[str] = frozenset()
    """Security labels that may be seen: ``code`` or ``system|code``, or ``*`` for all."""
    purposes: tuple[str, ...] = ()
    """Codes of v3-PurposeOfUse for which the client says that it asks."""

    @cached_property
    def identity(self) -> str:
        """A hash that is equal for clients who may see and change the same, and only for those."""
        told = (self.issuer, self.client_id, self.subject, self.user, self.patient)
        return sha256(repr((told, sorted(self.scopes), sorted(self.clearances))).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return the client as JSON, to be remembered with what it asked for."""
        return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Client":
        """Return the client that ``to_json`` was called on."""
        known = {each.name: value[each.name] for each in fields(cls)}
        lists = {"scopes": tuple(known["scopes"]), "purposes": tuple(known["purposes"])}
        return cls(**{**known, **lists, "clearances": frozenset(known["clearances"])})


ANYBODY = Client()
"""Everybody who reaches a service without authentication."""
